#include <utility>

#include "kernels/gemm.h"
#include "kernels/x64/stored_bf16_avx2.h"
#include "kernels/x64/whole_products_avx2.h"

// AVX2 multiplies unsigned by signed bytes only with sums that saturate at 16 bits. So rows are widened to 16 bits when
// they are packed, and weights when they are read: the even elements of each four, then the odd ones.
namespace samc::avx2 {
namespace {

constexpr int64_t kTileRows = 6;
constexpr int64_t kTileVectors = 2;
constexpr int kParts = 2;

using Ints = __m256i;
inline Ints no_ints() { return _mm256_setzero_si256(); }
inline Ints set1_ints(uint32_t value) { return _mm256_set1_epi32(static_cast<int>(value)); }
inline Ints load_ints(const uint32_t* source) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(source)); }
inline Floats to_floats(Ints values) { return _mm256_cvtepi32_ps(values); }
inline int to_nearest(float value) { return _mm_cvtss_si32(_mm_set_ss(value)); }

template <int kPart>
Ints load_part(const uint32_t* weights) {
  const Ints fours = load_ints(weights);
  return _mm256_srai_epi16(kPart == 0 ? _mm256_slli_epi16(fours, 8) : fours, 8);
}
inline Ints multiply_words(Ints steps, Ints weights, Ints sums) { return add_pair_products(steps, weights, sums); }
// Less zero, so that nothing is left to subtract. Of a row without a scale, zero is any number: it may wrap round.
inline void store_steps(uint32_t* target, const Floats (&steps)[2], int zero) {
  const Ints most = set1_ints(static_cast<uint32_t>(kGemmInt8Steps) - static_cast<uint32_t>(zero));
  const Ints low = _mm256_min_epi32(_mm256_cvtps_epi32(steps[0]), most);
  const Ints high = _mm256_min_epi32(_mm256_cvtps_epi32(steps[1]), most);
  constexpr int kEvenThenOdd = 0xd8, kHalvesInOrder = 0xd8;
  const Ints halves = _mm256_packs_epi32(low, high);
  const Ints split = _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(halves, kEvenThenOdd), kEvenThenOdd);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), _mm256_permute4x64_epi64(split, kHalvesInOrder));
}

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/gemm_int8.inc"

extern const Gemm gemm_int8;
const Gemm gemm_int8{kTileRows, kWordElements, 0, pack_rows, nullptr, multiply, kParts};

}  // namespace samc::avx2
