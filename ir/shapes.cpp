#include "ir/shapes.h"

#include <algorithm>

namespace samc {

Result<int64_t> normal_axis(int64_t axis, size_t rank) {
  const int64_t signed_rank = static_cast<int64_t>(rank);
  const int64_t normal = axis < 0 ? axis + signed_rank : axis;
  if (normal < 0 || normal >= signed_rank) return invalid_input(fmt::format("axis {} of {} axes", axis, rank));
  return normal;
}

int64_t normal_axis_checked(int64_t axis, size_t rank) { return normal_axis(axis, rank).value(); }

Result<Shape> normal_axes(std::span<const int64_t> axes, size_t rank) {
  Shape normal;
  for (const int64_t axis : axes) {
    SAMC_ASSIGN(const int64_t one, normal_axis(axis, rank));
    normal.push_back(one);
  }
  std::sort(normal.begin(), normal.end());
  if (std::adjacent_find(normal.begin(), normal.end()) != normal.end()) return invalid_input("an axis is named twice");
  return normal;
}

Result<Shape> broadcast_shapes(std::span<const int64_t> a, std::span<const int64_t> b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape result(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t in_a = i + a.size() < rank ? 1 : a[i + a.size() - rank];
    const int64_t in_b = i + b.size() < rank ? 1 : b[i + b.size() - rank];
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      return invalid_input(fmt::format("shapes {} and {} do not broadcast", shape_to_string(a), shape_to_string(b)));
    }
    result[i] = in_a == 1 ? in_b : in_a;
  }
  return result;
}

Shape dense_strides(std::span<const int64_t> shape) {
  Shape strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

Shape broadcast_strides(std::span<const int64_t> shape, std::span<const int64_t> wanted) {
  SAMC_CHECK(shape.size() <= wanted.size(), "{} as {}", shape_to_string(shape), shape_to_string(wanted));
  const Shape dense = dense_strides(shape);
  const size_t added = wanted.size() - shape.size();
  Shape strides(wanted.size(), 0);
  for (size_t i = 0; i < shape.size(); ++i) {
    SAMC_CHECK(shape[i] == 1 || shape[i] == wanted[i + added], "{} as {}", shape_to_string(shape),
               shape_to_string(wanted));
    if (shape[i] != 1) strides[i + added] = dense[i];
  }
  return strides;
}

Result<SliceRange> slice_range(std::span<const int64_t> shape, std::span<const int64_t> offsets,
                               std::span<const int64_t> ends, std::span<const int64_t> steps,
                               std::span<const int64_t> axes) {
  const size_t count = axes.empty() ? shape.size() : axes.size();
  if (offsets.size() != count || ends.size() != count || steps.size() != count) {
    return invalid_input(
        fmt::format("{} offsets, {} ends and {} steps for {} axes", offsets.size(), ends.size(), steps.size(), count));
  }
  SliceRange range{Shape(shape.size(), 0), Shape(shape.size(), 1), Shape(shape.begin(), shape.end())};
  for (size_t i = 0; i < count; ++i) {
    size_t axis = i;
    if (!axes.empty()) {
      SAMC_ASSIGN(const int64_t normal, normal_axis(axes[i], shape.size()));
      axis = static_cast<size_t>(normal);
    }
    const int64_t extent = shape[axis];
    if (steps[i] < 1) return unsupported(fmt::format("a slice with step {}", steps[i]));
    const auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + extent : at, 0, extent); };
    const int64_t start = clamp(offsets[i]);
    const int64_t end = clamp(ends[i]);
    range.starts[axis] = start;
    range.steps[axis] = steps[i];
    range.extents[axis] = end > start ? (end - start + steps[i] - 1) / steps[i] : 0;
  }
  return range;
}

}  // namespace samc
