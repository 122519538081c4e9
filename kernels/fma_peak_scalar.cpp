#include "kernels/fma_peak_kernel.h"

namespace samc::scalar {

int64_t fma_loop(int64_t multiply_adds, float* sink) {
  constexpr int64_t kSums = 8;
  volatile float opaque = 1e-9f;  // what the compiler cannot know, it cannot compute in advance
  const float factor = opaque;
  float sums[kSums] = {0, 1, 2, 3, 4, 5, 6, 7};
  int64_t done = 0;
  for (; done < multiply_adds; done += kSums) {
    for (float& sum : sums) sum = sum * factor + factor;
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  *sink = total;
  return done;
}

// Plain code has no bf16 arithmetic, and is not fast in int8: it multiplies floats.
int64_t bf16_loop(int64_t multiply_adds, float* sink) { return fma_loop(multiply_adds, sink); }
int64_t int8_loop(int64_t multiply_adds, float* sink) { return fma_loop(multiply_adds, sink); }

}  // namespace samc::scalar
