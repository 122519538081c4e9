#pragma once
// The reference: runs functions of top ops as plainly as it can, and is the judge of every pass, kernel and target.
//
// All values are f32. Sums are kept in double: normalisations, softmax, reductions and pooling add in double
// throughout; matrix products and convolutions (which are matrix products of unfolded windows) add 16 products in f32
// and those sums in double. Transcendental functions are computed in double and rounded. Results do not depend on the
// threads.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "base/thread_pool.h"
#include "ir/weight_store.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace samc {

struct InterpretOptions {
  ThreadPool* pool = nullptr;  // nullptr: one thread
  // Called with every value when it has been computed; a value is freed after its last use.
  std::function<void(mlir::Value value, const TensorView& data)> observe;
};

using NamedViews = std::map<std::string, TensorView>;
using NamedTensors = std::map<std::string, Tensor>;

// Inputs by the names of the function's top.Input ops (any dtype, computed with as f32), outputs by their names. A
// missing, surplus or misshapen input and an op that is not of the top dialect are errors.
Result<NamedTensors> interpret(mlir::func::FuncOp function, const NamedViews& inputs, const WeightStore& weights,
                               const InterpretOptions& options = {});

// One op of static shapes on operands given as f32 views (data = nullptr for top.None). Not for Weight and Input, whose
// data lies elsewhere.
Result<std::vector<Tensor>> evaluate(mlir::Operation* op, const std::vector<TensorView>& operands,
                                     ThreadPool* pool = nullptr);

}  // namespace samc
