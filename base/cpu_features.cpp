#include "base/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <cstdlib>
#include <fstream>
#include <string_view>
#include <thread>

namespace samc {
#if defined(__x86_64__)
namespace {

// clang 14's __builtin_cpu_supports does not know f16c.
bool has_f16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

}  // namespace
#endif

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = [] {
    CpuFeatures found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    found.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    found.avx512 = found.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    found.avx512_vnni = found.avx512 && __builtin_cpu_supports("avx512vnni");
    found.avx512_bf16 = found.avx512 && __builtin_cpu_supports("avx512bf16");
#endif
    return found;
  }();
  return features;
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "?";
}

bool isa_available(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return cpu_features().avx2;
    case Isa::kAvx512:
      return cpu_features().avx512;
  }
  return false;
}

Result<Isa> choose_isa() {
  if (const char* forced = std::getenv("SAMC_ISA"); forced != nullptr && *forced != '\0') {
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
      if (std::string_view(forced) != isa_name(isa)) continue;
      if (isa_available(isa)) return isa;
      return unsupported(fmt::format("SAMC_ISA={}: this machine lacks it", forced), "unset SAMC_ISA");
    }
    return usage_error(fmt::format("SAMC_ISA={} is not known", forced), "use scalar, avx2 or avx512");
  }
  if (isa_available(Isa::kAvx512)) return Isa::kAvx512;
  if (isa_available(Isa::kAvx2)) return Isa::kAvx2;
  return Isa::kScalar;
}

std::string machine_description() {
  std::string model = "unknown CPU";
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    if (const size_t colon = line.find(": "); colon != std::string::npos) model = line.substr(colon + 2);
    break;
  }
  const CpuFeatures& features = cpu_features();
  std::string sets = features.avx512 ? "avx512" : features.avx2 ? "avx2" : "scalar";
  if (features.avx512_vnni) sets += "+vnni";
  if (features.avx512_bf16) sets += "+bf16";
  return fmt::format("{}, {} cores, {}", model, std::thread::hardware_concurrency(), sets);
}

}  // namespace samc
