#pragma once
// dst = softmax(scale q (k + position)^T) v for each window of a grid and each head, without ever storing a whole score
// matrix: keys come in blocks, and each query row keeps a running maximum and sum. Windows are gathered by addressing.
//
// In bf16: q times scale log2(e) in f32, k, v and the pads are rounded to bf16, so that scores are powers of two;
// scores are sums in f32. A row's weights are 2^(score - r), r the largest score rounded up to a whole number, so that
// other blocks of keys change no weight but by a power of two. The weights are rounded to bf16 for the product with
// values and for their sum, so that a row's weights still are 1 together. Rounding is round_to_bf16 (kernels/bf16.h).
//
// In int8 products are of whole numbers of 16 bits with exact sums, since 8 bits would lose small weights. Each query
// and each key is whole numbers of a step of its own, so large that sums over dim fit 32 bits. Weights are whole
// numbers of 1 / 16384, values those of 1 / 1023 of the largest one of their column in a block of keys.

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"
#include "base/precision.h"
#include "base/rounding.h"
#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

struct AttentionParams {
  int64_t batch = 1;
  int64_t heads = 1;
  int64_t dim = 0;        // of q and k, per head
  int64_t value_dim = 0;  // of v, per head
  // The extent of a row of each buffer, and the column where head 0 begins.
  int64_t q_pitch = 0;
  int64_t k_pitch = 0;
  int64_t v_pitch = 0;
  int64_t q_offset = 0;
  int64_t k_offset = 0;
  int64_t v_offset = 0;
  int64_t grid_q_h = 1;
  int64_t grid_q_w = 0;
  int64_t window_q_h = 1;
  int64_t window_q_w = 0;
  int64_t grid_k_h = 1;
  int64_t grid_k_w = 0;
  int64_t window_k_h = 1;
  int64_t window_k_w = 0;
  float scale = 1;
  Precision precision = Precision::kF32;
  // Of the elements in memory: kF32, and with kBf16 and kInt8 also kBF16.
  DType q_dtype = DType::kF32;
  DType k_dtype = DType::kF32;
  DType v_dtype = DType::kF32;
  DType dst_dtype = DType::kF32;
};

// q is (batch grid_q, q_pitch), k and v (batch grid_k, pitch), pad_k (heads dim), pad_v (heads value_dim), dst (batch
// grid_q, heads value_dim). pad_k and pad_v stand for each key position of a window beyond the grid; nullptr when
// windows fit. position lies as k does, or is nullptr; k is f32 then, and windows fit.
void attention(const AttentionParams& params, const void* q, const void* k, const void* v, const float* pad_k,
               const float* pad_v, void* dst, KernelContext& context, const float* position = nullptr);

// The part of a grid's rows that a window covers: position i is row (i / width) grid_w + i % width after origin.
template <class Byte>
struct WindowRows {
  Byte* origin;
  DType dtype;    // of the elements
  int64_t pitch;  // in bytes
  int64_t grid_w;
  int64_t width;
};
using WindowSource = WindowRows<const std::byte>;
using WindowTarget = WindowRows<std::byte>;

// What one call of a variant does: some queries of one window of one head.
struct AttentionPiece {
  WindowSource q;
  WindowSource k;
  WindowSource v;
  WindowSource position;  // added to k, or its origin is nullptr
  WindowTarget dst;
  int64_t first_query;
  int64_t queries;
  int64_t keys;         // inside the grid
  int64_t padded_keys;  // beyond it
  const float* pad_k;
  const float* pad_v;
  int64_t dim;
  int64_t value_dim;
  float scale;
  // Where a piece has only some of its queries' keys: dst, f32, gets the weighted sum of values undivided, row_sums
  // (queries) the sums of weights, row_largest (queries) the largest scores as powers of two, which the weights are
  // relative to. Else nullptr.
  float* row_largest;
  float* row_sums;
  // All keys and values as the variant's pack() left them, blocks one behind the other, or nullptr: it packs them
  // itself.
  const float* packed;
  float* scratch;
  // What the same worker does next, or nullptr: its rows are fetched into the cache beside the arithmetic.
  const AttentionPiece* next;
};

constexpr int64_t kAttentionKeys = 128;  // keys in a block: its K and V stay in the L2 cache, a panel of it in L1

// What a variant may take of scratch memory, whatever its vectors: tiles of so many queries, and the scores of so many.
constexpr int64_t kAttentionMostTileRows = 16;
constexpr int64_t kAttentionMostLanes = 16;  // of a vector of f32
constexpr int64_t kAttentionScoreRows = 32;
// Words from a query's scores to the next one's. Not a power of two: rows fall in different cache sets.
constexpr int64_t kAttentionScoresPitch = kAttentionKeys + 16;

// Some tiles of a piece's queries that variants multiply one after the other, while a panel is in the L1 cache. A word
// of 32 bits is one element in f32, two in bf16.
struct AttentionTiles {
  const float* q;  // (tiles, tile_words)
  int64_t tile_words;
  int64_t tiles;
  int64_t rows;       // of each
  int64_t last_rows;  // of the last one
};

// What one variant does.
struct Attention {
  int64_t most_queries;  // of a piece: whole tiles
  void (*attend)(const AttentionPiece& piece);
  // Block number `block` of the piece's keys and their values, of kAttentionKeys or what is left: to
  // attention_block_words(dim, value_dim). For pieces that share keys; nullptr where each packs its own.
  void (*pack)(const AttentionPiece& piece, int64_t block, float* packed);
};
// Whatever the variant: keys in words of dim, then values in words of keys; and steps. A word has two elements in bf16
// and int8, one in f32.
[[gnu::always_inline]] inline int64_t attention_block_words(int64_t dim, int64_t value_dim, int64_t word_elements = 2) {
  if (word_elements == 1) return kAttentionKeys * (dim + round_up(value_dim, 16));
  return kAttentionKeys * (round_up(dim, 32) / 2 + 1) + (kAttentionKeys / 2 + 1) * round_up(value_dim, 16);
}
extern const KernelVariants<const Attention> attention_variants;
extern const KernelVariants<const Attention> attention_bf16_variants;
extern const KernelVariants<const Attention> attention_int8_variants;

}  // namespace samc
