#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/x64/attention_words_bf16.h"

namespace samc::avx512_bf16 {
namespace {
// Half of what the registers could hold: these products come every cycle with fewer sums too, and each number of rows
// is a function of its own.
constexpr int64_t kTileRows = 8;
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_products.inc"

#include "kernels/vector/attention.inc"

extern const Attention attention_bf16 = {248, &attend, &pack_block};
}  // namespace samc::avx512_bf16
