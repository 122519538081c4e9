#pragma once
// A function of top ops as an .onnx file.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/file_writer.h"
#include "base/status.h"
#include "ir/weight_store.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace samc::onnx_target {

// One static version of a function. Versions that differ in a number make a model in which it is free.
struct FunctionVersion {
  mlir::func::FuncOp function;
  const WeightStore* weights = nullptr;
};

struct FreeNumber {
  std::string name;   // of the dimension
  int64_t first = 0;  // what it is in the first version
};

struct WriteOptions {
  int64_t opset = 17;
  std::vector<FreeNumber> free = {};
  std::vector<std::pair<std::string, std::string>> metadata = {};  // the file's metadata_props
};

struct WrittenModel {
  int64_t nodes = 0;
  int64_t bytes = 0;
};

// versions: the first, then one for each free number, in which it is one greater and the others are as in the first.
// All have the same ops and weights. What may differ are extents of inputs and outputs, and one extent of the shape
// that a Reshape takes; anything else is an error that names it. Extents are declared by what they are of the free
// numbers: "256*memories". Every op must have an ONNX form. The writer is left to commit.
Result<WrittenModel> write_onnx(const std::vector<FunctionVersion>& versions, const WriteOptions& options,
                                FileWriter& writer);

}  // namespace samc::onnx_target
