#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/x64/attention_words_bf16.h"

namespace samc::avx512_bf16 {
namespace {
// 32 registers: the sums of a tile of two vectors, two vectors of keys or values, and one factor.
constexpr int64_t kTileRows = 14;
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_products.inc"

#include "kernels/vector/attention.inc"

extern const Attention attention_bf16 = {252, &attend, &pack_block};
}  // namespace samc::avx512_bf16
