#include <immintrin.h>

#include "kernels/fma_peak_kernel.h"

namespace samc::avx512_bf16 {

int64_t bf16_loop(int64_t multiply_adds, float* sink) {
  constexpr int64_t kSums = 12;      // more than latency times units, fewer than registers
  constexpr int64_t kPairs = 16;     // of an instruction, which multiplies and adds two numbers in each of its lanes
  volatile int opaque = 0x2f802f80;  // two small numbers: what the compiler cannot know, it cannot compute in advance
  const auto factors = reinterpret_cast<__m512bh>(_mm512_set1_epi32(opaque));
  __m512 sums[kSums];
  for (int64_t i = 0; i < kSums; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  int64_t done = 0;
  for (; done < multiply_adds; done += 4 * kSums * 2 * kPairs) {
#pragma GCC unroll 4
    for (int repeat = 0; repeat < 4; ++repeat) {
#pragma GCC unroll 12
      for (int64_t i = 0; i < kSums; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], factors, factors);
    }
  }
  __m512 total = sums[0];
  for (int64_t i = 1; i < kSums; ++i) total = _mm512_add_ps(total, sums[i]);
  *sink = _mm512_reduce_add_ps(total);
  return done;
}

}  // namespace samc::avx512_bf16
