#pragma once
// Attention of the positions of a grid to memories of that grid, whose keys are projected and then turned by a rotary
// encoding that is axial: half of the channels by the key's column, the other half by its row. With m a memory's
// channels (fewer than a key's), K the projection, and R_x, R_y the turning of the two halves:
//
//   q . R (K m + b)  =  (A[q, x] + B[q, y]) . m + a[q, x] + b[q, y],    A[q, x] = K_x^T R_x^T q_x,  B[q, y] = K_y^T
//   R_y^T q_y
//
// so that a score is a product over the memory's channels instead of the key's, and no key is ever computed. A and B
// are products of q, turned back by the angles of each column and each row, with the projection.
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
// (grid, dim / 2) are the angles of each position: of the column's pairs, then of the row's. keys (grid, memories,
// key_channels), values (grid, memories, value_channels), token_keys (tokens, dim), token_values (tokens,
// value_channels), dst (grid, value_channels).
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

constexpr int64_t kAxialQueries = 32;  // of a piece; each of its lanes is one query
constexpr int64_t kAxialKeys = 128;    // in a block: its scores stay in the L1 cache
// Of a block's scores: in bf16 its first key may be the second of a word, and its last one the first.
constexpr int64_t kAxialScoreRows = kAxialKeys + 2;

// What one call of a variant does: the scores of some queries, their softmax, the sums of values. A word is an element
// in f32. In bf16 it is two, of 16 bits, the first in the lower half: neighbouring channels of a key, and a channel of
// neighbouring keys' values, both with zeros behind them where their number is odd.
template <class Word>
struct AxialPieceOf {
  const float* by_column;     // (grid_w, key_channels + 1, kAxialQueries): A, and a behind it
  const float* by_row;        // (grid_h, key_channels + 1, kAxialQueries)
  const float* token_scores;  // (tokens, kAxialQueries)
  const Word* keys;
  const Word* values;
  const Word* token_values;
  int64_t grid_h;
  int64_t grid_w;
  int64_t key_channels;
  int64_t value_channels;
  int64_t memories;
  int64_t tokens;
  int64_t queries;  // that are there, at most kAxialQueries
  float* dst;       // (queries, value_channels)
  float* scratch;   // axial_scratch_floats(value_channels)
};
// Scores are powers of two already: of scale log2(e) times the product.
constexpr int64_t axial_scratch_floats(int64_t value_channels) {
  return kAxialQueries * (kAxialScoreRows + value_channels);
}
using AxialPiece = AxialPieceOf<float>;
using AxialPieceBf16 = AxialPieceOf<uint32_t>;
using AxialAttentionFunction = void(const AxialPiece& piece);
using AxialAttentionBf16Function = void(const AxialPieceBf16& piece);
extern const KernelVariants<AxialAttentionFunction> axial_attention_variants;
extern const KernelVariants<AxialAttentionBf16Function> axial_attention_bf16_variants;

// Turns a piece's queries back by the angles of one place. Queries and result are panels of gemm: for each 16 queries
// (2 pairs, 16), the first halves of the pairs before the second.
struct AxialTurn {
  const float* queries;
  const float* cosines;  // (pairs)
  const float* sines;    // (pairs)
  float* turned;
  int64_t pairs;
};
using AxialTurnFunction = void(const AxialTurn& turn);
extern const KernelVariants<AxialTurnFunction> axial_turn_variants;

}  // namespace samc
