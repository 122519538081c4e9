#pragma once
// For the kernels' tests: the machine's instruction sets, and input that is the same everywhere.

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/cpu_features.h"
#include "kernels/context.h"

namespace samc {

// Those that kernels in f32 have variants for.
inline std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa& isa : {kScalarIsa, kAvx2Isa, kAvx512Isa, kNeonIsa})
    if (isa_available(isa)) isas.push_back(isa);
  return isas;
}

// Those that kernels in bf16 have variants for.
inline std::vector<Isa> available_bf16_isas() {
  std::vector<Isa> isas;
  for (const Isa& isa : {kScalarIsa, kAvx512Bf16Isa, kAmxIsa})
    if (isa_available(isa)) isas.push_back(isa);
  return isas;
}

// Those that kernels in int8 have variants for.
inline std::vector<Isa> available_int8_isas() {
  std::vector<Isa> isas;
  for (const Isa& isa : {kScalarIsa, kAvx2Isa, kAvx512VnniIsa, kNeonI8mmIsa})
    if (isa_available(isa)) isas.push_back(isa);
  return isas;
}

// Uniform in [-1, 1), from a 64-bit linear congruential generator.
inline std::vector<float> random_floats(int64_t count, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (float& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<float>(static_cast<int64_t>(state >> 40) - (1 << 23)) * 0x1p-23f;
  }
  return values;
}

// A context that owns what it refers to.
class TestContext {
 public:
  TestContext(const Isa& isa, int threads) : pool_(threads), scratch_(threads), context_{pool_, scratch_, isa} {}
  KernelContext& get() { return context_; }

 private:
  ThreadPool pool_;
  Scratch scratch_;
  KernelContext context_;
};

}  // namespace samc
