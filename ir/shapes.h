#pragma once
// Shape arithmetic that type inference, the interpreter and the passes share.

#include <span>

#include "base/status.h"
#include "base/tensor.h"

namespace samc {

// -1 counts from the end; an error when out of range.
Result<int64_t> normal_axis(int64_t axis, size_t rank);
int64_t normal_axis_checked(int64_t axis, size_t rank);
Result<Shape> normal_axes(std::span<const int64_t> axes, size_t rank);  // sorted, each once
Result<Shape> broadcast_shapes(std::span<const int64_t> a, std::span<const int64_t> b);
// Strides (in elements) to read a tensor of `shape` as if it had the shape `wanted`; 0 along broadcast axes.
Shape broadcast_strides(std::span<const int64_t> shape, std::span<const int64_t> wanted);
Shape dense_strides(std::span<const int64_t> shape);

struct SliceRange {
  Shape starts;
  Shape steps;
  Shape extents;
};
// Python's x[offset:end:step] for the axes given (all when empty), the other axes whole. Steps are positive.
Result<SliceRange> slice_range(std::span<const int64_t> shape, std::span<const int64_t> offsets,
                               std::span<const int64_t> ends, std::span<const int64_t> steps,
                               std::span<const int64_t> axes);

}  // namespace samc
