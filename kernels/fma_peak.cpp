#include "kernels/fma_peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <span>

#include "base/check.h"
#include "base/stopwatch.h"
#include "base/tensor.h"
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

double memory_peak_gbs(ThreadPool& pool) {
  constexpr int64_t kPieceWords = 1 << 16;             // 512 kB
  constexpr int64_t kPieces = 512, kPiecesOfRun = 32;  // 256 MB, more than caches hold, read in short runs
  constexpr int64_t kRounds = 8;
  Tensor memory(DType::kI64, {kPieces, kPieceWords});
  const std::span<int64_t> words = memory.as<int64_t>();
  const auto words_of = [&](int64_t piece) {
    return words.subspan(static_cast<size_t>(piece * kPieceWords), static_cast<size_t>(kPieceWords));
  };
  pool.run(kPieces, [&](int64_t piece, int) { std::ranges::fill(words_of(piece), piece); });
  std::atomic<int64_t> sum = 0;
  double best = 0;
  for (int64_t run = 0; run < kRounds * kPieces / kPiecesOfRun; ++run) {
    const int64_t first = run * kPiecesOfRun % kPieces;
    Stopwatch watch;
    pool.run(kPiecesOfRun, [&](int64_t piece, int) {
      const std::span<const int64_t> part = words_of(first + piece);
      sum += std::accumulate(part.begin(), part.end(), int64_t{0});
    });
    best =
        std::max(best, static_cast<double>(kPiecesOfRun * kPieceWords * dtype_size(DType::kI64)) / watch.lap() / 1e6);
  }
  SAMC_CHECK(sum == kRounds * kPieceWords * kPieces * (kPieces - 1) / 2, "memory that forgets");
  return best;
}

}  // namespace samc
