#include "kernels/token_attention.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "base/rounding.h"
#include "kernels/gemm.h"
#include "kernels/pack.h"

namespace samc {

SAMC_VECTOR_VARIANTS(group_softmax, GroupSoftmaxFunction)

namespace {

constexpr int64_t kBlockTiles = 8;  // of rows, whose scores stay in the L2 cache
constexpr int64_t kMostBlockRows = kBlockTiles * kGemmMostTileRows;

// A panel of 16 columns holds 16 / heads tokens of all heads: token after token, the heads of a token side by side. So
// what a softmax joins lies in the same lanes of all panels. Columns beyond the last token count nothing.
struct Columns {
  int64_t heads;
  int64_t tokens;

  int64_t count() const { return divide_up(tokens * heads, kPanelColumns) * kPanelColumns; }
  int64_t of(int64_t head, int64_t token) const { return token * heads + head; }
};

struct Packed {
  float* keys;      // (columns / 16, k, 16)
  float* key_bias;  // (columns)
  float* values;    // (n / 16 rounded up, columns, 16)
  float* in_order;  // (columns, max(k, n)): rows of keys, then of values, in the order of the columns
};

// rows (heads, tokens, width) -> in_order (columns, width), zeros where there is no token.
void order_rows(const Columns& columns, const float* rows, int64_t width, float* in_order) {
  std::fill(in_order + columns.tokens * columns.heads * width, in_order + columns.count() * width, 0.0f);
  for (int64_t head = 0; head < columns.heads; ++head)
    for (int64_t token = 0; token < columns.tokens; ++token)
      std::copy_n(rows + (head * columns.tokens + token) * width, width, in_order + columns.of(head, token) * width);
}

void pack_tokens(const TokenAttentionParams& p, const Columns& columns, const float* keys, const float* key_bias,
                 const float* values, const Packed& packed, const Gemm& gemm) {
  order_rows(columns, keys, p.k, packed.in_order);
  GemmColumns key_columns;
  key_columns.src = packed.in_order;
  key_columns.stride = p.k;
  key_columns.transposed = true;
  key_columns.k = p.k;
  key_columns.columns = columns.count();
  key_columns.dst = packed.keys;
  gemm.pack_columns(key_columns);
  std::fill_n(packed.key_bias, columns.count(), -INFINITY);
  for (int64_t head = 0; head < p.heads; ++head)
    for (int64_t token = 0; token < p.tokens; ++token)
      packed.key_bias[columns.of(head, token)] = key_bias == nullptr ? 0.0f : key_bias[head * p.tokens + token];

  order_rows(columns, values, p.n, packed.in_order);
  GemmColumns value_columns;
  value_columns.src = packed.in_order;
  value_columns.stride = p.n;
  value_columns.k = columns.count();
  value_columns.columns = p.n;
  value_columns.dst = packed.values;
  gemm.pack_columns(value_columns);
}

}  // namespace

void token_attention(const TokenAttentionParams& params, const float* src, const float* keys, const float* key_bias,
                     const float* values, const float* bias, const float* residual, float* dst,
                     KernelContext& context) {
  const TokenAttentionParams& p = params;
  SAMC_CHECK(p.k > 0 && p.n > 0 && p.tokens > 0 && p.heads > 0 && kPanelColumns % p.heads == 0 && p.scale > 0,
             "token_attention: k {}, n {}, {} tokens, {} heads, scale {}", p.k, p.n, p.tokens, p.heads, p.scale);
  if (p.rows == 0) return;
  const Columns columns{p.heads, p.tokens};
  const int64_t count = columns.count();
  Packed packed{};
  packed.keys = context.scratch.shared_floats(
      static_cast<size_t>(packed_floats(p.k, count) + packed_floats(count, p.n) + count + count * std::max(p.k, p.n)));
  packed.values = packed.keys + packed_floats(p.k, count);
  packed.key_bias = packed.values + packed_floats(count, p.n);
  packed.in_order = packed.key_bias + count;
  const Gemm& gemm = *gemm_variants.choose(context);
  pack_tokens(p, columns, keys, key_bias, values, packed, gemm);

  GroupSoftmaxFunction* const group_softmax = group_softmax_variants.choose(context);
  const int64_t block_rows = kBlockTiles * gemm.tile_rows;
  const int64_t pitch = count + kPanelColumns;  // not a power of two: rows fall in different cache sets
  context.pool.run(divide_up(p.rows, block_rows), [&](int64_t piece, int worker) {
    const int64_t first = piece * block_rows;
    float* const scores = context.scratch.floats(worker, static_cast<size_t>(block_rows * pitch));
    std::array<int64_t, kMostBlockRows> score_offsets, dst_offsets;
    GemmBlock block;
    block.rows = std::min(block_rows, p.rows - first);
    for (int64_t row = 0; row < block.rows; ++row) {
      score_offsets[static_cast<size_t>(row)] = row * pitch;
      dst_offsets[static_cast<size_t>(row)] = (first + row) * p.n;
    }
    const GemmSegment whole_row{0, 0, p.k};
    block.a = src + first * p.k;
    block.row_stride = p.k;
    block.segments = &whole_row;
    block.segment_count = 1;
    block.b = packed.keys;
    block.k = p.k;
    block.columns = count;
    block.row_offsets = score_offsets.data();
    block.bias = packed.key_bias;
    block.dst = scores;
    gemm.multiply(block);

    group_softmax({scores, block.rows, pitch, count, p.heads, p.scale});

    const GemmSegment all_scores{0, 0, count};
    block.a = scores;
    block.row_stride = pitch;
    block.segments = &all_scores;
    block.b = packed.values;
    block.k = count;
    block.columns = p.n;
    block.row_offsets = dst_offsets.data();
    block.bias = bias;
    block.residual = residual;
    block.dst = dst;
    gemm.multiply(block);
  });
}

}  // namespace samc
