#include "kernels/axial_attention.h"

#include <utility>

#include "kernels/arm64/vector_math_neon.h"

namespace samc::neon {
namespace {
// 32 registers: the sums of a tile of two vectors, two vectors of queries or weights, and one factor.
constexpr int64_t kTileKeys = 12;
constexpr int64_t kTileChannels = 12;
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_words.inc"

#include "kernels/vector/axial_words.inc"

#include "kernels/vector/axial_attention.inc"

#include "kernels/vector/axial_turn.inc"

void axial_attention(const AxialPiece& piece) { attend_piece(piece); }
}  // namespace samc::neon
