#include <immintrin.h>

#include "kernels/fma_peak_kernel.h"

namespace samc::avx512_vnni {
namespace {
using Ints = __m512i;
constexpr int64_t kMultiplyAdds = 64;
inline Ints set1_ints(int value) { return _mm512_set1_epi32(value); }
inline Ints multiply(Ints factors, Ints sums) { return _mm512_dpbusd_epi32(sums, factors, factors); }
}  // namespace

#include "kernels/vector/int8_peak.inc"

}  // namespace samc::avx512_vnni
