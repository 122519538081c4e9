#include "kernels/permute.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"

namespace samc {

SAMC_VECTOR_VARIANTS(transpose_block, TransposeBlockFunction)

namespace {

constexpr size_t kLargestRank = 6;

// An axis of dst: its extent, and its strides in src and dst.
struct Axis {
  int64_t extent;
  int64_t src_stride;
  int64_t dst_stride;
};

struct Offsets {
  int64_t src = 0;
  int64_t dst = 0;
};

// Where position number index of the given axes lies.
Offsets locate(const std::vector<Axis>& axes, int64_t index) {
  Offsets offsets;
  for (size_t i = axes.size(); i-- > 0; index /= axes[i].extent) {
    offsets.src += index % axes[i].extent * axes[i].src_stride;
    offsets.dst += index % axes[i].extent * axes[i].dst_stride;
  }
  return offsets;
}

// The axes in dst's order, without those of extent 1, neighbours merged where src has them side by side too.
std::vector<Axis> merged_axes(const PermuteParams& params) {
  const size_t rank = params.shape.size();
  SAMC_CHECK(rank <= kLargestRank && params.order.size() == rank, "permute of {}", shape_to_string(params.shape));
  std::array<int64_t, kLargestRank> src_strides{};
  int64_t stride = 1;
  for (size_t i = rank; i-- > 0; stride *= params.shape[i]) src_strides[i] = stride;
  std::vector<Axis> axes;
  std::array<bool, kLargestRank> seen{};
  for (const int64_t position : params.order) {
    const auto axis = static_cast<size_t>(position);
    SAMC_CHECK(axis < rank && !seen[axis], "permute: the order is no permutation");
    seen[axis] = true;
    if (params.shape[axis] == 1) continue;
    if (!axes.empty() && axes.back().src_stride == src_strides[axis] * params.shape[axis]) {
      axes.back().extent *= params.shape[axis];
      axes.back().src_stride = src_strides[axis];
    } else {
      axes.push_back({params.shape[axis], src_strides[axis], 0});
    }
  }
  stride = 1;
  for (size_t i = axes.size(); i-- > 0; stride *= axes[i].extent) axes[i].dst_stride = stride;
  return axes;
}

}  // namespace

void permute(const PermuteParams& params, const float* src, float* dst, KernelContext& context) {
  const int64_t count = element_count(params.shape);
  if (count == 0) return;
  std::vector<Axis> axes = merged_axes(params);
  if (axes.empty()) axes.push_back({1, 1, 1});
  constexpr int64_t kPieceElements = 16384;

  if (axes.back().src_stride == 1) {  // rows stay rows
    const int64_t columns = axes.back().extent;
    axes.pop_back();
    const int64_t rows = count / columns;
    if (rows == 1) {
      const int64_t pieces = (columns + kPieceElements - 1) / kPieceElements;
      context.pool.run(pieces, [&](int64_t piece, int) {
        const int64_t first = piece * kPieceElements;
        std::memcpy(dst + first, src + first,
                    static_cast<size_t>(std::min(kPieceElements, columns - first)) * sizeof(float));
      });
      return;
    }
    const int64_t rows_a_piece = std::max<int64_t>(1, kPieceElements / columns);
    context.pool.run((rows + rows_a_piece - 1) / rows_a_piece, [&](int64_t piece, int) {
      for (int64_t row = piece * rows_a_piece; row < std::min(rows, (piece + 1) * rows_a_piece); ++row) {
        const Offsets offsets = locate(axes, row);
        std::memcpy(dst + offsets.dst, src + offsets.src, static_cast<size_t>(columns) * sizeof(float));
      }
    });
    return;
  }

  // Blocks of the two axes that are innermost in src and in dst are transposed.
  const Axis rows = axes.back();
  axes.pop_back();
  const auto innermost = std::find_if(axes.begin(), axes.end(), [](const Axis& axis) { return axis.src_stride == 1; });
  SAMC_CHECK(innermost != axes.end(), "permute: src has no innermost axis");
  const Axis columns = *innermost;
  axes.erase(innermost);
  // Long blocks where the other axis is short (channels of pixels): a few kilobytes of each plane at a time.
  constexpr int64_t kBlock = 64;
  const auto block_extent = [](int64_t other) { return kBlock * std::clamp<int64_t>(8 * kBlock / other, 1, 8); };
  const int64_t row_block = block_extent(columns.extent);
  const int64_t column_block = block_extent(rows.extent);
  const int64_t row_blocks = (rows.extent + row_block - 1) / row_block;
  const int64_t column_blocks = (columns.extent + column_block - 1) / column_block;
  TransposeBlockFunction* run_piece = transpose_block_variants.choose(context);
  context.pool.run(count / (rows.extent * columns.extent) * row_blocks * column_blocks, [&](int64_t piece, int) {
    const int64_t row = piece % row_blocks * row_block;
    const int64_t column = piece / row_blocks % column_blocks * column_block;
    const Offsets offsets = locate(axes, piece / row_blocks / column_blocks);
    run_piece({src + offsets.src + row * rows.src_stride + column, rows.src_stride,
               dst + offsets.dst + row + column * columns.dst_stride, columns.dst_stride,
               std::min(row_block, rows.extent - row), std::min(column_block, columns.extent - column)});
  });
}

}  // namespace samc
