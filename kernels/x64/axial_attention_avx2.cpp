#include "kernels/axial_attention.h"

#include <utility>

#include "kernels/x64/vector_math_avx2.h"

namespace samc::avx2 {
namespace {
// 16 registers: the sums of a tile of two vectors, two vectors of queries or weights, and one factor.
constexpr int64_t kTileKeys = 6;
constexpr int64_t kTileChannels = 6;
}  // namespace
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention_words.inc"

#include "kernels/vector/axial_words.inc"

#include "kernels/vector/axial_attention.inc"

#include "kernels/vector/axial_turn.inc"

void axial_attention(const AxialPiece& piece) { attend_piece(piece); }
}  // namespace samc::avx2
