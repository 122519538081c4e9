#include "kernels/fma_peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "kernels/fma_peak_kernel.h"

namespace samc {

SAMC_VECTOR_VARIANTS(fma_loop, FmaLoopFunction)
SAMC_BF16_VARIANTS(bf16_loop, FmaLoopFunction)
SAMC_INT8_VARIANTS(int8_loop, FmaLoopFunction)

double fma_peak_gflops(const Isa& isa, ThreadPool& pool, Precision precision) {
  using Clock = std::chrono::steady_clock;
  const auto& variants = precision == Precision::kF32    ? fma_loop_variants
                         : precision == Precision::kBf16 ? bf16_loop_variants
                                                         : int8_loop_variants;
  FmaLoopFunction* const loop = variants.chosen(isa.features).kernel;
  constexpr int kRuns = 100;  // so short that on a busy machine some are not interrupted
  constexpr double kSeconds = 0.001;
  float sink = 0;
  int64_t size = 1 << 16;
  const auto seconds_of = [](auto start) { return std::chrono::duration<double>(Clock::now() - start).count(); };
  for (;; size *= 2) {
    const auto start = Clock::now();
    loop(size, &sink);
    if (seconds_of(start) > kSeconds / 2) break;
  }
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::atomic<int64_t> total = 0;
    const auto start = Clock::now();
    pool.run(pool.threads(), [&](int64_t, int) {
      float result = 0;
      total += loop(size, &result);
    });
    best = std::max(best, 2e-9 * static_cast<double>(total.load()) / seconds_of(start));
  }
  return best;
}

}  // namespace samc
