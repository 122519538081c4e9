#pragma once
// Operations that only move elements: slice, concat, gather. (permute has a file of its own.)

#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"
#include "base/tensor.h"
#include "kernels/context.h"

namespace samc {

// dst[i, j, ...] = src[starts[0] + i steps[0], starts[1] + j steps[1], ...]; steps may be negative.
struct SliceParams {
  Shape shape;  // of src
  Shape dst_shape;
  std::vector<int64_t> starts;
  std::vector<int64_t> steps;
};
void slice(const SliceParams& params, const float* src, float* dst, KernelContext& context);

struct ConcatParams {
  std::vector<Shape> shapes;  // of the operands, equal but for the axis
  int64_t axis = 0;
};
void concat(const ConcatParams& params, const std::vector<const float*>& operands, float* dst, KernelContext& context);

// dst is src with the axis replaced by the indices' shape.
struct GatherParams {
  Shape shape;  // of src
  int64_t axis = 0;
  int64_t count = 0;  // of indices
  DType index_dtype = DType::kI64;
};
// Negative indices count from the end; one out of range is the input's fault, and dst is then unspecified.
Status gather(const GatherParams& params, const float* src, const void* indices, float* dst, KernelContext& context);

}  // namespace samc
