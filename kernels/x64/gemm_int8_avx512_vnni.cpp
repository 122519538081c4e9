#include <utility>

#include "kernels/gemm.h"
#include "kernels/x64/stored_bf16_avx512.h"

namespace samc::avx512_vnni {
using namespace avx512;
namespace {

constexpr int64_t kTileRows = 14;
constexpr int64_t kTileVectors = 2;
constexpr int kParts = 1;

using Ints = __m512i;
inline Ints no_ints() { return _mm512_setzero_si512(); }
inline Ints set1_ints(uint32_t value) { return _mm512_set1_epi32(static_cast<int>(value)); }
inline Ints load_ints(const uint32_t* source) { return _mm512_loadu_si512(source); }
inline Ints multiply_ints(Ints a, Ints b) { return _mm512_mullo_epi32(a, b); }
inline Ints subtract_ints(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
inline Floats to_floats(Ints values) { return _mm512_cvtepi32_ps(values); }
inline int to_nearest(float value) { return _mm_cvtss_si32(_mm_set_ss(value)); }

template <int kPart>
Ints load_part(const uint32_t* weights) {
  return load_ints(weights);
}
inline Ints multiply_words(Ints steps, Ints weights, Ints sums) { return _mm512_dpbusd_epi32(sums, steps, weights); }
inline void store_steps(uint32_t* target, const Floats (&steps)[1], int zero) {
  const Ints whole = _mm512_add_epi32(_mm512_cvtps_epi32(steps[0]), _mm512_set1_epi32(zero));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm512_cvtusepi32_epi8(whole));
}

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/gemm_int8.inc"

extern const Gemm gemm_int8;
const Gemm gemm_int8{kTileRows, kWordElements, 0, pack_rows, nullptr, multiply, kParts};

}  // namespace samc::avx512_vnni
