#pragma once
// Many rows that each attend to a few tokens, with the projections of the rows multiplied into the tokens, which is
// less work as long as there are fewer tokens than a head has dimensions: two products whose inner extent is heads x
// tokens.
//
//   dst = sum over heads h of softmax(scale ((src + position) keys_h^T + key_bias_h)) values_h + bias + residual
//
// and then, where a norm is asked for, each row normalised over its columns (kernels/layer_norm.h) while it is in the
// cache.

#include "kernels/context.h"
#include "kernels/dispatch.h"

namespace samc {

struct TokenAttentionParams {
  int64_t rows = 0;
  int64_t k = 0;      // columns of src and of keys
  int64_t n = 0;      // columns of values and of dst
  int64_t heads = 1;  // 1, 2, 4, 8 or 16
  int64_t tokens = 0;
  float scale = 1;  // above 0
  bool norm = false;
  float eps = 0;  // of the norm
};

// Those that have a default may be absent.
struct TokenAttentionOperands {
  const float* src;                    // (rows, k)
  const float* keys;                   // (heads, tokens, k)
  const float* values;                 // (heads, tokens, n)
  float* dst;                          // (rows, n)
  const float* key_bias = nullptr;     // (heads, tokens)
  const float* bias = nullptr;         // (n)
  const float* residual = nullptr;     // (rows, n)
  const float* position = nullptr;     // (rows, k)
  const float* norm_weight = nullptr;  // (n)
  const float* norm_bias = nullptr;    // (n)
};
void token_attention(const TokenAttentionParams& params, const TokenAttentionOperands& operands,
                     KernelContext& context);

// In place: of each row, the elements whose numbers are equal modulo groups become the softmax of scale times
// themselves.
struct GroupSoftmaxPiece {
  float* scores;  // (rows, pitch)
  int64_t rows;
  int64_t pitch;
  int64_t columns;  // of a row, a multiple of 16
  int64_t groups;   // a divisor of 16
  float scale;
};
using GroupSoftmaxFunction = void(const GroupSoftmaxPiece& piece);
extern const KernelVariants<GroupSoftmaxFunction> group_softmax_variants;

}  // namespace samc
