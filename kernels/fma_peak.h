#pragma once
// What this machine can do at most, measured: the yardstick for benchmarks.

#include "base/cpu_features.h"
#include "base/precision.h"
#include "base/thread_pool.h"

namespace samc {

// GFLOP/s of independent multiply-adds in registers on all of pool's threads, the best of many short runs: fused ones
// in kF32; in kBf16 of the instruction that bf16 kernels use, vdpbf16ps or tdpbf16ps; in kInt8 of those that products
// in int8 use, vpdpbusd or vpmaddwd and vpaddd. The scalar set does one multiply and one add at a time.
double fma_peak_gflops(const Isa& isa, ThreadPool& pool, Precision precision = Precision::kF32);

// GB/s at which all of pool's threads together read memory that is in no cache, the best of some runs.
double memory_peak_gbs(ThreadPool& pool);

}  // namespace samc
