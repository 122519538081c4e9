#pragma once
// Which instruction sets this machine has, found at run time. SAMC_ISA=scalar|avx2|avx512 forces a lower one.

#include <string>

#include "base/status.h"

namespace samc {

// Ordered: each includes those before it.
enum class Isa { kScalar, kAvx2, kAvx512 };

struct CpuFeatures {
  bool avx2 = false;    // AVX2, FMA and F16C
  bool avx512 = false;  // F, BW, DQ, VL, usable by the operating system too
  bool avx512_vnni = false;
  bool avx512_bf16 = false;
};

const CpuFeatures& cpu_features();
const char* isa_name(Isa isa);
bool isa_available(Isa isa);

// The best available set, or the one that SAMC_ISA names. A name that is unknown, or a set that the machine lacks, is
// an error (no silent fallback).
Result<Isa> choose_isa();

// "AMD EPYC 9R14, 2 cores, avx512+vnni+bf16": for bench and logs.
std::string machine_description();

}  // namespace samc
