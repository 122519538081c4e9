#include "kernels/direct_conv.h"

#include <utility>

#include "kernels/x64/vector_math_avx2.h"

namespace samc::avx2 {
namespace {

// 16 registers: the sums, the columns and one factor.
constexpr int kMostVectors = 2;
constexpr int tile_pixels(int vectors) { return vectors == 1 ? 12 : 6; }
constexpr int kGroups = 8;

using LaneIndices = __m256i;
LaneIndices load_indices(const int32_t* source) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(source)); }
Floats permute(Floats value, LaneIndices indices) { return _mm256_permutevar8x32_ps(value, indices); }

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/direct_conv.inc"

}  // namespace samc::avx2
