#include "kernels/movement.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace samc {
namespace {

// Products of the extents before and after an axis.
struct Around {
  int64_t outer = 1;
  int64_t inner = 1;
};
Around around(const Shape& shape, size_t axis) {
  Around result;
  for (size_t i = 0; i < axis; ++i) result.outer *= shape[i];
  for (size_t i = axis + 1; i < shape.size(); ++i) result.inner *= shape[i];
  return result;
}

constexpr int64_t kPieceElements = 16384;

}  // namespace

void slice(const SliceParams& params, const float* src, float* dst, KernelContext& context) {
  const size_t rank = params.shape.size();
  SAMC_CHECK(params.dst_shape.size() == rank && params.starts.size() == rank && params.steps.size() == rank,
             "slice of {}: ranks differ", shape_to_string(params.shape));
  const int64_t count = element_count(params.dst_shape);
  if (count == 0) return;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t last = params.starts[i] + (params.dst_shape[i] - 1) * params.steps[i];
    SAMC_CHECK(params.starts[i] >= 0 && params.starts[i] < params.shape[i] && last >= 0 && last < params.shape[i],
               "slice of {}: axis {} from {} to {}", shape_to_string(params.shape), i, params.starts[i], last);
  }
  // Trailing axes that are taken whole belong to one row.
  int64_t row = 1;
  size_t axes = rank;
  while (axes > 0 && params.starts[axes - 1] == 0 && params.steps[axes - 1] == 1 &&
         params.dst_shape[axes - 1] == params.shape[axes - 1])
    row *= params.shape[--axes];
  int64_t row_step = 1;  // between elements of a row in src
  int64_t row_start = 0;
  int64_t src_row = row;  // elements of src that one step of axis axes - 1 passes
  if (axes > 0 && row == 1) {
    --axes;
    row = params.dst_shape[axes];
    row_step = params.steps[axes];
    row_start = params.starts[axes];
    src_row = params.shape[axes];
  }
  const int64_t rows = count / row;
  const int64_t rows_a_piece = std::max<int64_t>(1, kPieceElements / row);
  context.pool.run((rows + rows_a_piece - 1) / rows_a_piece, [&](int64_t piece, int) {
    for (int64_t r = piece * rows_a_piece; r < std::min(rows, (piece + 1) * rows_a_piece); ++r) {
      int64_t rest = r;
      int64_t stride = src_row;
      int64_t offset = row_start;
      for (size_t i = axes; i-- > 0;) {
        offset += (params.starts[i] + rest % params.dst_shape[i] * params.steps[i]) * stride;
        rest /= params.dst_shape[i];
        stride *= params.shape[i];
      }
      float* target = dst + r * row;
      if (row_step == 1) {
        std::copy_n(src + offset, row, target);
      } else {
        for (int64_t i = 0; i < row; ++i) target[i] = src[offset + i * row_step];
      }
    }
  });
}

void concat(const ConcatParams& params, const std::vector<const float*>& operands, float* dst, KernelContext& context) {
  SAMC_CHECK(!operands.empty() && operands.size() == params.shapes.size(), "concat: {} operands, {} shapes",
             operands.size(), params.shapes.size());
  const auto axis = static_cast<size_t>(params.axis);
  SAMC_CHECK(axis < params.shapes[0].size(), "concat: axis {}", params.axis);
  const Around sizes = around(params.shapes[0], axis);
  int64_t extent = 0;
  for (const Shape& shape : params.shapes) {
    const Around other = around(shape, axis);
    SAMC_CHECK(other.outer == sizes.outer && other.inner == sizes.inner, "concat: {} beside {}", shape_to_string(shape),
               shape_to_string(params.shapes[0]));
    extent += shape[axis];
  }
  const int64_t row = extent * sizes.inner;
  if (row * sizes.outer == 0) return;
  const int64_t rows_a_piece = std::max<int64_t>(1, kPieceElements / row);
  context.pool.run((sizes.outer + rows_a_piece - 1) / rows_a_piece, [&](int64_t piece, int) {
    for (int64_t r = piece * rows_a_piece; r < std::min(sizes.outer, (piece + 1) * rows_a_piece); ++r) {
      float* target = dst + r * row;
      for (size_t i = 0; i < operands.size(); ++i) {
        const int64_t part = params.shapes[i][axis] * sizes.inner;
        target = std::copy_n(operands[i] + r * part, part, target);
      }
    }
  });
}

Status gather(const GatherParams& params, const float* src, const void* indices, float* dst, KernelContext& context) {
  const auto axis = static_cast<size_t>(params.axis);
  SAMC_CHECK(axis < params.shape.size(), "gather: axis {} of {}", params.axis, shape_to_string(params.shape));
  SAMC_CHECK(params.index_dtype == DType::kI64 || params.index_dtype == DType::kF32, "gather: indices of type {}",
             dtype_name(params.index_dtype));
  const int64_t extent = params.shape[axis];
  std::vector<int64_t> places(static_cast<size_t>(params.count));
  for (size_t i = 0; i < places.size(); ++i) {
    bool inside = false;
    if (params.index_dtype == DType::kI64) {
      places[i] = static_cast<const int64_t*>(indices)[i];
      inside = places[i] >= -extent && places[i] < extent;
    } else {
      const float index = std::trunc(static_cast<const float*>(indices)[i]);
      // Compared as floats first: NaN and values beyond int64 must not be converted.
      inside = index >= -static_cast<float>(extent) && index < static_cast<float>(extent);
      if (inside) places[i] = static_cast<int64_t>(index);
      inside = inside && places[i] >= -extent && places[i] < extent;
    }
    if (!inside)
      return invalid_input(fmt::format("gather: index number {} is outside of an axis of extent {}", i, extent));
    if (places[i] < 0) places[i] += extent;
  }
  const Around sizes = around(params.shape, axis);
  const int64_t rows = sizes.outer * params.count;
  if (rows * sizes.inner == 0) return Status::ok();
  const int64_t rows_a_piece = std::max<int64_t>(1, kPieceElements / sizes.inner);
  context.pool.run((rows + rows_a_piece - 1) / rows_a_piece, [&](int64_t piece, int) {
    for (int64_t r = piece * rows_a_piece; r < std::min(rows, (piece + 1) * rows_a_piece); ++r) {
      const int64_t place = places[static_cast<size_t>(r % params.count)];
      std::copy_n(src + (r / params.count * extent + place) * sizes.inner, sizes.inner, dst + r * sizes.inner);
    }
  });
  return Status::ok();
}

}  // namespace samc
