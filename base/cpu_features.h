#pragma once
// Which instructions this machine has, found at run time, as a set of features; and the sets with a name, of which
// SAMC_ISA=scalar|avx2|avx512|avx512_vnni|avx512_bf16|amx|neon|neon_i8mm forces one.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "base/status.h"

namespace samc {

// One is there when the processor has all that it stands for and the operating system keeps its registers.
enum class CpuFeature : uint8_t {
  kAvx2,    // AVX2, FMA and F16C
  kAvx512,  // F, BW, DQ and VL
  kAvx512Vnni,
  kAvx512Bf16,
  kAvxVnni,
  kAmxTile,  // this process may use tiles
  kAmxInt8,
  kAmxBf16,
  kNeon,
  kDotProduct,  // of NEON, as the two below
  kI8mm,
  kNeonBf16,
};

class CpuFeatures {
 public:
  constexpr CpuFeatures() = default;
  constexpr CpuFeatures(std::initializer_list<CpuFeature> features) {
    for (const CpuFeature feature : features) add(feature);
  }
  constexpr void add(CpuFeature feature) { bits_ |= bit(feature); }
  constexpr void add(CpuFeatures others) { bits_ |= others.bits_; }
  constexpr bool has(CpuFeature feature) const { return (bits_ & bit(feature)) != 0; }
  constexpr bool includes(CpuFeatures others) const { return (bits_ & others.bits_) == others.bits_; }
  constexpr bool operator==(const CpuFeatures&) const = default;
  // "avx512+vnni+bf16", "avx2", "scalar" of none: what others of the set include is left out.
  std::string to_string() const;

 private:
  static constexpr uint32_t bit(CpuFeature feature) { return uint32_t{1} << static_cast<unsigned>(feature); }
  uint32_t bits_ = 0;
};

// What this machine has.
const CpuFeatures& cpu_features();

// A set with a name: what a variant of a kernel is compiled for, and what a user may hold samc to.
struct Isa {
  const char* name;
  CpuFeatures features;
  constexpr bool operator==(const Isa& other) const { return features == other.features; }
};
constexpr Isa kScalarIsa{"scalar", {}};
constexpr Isa kAvx2Isa{"avx2", {CpuFeature::kAvx2}};
constexpr Isa kAvx512Isa{"avx512", {CpuFeature::kAvx2, CpuFeature::kAvx512}};
constexpr Isa kAvx512VnniIsa{"avx512_vnni", {CpuFeature::kAvx2, CpuFeature::kAvx512, CpuFeature::kAvx512Vnni}};
constexpr Isa kAvx512Bf16Isa{"avx512_bf16", {CpuFeature::kAvx2, CpuFeature::kAvx512, CpuFeature::kAvx512Bf16}};
constexpr Isa kAmxIsa{
    "amx",
    {CpuFeature::kAvx2, CpuFeature::kAvx512, CpuFeature::kAvx512Bf16, CpuFeature::kAmxTile, CpuFeature::kAmxBf16}};
constexpr Isa kNeonIsa{"neon", {CpuFeature::kNeon}};
constexpr Isa kNeonI8mmIsa{"neon_i8mm", {CpuFeature::kNeon, CpuFeature::kI8mm}};

// All of them, best last; of one processor's family those of the others are never available. A new one gets its line
// here when the first kernel is written for it.
std::span<const Isa> known_isas();
bool isa_available(const Isa& isa);

// What kernels may use: all that the machine has, under the name of the best known set within it, or the set that
// SAMC_ISA names and nothing beyond. A name that is unknown, or a set that the machine lacks, is an error (no silent
// fallback).
Result<Isa> choose_isa();

// "AMD EPYC 9R14, 2 cores, avx512+vnni+bf16": for bench and logs.
std::string machine_description();

}  // namespace samc
