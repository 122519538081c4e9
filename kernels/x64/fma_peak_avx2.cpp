#include "kernels/fma_peak_kernel.h"
#include "kernels/x64/vector_math_avx2.h"

namespace samc::avx2 {

#include "kernels/vector/fma_peak.inc"

namespace {
using Ints = __m256i;
constexpr int64_t kMultiplyAdds = 16;
inline Ints set1_ints(int value) { return _mm256_set1_epi32(value); }
inline Ints multiply(Ints factors, Ints sums) {
  Ints product = _mm256_madd_epi16(factors, factors);
  __asm__("" : "+x"(product));  // each time anew
  return _mm256_add_epi32(sums, product);
}
}  // namespace

#include "kernels/vector/int8_peak.inc"

}  // namespace samc::avx2
