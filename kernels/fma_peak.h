#pragma once
// What this machine can do at most, measured: the yardstick for benchmarks.

#include "base/cpu_features.h"
#include "base/thread_pool.h"

namespace samc {

// GFLOP/s of independent fused multiply-adds in registers on all of pool's threads, the best of many short runs. The
// scalar set does one multiply and one add at a time.
double fma_peak_gflops(const Isa& isa, ThreadPool& pool);

}  // namespace samc
