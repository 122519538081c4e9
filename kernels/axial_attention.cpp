#include "kernels/axial_attention.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/rounding.h"
#include "kernels/gemm.h"
#include "kernels/pack.h"

namespace samc {

SAMC_VECTOR_VARIANTS(axial_attention, AxialAttentionFunction)

namespace {

constexpr float kLog2E = 1.44269504f;

// dst (rows, kAxialQueries) = a (rows, k) times the queries' panels.
void multiply_queries(const Gemm& gemm, const float* a, int64_t rows, int64_t k, const float* panels,
                      const std::vector<int64_t>& row_offsets, float* dst) {
  const GemmSegment whole{0, 0, k};
  GemmBlock block;
  block.a = a;
  block.segments = &whole;
  block.segment_count = 1;
  block.row_stride = k;
  block.b = panels;
  block.rows = rows;
  block.k = k;
  block.columns = kAxialQueries;
  block.row_offsets = row_offsets.data();
  block.dst = dst;
  gemm.multiply(block);
}

// Scratch memory of a worker, in the order in which a piece uses it.
struct Workspace {
  float* rows;    // (kAxialQueries, dim)
  float* panels;  // the same for gemm
  float* by_column;
  float* by_row;
  float* token_scores;
  float* piece;

  static size_t floats(const AxialAttentionParams& p) {
    return static_cast<size_t>(kAxialQueries * (2 * p.dim + (p.grid_h + p.grid_w) * (p.key_channels + 1) + p.tokens) +
                               axial_scratch_floats(p.value_channels));
  }
  Workspace(const AxialAttentionParams& p, float* memory)
      : rows(memory),
        panels(rows + kAxialQueries * p.dim),
        by_column(panels + kAxialQueries * p.dim),
        by_row(by_column + p.grid_w * (p.key_channels + 1) * kAxialQueries),
        token_scores(by_row + p.grid_h * (p.key_channels + 1) * kAxialQueries),
        piece(token_scores + p.tokens * kAxialQueries) {}
};

}  // namespace

void axial_attention(const AxialAttentionParams& params, const float* q, const float* by_column, const float* by_row,
                     const float* keys, const float* values, const float* token_keys, const float* token_values,
                     float* dst, KernelContext& context) {
  const AxialAttentionParams& p = params;
  SAMC_CHECK(p.grid_h > 0 && p.grid_w > 0 && p.dim > 0 && p.dim % 4 == 0 && p.key_channels > 0 &&
                 p.value_channels > 0 && p.memories > 0 && p.tokens >= 0,
             "axial_attention: grid {} x {}, dim {}, channels {} and {}, {} memories", p.grid_h, p.grid_w, p.dim,
             p.key_channels, p.value_channels, p.memories);
  const Gemm& gemm = *gemm_variants.choose(context);
  AxialAttentionFunction* run_piece = axial_attention_variants.choose(context);
  const int64_t grid = p.grid_h * p.grid_w, half = p.dim / 2, quarter = p.dim / 4;
  const int64_t column_rows = p.grid_w * (p.key_channels + 1), row_rows = p.grid_h * (p.key_channels + 1);
  std::vector<int64_t> row_offsets(static_cast<size_t>(std::max({column_rows, row_rows, p.tokens})));
  for (size_t row = 0; row < row_offsets.size(); ++row) row_offsets[row] = static_cast<int64_t>(row) * kAxialQueries;

  context.pool.run(divide_up(grid, kAxialQueries), [&](int64_t block, int worker) {
    const int64_t first = block * kAxialQueries, queries = std::min(kAxialQueries, grid - first);
    Workspace work(p, context.scratch.floats(worker, Workspace::floats(p)));
    const float* source = q + first * p.dim;
    // The columns' or the rows' halves of the queries, or all of them, against a table.
    const auto multiply = [&](const float* table, int64_t table_rows, int64_t k, const auto& place, float* to) {
      for (int64_t i = 0; i < kAxialQueries; ++i)
        for (int64_t c = 0; c < k; ++c)
          work.rows[i * k + c] = i < queries ? source[i * p.dim + place(c)] * p.scale * kLog2E : 0.0f;
      GemmColumns columns;
      columns.src = work.rows;
      columns.stride = k;
      columns.transposed = true;
      columns.k = k;
      columns.columns = kAxialQueries;
      columns.dst = work.panels;
      gemm.pack_columns(columns);
      multiply_queries(gemm, table, table_rows, k, work.panels, row_offsets, to);
    };
    // Places in q: [column first, row first, column second, row second], a quarter each.
    multiply(
        by_column, column_rows, half, [&](int64_t c) { return c < quarter ? c : c + quarter; }, work.by_column);
    multiply(
        by_row, row_rows, half, [&](int64_t c) { return c < quarter ? c + quarter : c + half; }, work.by_row);
    if (p.tokens > 0)
      multiply(
          token_keys, p.tokens, p.dim, [](int64_t c) { return c; }, work.token_scores);
    run_piece({work.by_column, work.by_row, work.token_scores, keys, values, token_values, p.grid_h, p.grid_w,
               p.key_channels, p.value_channels, p.memories, p.tokens, queries, dst + first * p.value_channels,
               work.piece});
  });
}

}  // namespace samc
