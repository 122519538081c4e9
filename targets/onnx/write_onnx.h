#pragma once
// A function of top ops as an .onnx file.

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "ir/weight_store.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace samc::onnx_target {

// One static version of a function. Two versions that differ in one number make a model in which it is free.
struct FunctionVersion {
  mlir::func::FuncOp function;
  const WeightStore* weights = nullptr;
};

struct WriteOptions {
  int64_t opset = 17;
  std::string free_dimension = "num_points";  // its name, when there are two versions
};

struct WrittenModel {
  int64_t nodes = 0;
  int64_t bytes = 0;
};

// versions: one, or two of the same ops and weights. What may differ between the two are extents of inputs, outputs and
// of shapes that Reshape and Expand take; anything else is an error that names it. Every op must have an ONNX form.
Result<WrittenModel> write_onnx(const std::vector<FunctionVersion>& versions, const WriteOptions& options,
                                const std::string& path);

}  // namespace samc::onnx_target
