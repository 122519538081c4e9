#include "kernels/axial_attention.h"

#include <utility>

#include "kernels/x64/attention_weights_avx2.h"

namespace samc::avx2 {
namespace {
// 16 registers: the sums of a tile of three vectors, three vectors of queries or weights, and one factor.
constexpr int kQueryVectors = 3;
constexpr int kTileKeys = 4;
constexpr int kTileChannels = 4;
constexpr int kTileDistances = 2;
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_words.inc"

#include "kernels/vector/axial_words.inc"

#include "kernels/vector/axial_attention.inc"

extern const AxialAttention axial_attention;
const AxialAttention axial_attention{kQueries, kGroups, &attend_piece};
}  // namespace samc::avx2
