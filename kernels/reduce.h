#pragma once
// Sum, mean or maximum over some axes.

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "kernels/context.h"

namespace samc {

enum class ReduceOp { kMean, kSum, kMax };
Result<ReduceOp> reduce_op_named(const std::string& name);

struct ReduceParams {
  ReduceOp op = ReduceOp::kMean;
  Shape shape;  // of src
  std::vector<int64_t> axes;
};
// dst has the axes that are left. Sums are taken in double; over nothing they are 0, the mean NaN, the maximum
// -infinity.
void reduce(const ReduceParams& params, const float* src, float* dst, KernelContext& context);

}  // namespace samc
