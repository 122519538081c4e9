#pragma once
// Top ops on the CPU target's kernels, for what runs a function many times: the interpreter's own take ten times as
// long, and agree within f32's rounding.

#include <optional>
#include <vector>

#include "base/tensor.h"
#include "kernels/context.h"
#include "mlir/IR/Operation.h"
#include "targets/sophgo/calibrate/spare_tensors.h"

namespace samc::sophgo {

// Nothing for an op, an attribute or a shape that no kernel here takes: the interpreter takes all.
std::optional<Tensor> run_kernel(mlir::Operation* op, const std::vector<TensorView>& operands, SpareTensors& spare,
                                 KernelContext& context);

}  // namespace samc::sophgo
