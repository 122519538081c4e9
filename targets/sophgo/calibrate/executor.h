#pragma once
// A function of top ops run in f32 or with some of its ops in INT8, near to what tpuc-opt makes of them, on the CPU
// target's kernels where there is one for an op, else on the interpreter's ops.
//
// INT8 here is f32 rounded to 8 bits: an op's activations by the thresholds of the calibration table, its weights by
// their largest magnitude (a convolution's by channel), its result by its own threshold. A matrix product whose readers
// are all in 16 bits gives 16 bits, so its result is not rounded.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/named_tensors.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "ir/weight_store.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace samc::sophgo {

using OpSet = llvm::DenseSet<mlir::Operation*>;
// What 8 bits of a value span: -threshold to threshold; 0 to threshold of values that are never below 0.
struct Int8Range {
  double threshold = 0;
  bool is_signed = true;
};
using Int8Ranges = llvm::DenseMap<mlir::Value, Int8Range>;

class Executor {
 public:
  using Observer = std::function<Status(mlir::Value value, const TensorView& data)>;

  // All must outlive it. The function's ops are known to the interpreter and of static shapes.
  Executor(mlir::func::FuncOp function, const WeightStore& weights, ThreadPool& pool);
  ~Executor();

  // In f32. Keeps what run_int8() needs to begin in between.
  Result<NamedTensors> run(const NamedTensors& inputs, const Observer& observe = {});
  // On the inputs of the last run(), with these ops in INT8. Begins close in front of the first of them.
  Result<NamedTensors> run_int8(const OpSet& ops, const Int8Ranges& ranges);
  // The same on other inputs, from the beginning.
  Result<NamedTensors> run_int8(const NamedTensors& inputs, const OpSet& ops, const Int8Ranges& ranges);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// To the nearest of 255 steps.
void round_to_int8(std::span<float> values, Int8Range range, ThreadPool& pool);

}  // namespace samc::sophgo
