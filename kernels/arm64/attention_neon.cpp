#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/arm64/vector_math_neon.h"

namespace samc::neon {
namespace {
// 32 registers: the sums of a tile of two vectors, two vectors of keys or values, and one factor.
constexpr int64_t kTileRows = 12;
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_words.inc"

#include "kernels/vector/attention_weights.inc"

#include "kernels/vector/attention_products.inc"

#include "kernels/vector/attention.inc"

extern const Attention attention = {252, &attend, nullptr};  // whole tiles
}  // namespace samc::neon
