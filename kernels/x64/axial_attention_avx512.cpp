#include "kernels/axial_attention.h"

#include <utility>

#include "kernels/x64/vector_math_avx512.h"

namespace samc::avx512 {
namespace {
// 32 registers: the sums of a tile of two vectors, two vectors of queries or weights, and one factor.
constexpr int kQueryVectors = 2;
constexpr int kTileKeys = 12;
constexpr int kTileChannels = 12;
constexpr int kTileDistances = 6;
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_words.inc"

#include "kernels/vector/attention_weights.inc"

#include "kernels/vector/axial_words.inc"

#include "kernels/vector/axial_attention.inc"

extern const AxialAttention axial_attention;
const AxialAttention axial_attention{kQueries, kGroups, &attend_piece};
}  // namespace samc::avx512
