#include "base/cpu_features.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <thread>

#include "base/cpu_detection.h"

namespace samc {
namespace {

constexpr std::array<Isa, 8> kKnownIsas = {kScalarIsa,     kAvx2Isa, kAvx512Isa, kAvx512VnniIsa,
                                           kAvx512Bf16Isa, kAmxIsa,  kNeonIsa,   kNeonI8mmIsa};

struct FeatureName {
  const char* name;
  CpuFeature feature;
  CpuFeature included_in;  // itself: in none
};
constexpr FeatureName kFeatureNames[] = {
    {"avx2", CpuFeature::kAvx2, CpuFeature::kAvx512},
    {"avx512", CpuFeature::kAvx512, CpuFeature::kAvx512},
    {"vnni", CpuFeature::kAvx512Vnni, CpuFeature::kAvx512Vnni},
    {"bf16", CpuFeature::kAvx512Bf16, CpuFeature::kAvx512Bf16},
    {"avx_vnni", CpuFeature::kAvxVnni, CpuFeature::kAvxVnni},
    {"amx", CpuFeature::kAmxTile, CpuFeature::kAmxTile},
    {"amx_int8", CpuFeature::kAmxInt8, CpuFeature::kAmxInt8},
    {"amx_bf16", CpuFeature::kAmxBf16, CpuFeature::kAmxBf16},
    {"neon", CpuFeature::kNeon, CpuFeature::kNeon},
    {"dotprod", CpuFeature::kDotProduct, CpuFeature::kDotProduct},
    {"i8mm", CpuFeature::kI8mm, CpuFeature::kI8mm},
    {"bf16", CpuFeature::kNeonBf16, CpuFeature::kNeonBf16},
};

// "scalar, avx2, avx512, avx512_vnni, avx512_bf16, amx, neon or neon_i8mm"
std::string known_names() {
  std::string names;
  for (const Isa& isa : kKnownIsas) {
    if (!names.empty()) names += isa == kKnownIsas.back() ? " or " : ", ";
    names += isa.name;
  }
  return names;
}

}  // namespace

std::string CpuFeatures::to_string() const {
  std::string text;
  for (const FeatureName& entry : kFeatureNames) {
    if (!has(entry.feature) || (entry.included_in != entry.feature && has(entry.included_in))) continue;
    if (!text.empty()) text += '+';
    text += entry.name;
  }
  return text.empty() ? kScalarIsa.name : text;
}

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = detect_features();
  return features;
}

std::span<const Isa> known_isas() { return kKnownIsas; }

bool isa_available(const Isa& isa) { return cpu_features().includes(isa.features); }

Result<Isa> choose_isa() {
  if (const char* forced = std::getenv("SAMC_ISA"); forced != nullptr && *forced != '\0') {
    for (const Isa& isa : kKnownIsas) {
      if (std::string_view(forced) != isa.name) continue;
      if (isa_available(isa)) return isa;
      return unsupported(fmt::format("SAMC_ISA={}: this machine lacks it", forced), "unset SAMC_ISA");
    }
    return usage_error(fmt::format("SAMC_ISA={} is not known", forced), fmt::format("use {}", known_names()));
  }
  Isa best = kScalarIsa;
  for (const Isa& isa : kKnownIsas)
    if (isa_available(isa)) best = isa;
  return Isa{best.name, cpu_features()};
}

std::string machine_description() {
  std::string model = "unknown CPU";
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    if (const size_t colon = line.find(": "); colon != std::string::npos) model = line.substr(colon + 2);
    break;
  }
  return fmt::format("{}, {} cores, {}", model, std::thread::hardware_concurrency(), cpu_features().to_string());
}

}  // namespace samc
