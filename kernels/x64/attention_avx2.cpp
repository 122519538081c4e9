#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/x64/attention_weights_avx2.h"

namespace samc::avx2 {
namespace {
// 16 registers: the sums of a tile of two vectors, two vectors of keys or values, and one factor.
constexpr int64_t kTileRows = 6;
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_words.inc"

#include "kernels/vector/attention_products.inc"

#include "kernels/vector/attention.inc"

extern const Attention attention = {252, &attend, &pack_block};  // whole tiles of 14 and of 6 rows
}  // namespace samc::avx2
