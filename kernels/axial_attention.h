#pragma once
// Attention of the positions of a grid to memories of that grid, whose keys are projected and then turned by a rotary
// encoding that is axial: half of the channels by the key's column, the other half by its row. With m a memory's
// channels (fewer than a key's), K the projection, and R_x, R_y the turning of the two halves:
//
//   q . R (K m + b)  =  (A[q, x] + B[q, y]) . m + a[q, x] + b[q, y],    A[q, x] = K_x^T R_x^T q_x,  B[q, y] = K_y^T
//   R_y^T q_y
//
// so that a score is a product over the memory's channels instead of the key's, and no key is ever computed. A and B
// are products of q, turned back by the angles of each column and each row, with the projection. Angles grow evenly
// from place to place, so that with q turned back to the middle of the grid two places at the same distance d from it
// share their products: with (u, v) the two products of a pair of channels, sum(cos u) + sum(sin v) and the difference.
//
// dst = softmax(scale [q . keys, q . token keys]) [values; token values]: tokens beside the memories have keys of the
// plain kind. One head.
//
// In bf16, A + B and m, weights and values are rounded to bf16 (kernels/bf16.h; a sum A + B beyond the largest becomes
// infinite), and weights are relative to a power of two, as kernels/attention.h has it. All sums, A and B, and the
// tokens' scores are f32.

#include <cstdint>

#include "base/precision.h"
#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

struct AxialAttentionParams {
  int64_t grid_h = 1;
  int64_t grid_w = 1;
  int64_t dim = 0;           // of q, a multiple of 4: the first halves of the pairs, columns' before rows'; the second
  int64_t key_channels = 0;  // of a memory
  int64_t value_channels = 0;
  int64_t memories = 0;
  int64_t tokens = 0;
  float scale = 1;
  Precision precision = Precision::kF32;
};

// q is (grid, dim), turned. key_weight (2, key_channels + 1, dim / 2) is K^T: for the column's half of a key and for
// the row's, each in the order first halves of its pairs, second halves; the last row is the bias. cosines and sines
// (grid, dim / 2) are the angles of each position: of the column's pairs, then of the row's; those of a place are as
// many times those of place 1 as its number says. keys (grid, memories, key_channels), values (grid, memories,
// value_channels), token_keys (tokens, dim), token_values (tokens, value_channels), dst (grid, value_channels).
struct AxialAttentionInputs {
  const float* q;
  const float* key_weight;
  const float* cosines;
  const float* sines;
  const float* keys;
  const float* values;
  const float* token_keys;
  const float* token_values;
};
void axial_attention(const AxialAttentionParams& params, const AxialAttentionInputs& inputs, float* dst,
                     KernelContext& context);

constexpr int64_t kAxialKeys = 128;  // in a block: its scores stay near
// Of a block's scores: in bf16 the first key of each of its runs may be the second of a word, and the last one the
// first. It has at most kAxialRuns of them.
constexpr int64_t kAxialRuns = 16;
constexpr int64_t kAxialScoreRows = kAxialKeys + 2 * kAxialRuns;

// The angles of an axis: (places / 2 + 1, dim / 4), of the places from 0 to the middle. The middle's turn queries back;
// the others are those of the distances from it.
struct AxialAngles {
  const float* cosines;
  const float* sines;
};

// What one call of a variant does: some queries. A word is an element in f32. In bf16 it is two, of 16 bits, the first
// in the lower half: neighbouring channels of a key, and a channel of neighbouring keys' values, both with zeros behind
// them where their number is odd.
template <class Word>
struct AxialPieceOf {
  AxialAttentionParams shape;
  const float* q;  // (queries, dim)
  const float* key_weight;
  AxialAngles of_columns;
  AxialAngles of_rows;
  const Word* keys;
  const Word* values;
  const float* token_keys;
  const Word* token_values;
  int64_t queries;  // that are there, at most those of the variant
  float* dst;       // (queries, value_channels)
  float* scratch;   // axial_scratch_floats(shape, the variant's queries), so much for each group
};
using AxialPiece = AxialPieceOf<float>;
using AxialPieceBf16 = AxialPieceOf<uint32_t>;

// Of each query: its channels, a half of them turned back, (u, v), scores of all columns and rows, of tokens and of a
// block, and sums of values.
inline int64_t axial_scratch_floats(const AxialAttentionParams& p, int64_t queries) {
  return queries *
         (2 * p.dim + (p.grid_h + p.grid_w) * (p.key_channels + 1) + p.tokens + kAxialScoreRows + p.value_channels);
}
// Scores are powers of two already: of scale log2(e) times the product.
inline float axial_query_factor(const AxialAttentionParams& p) { return p.scale * 1.44269504f; }

template <class Word>
struct AxialAttentionOf {
  int64_t queries;  // of a group, which are computed together
  int64_t groups;   // of a piece at most: it is whole groups, but for the last of all
  void (*attend)(const AxialPieceOf<Word>& piece);
};
using AxialAttention = AxialAttentionOf<float>;
using AxialAttentionBf16 = AxialAttentionOf<uint32_t>;
extern const KernelVariants<const AxialAttention> axial_attention_variants;
extern const KernelVariants<const AxialAttentionBf16> axial_attention_bf16_variants;

}  // namespace samc
