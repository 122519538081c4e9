#include "kernels/direct_conv.h"

#include <utility>

#include "kernels/x64/vector_math_avx512.h"

namespace samc::avx512 {
namespace {

// 32 registers: the sums, the columns and one factor.
constexpr int kMostVectors = 4;
constexpr int tile_pixels(int vectors) { return vectors == 1 ? 16 : vectors == 2 ? 12 : 6; }
constexpr int kGroups = 8;

using LaneIndices = __m512i;
LaneIndices load_indices(const int32_t* source) { return _mm512_loadu_si512(source); }
Floats permute(Floats value, LaneIndices indices) { return _mm512_permutexvar_ps(indices, value); }

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/direct_conv.inc"

}  // namespace samc::avx512
