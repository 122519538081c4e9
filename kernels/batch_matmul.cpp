#include "kernels/batch_matmul.h"

#include <algorithm>
#include <array>

#include "kernels/cache.h"
#include "kernels/gemm.h"
#include "kernels/pack.h"

namespace samc {
namespace {

// Of b, packed anew for each piece: what stays in the L2 cache; for so few rows of a that packing is most of the work,
// in L1.
constexpr int64_t kPanelBytes = kL2Bytes / 2;
constexpr int64_t kFewRowsPanelBytes = kL1Bytes * 3 / 4;
constexpr int64_t kFewRows = 16;
constexpr int64_t kRowBytes = kL2Bytes / 4;

}  // namespace

void batch_matmul(const BatchMatmulParams& params, const float* a, const float* b, float* dst, KernelContext& context) {
  // Not a structured binding: clang 14 lets no lambda capture one.
  const int64_t batch = params.batch, m = params.m, k = params.k, n = params.n;
  const bool transpose_b = params.transpose_b;
  const float scale = params.scale;
  SAMC_CHECK(batch >= 0 && m >= 0 && k > 0 && n >= 0, "batch_matmul {} x ({} x {} x {})", batch, m, k, n);
  if (batch == 0 || m == 0 || n == 0) return;
  const Gemm& gemm = *gemm_variants.choose(context);
  const int64_t tile_rows = gemm.tile_rows;
  const auto row_bytes = static_cast<int64_t>(sizeof(float)) * k;

  constexpr int64_t kMostBlockRows = 256;
  const int64_t block_rows =
      std::min(m, std::clamp(kRowBytes / row_bytes / tile_rows, int64_t{1}, kMostBlockRows / tile_rows) * tile_rows);
  // Wide enough that a's packing is little beside the product, and so many that every thread has some.
  const int64_t panels = (n + kPanelColumns - 1) / kPanelColumns;
  const int64_t most_panels =
      std::clamp<int64_t>((m <= kFewRows ? kFewRowsPanelBytes : kPanelBytes) / (row_bytes * kPanelColumns), 4, 256);
  const int64_t wanted = std::max<int64_t>(1, 8 * context.pool.threads() / batch);
  const int64_t range_panels = std::min({panels, most_panels, std::max<int64_t>(4, panels / wanted)});
  const int64_t ranges = (panels + range_panels - 1) / range_panels;
  const int64_t range_columns = range_panels * kPanelColumns;
  const int64_t packed_rows = gemm.packed_rows_words(block_rows, k);

  context.pool.run(batch * ranges, [&](int64_t piece, int worker) {
    const int64_t item = piece / ranges;
    const int64_t first_column = piece % ranges * range_columns;
    float* packed_a =
        context.scratch.floats(worker, static_cast<size_t>(packed_rows + packed_floats(k, range_columns)));
    float* packed_b = packed_a + packed_rows;

    GemmColumns columns;
    columns.k = k;
    columns.columns = std::min(range_columns, n - first_column);
    columns.transposed = transpose_b;
    columns.stride = transpose_b ? k : n;
    columns.src = b + item * k * n + first_column * (transpose_b ? k : 1);
    columns.dst = packed_b;
    gemm.pack_columns(columns);

    for (int64_t first_row = 0; first_row < m; first_row += block_rows) {
      GemmRows rows;
      rows.rows = std::min(block_rows, m - first_row);
      rows.src = a + (item * m + first_row) * k;
      rows.row_stride = k;
      rows.k = k;
      rows.scale = scale;
      rows.dst = packed_a;
      gemm.pack_rows(rows);

      std::array<int64_t, kMostBlockRows> row_offsets;
      for (int64_t row = 0; row < rows.rows; ++row) row_offsets[static_cast<size_t>(row)] = row * n;
      GemmBlock block;
      block.a = packed_a;
      block.b = packed_b;
      block.rows = rows.rows;
      block.k = k;
      block.columns = columns.columns;
      block.row_offsets = row_offsets.data();
      block.dst = dst + (item * m + first_row) * n + first_column;
      gemm.multiply(block);
    }
  });
}

}  // namespace samc
