#include "kernels/token_attention.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "base/rounding.h"
#include "kernels/gemm.h"
#include "kernels/layer_norm.h"
#include "kernels/pack.h"
#include "kernels/pointwise.h"

namespace samc {

SAMC_VECTOR_VARIANTS(group_softmax, GroupSoftmaxFunction)

namespace {

constexpr int64_t kBlockTiles = 8;  // of rows, whose scores stay in the L2 cache
constexpr int64_t kMostBlockRows = kBlockTiles * kGemmMostTileRows;
constexpr int64_t kRunsOfThread = 4;

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

void pack_tokens(const TokenAttentionParams& p, const TokenAttentionOperands& operands, const Columns& columns,
                 const Packed& packed, const Gemm& gemm) {
  order_rows(columns, operands.keys, p.k, packed.in_order);
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
      packed.key_bias[columns.of(head, token)] =
          operands.key_bias == nullptr ? 0.0f : operands.key_bias[head * p.tokens + token];

  order_rows(columns, operands.values, p.n, packed.in_order);
  GemmColumns value_columns;
  value_columns.src = packed.in_order;
  value_columns.stride = p.n;
  value_columns.k = columns.count();
  value_columns.columns = p.n;
  value_columns.dst = packed.values;
  gemm.pack_columns(value_columns);
}

}  // namespace

void token_attention(const TokenAttentionParams& params, const TokenAttentionOperands& operands,
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
  pack_tokens(p, operands, columns, packed, gemm);

  GroupSoftmaxFunction* const group_softmax = group_softmax_variants.choose(context);
  BinaryFunction* const binary = binary_variants.choose(context);
  LayerNormFunction* const layer_norm = layer_norm_variants.choose(context);
  const int64_t block_rows = kBlockTiles * gemm.tile_rows;
  const int64_t pitch = count + kPanelColumns;  // not a power of two: rows fall in different cache sets
  const auto attend_block = [&](int64_t first, int64_t next_rows, int worker) {
    const int64_t summed_size = operands.position == nullptr ? 0 : block_rows * p.k;
    float* const scores = context.scratch.floats(worker, static_cast<size_t>(block_rows * pitch + summed_size));
    std::array<int64_t, kMostBlockRows> score_offsets, dst_offsets;
    GemmBlock block;
    block.rows = std::min(block_rows, p.rows - first);
    for (int64_t row = 0; row < block.rows; ++row) {
      score_offsets[static_cast<size_t>(row)] = row * pitch;
      dst_offsets[static_cast<size_t>(row)] = (first + row) * p.n;
    }
    const float* rows = operands.src + first * p.k;
    if (operands.position != nullptr) {
      float* const summed = scores + block_rows * pitch;
      binary(
          {BinaryOp::kAdd, Activation::kNone, rows, 1, operands.position + first * p.k, 1, summed, block.rows * p.k});
      rows = summed;
    }
    const GemmSegment whole_row{0, 0, p.k};
    block.a = rows;
    block.row_stride = p.k;
    block.segments = &whole_row;
    block.segment_count = 1;
    block.b = packed.keys;
    block.k = p.k;
    block.columns = count;
    block.row_offsets = score_offsets.data();
    block.bias = packed.key_bias;
    block.dst = scores;
    block.fetch = next_rows == 0 ? nullptr : operands.src + (first + block.rows) * p.k;
    block.fetch_bytes = next_rows * p.k * static_cast<int64_t>(sizeof(float));
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
    block.bias = operands.bias;
    block.residual = operands.residual;
    block.dst = operands.dst;
    block.fetch =
        next_rows == 0 || operands.position == nullptr ? nullptr : operands.position + (first + block.rows) * p.k;
    gemm.multiply(block);

    float* const result = operands.dst + first * p.n;
    if (p.norm)
      layer_norm({result, operands.norm_weight, operands.norm_bias, result, block.rows, p.n, p.eps, Activation::kNone});
  };
  // Pieces are runs of blocks, so that a worker knows what it reads next.
  const int64_t blocks = divide_up(p.rows, block_rows);
  const int64_t runs = std::min(blocks, kRunsOfThread * context.pool.threads());
  context.pool.run(runs, [&](int64_t run, int worker) {
    const int64_t last = std::min(p.rows, (run + 1) * blocks / runs * block_rows);
    for (int64_t first = run * blocks / runs * block_rows; first < last; first += block_rows)
      attend_block(first, std::clamp<int64_t>(last - first - block_rows, 0, block_rows), worker);
  });
}

}  // namespace samc
