#include "base/cpu_precision.h"

#include <cstdlib>
#include <string_view>

namespace samc {

std::optional<Precision> find_precision(std::string_view name) {
  for (const Precision known : {Precision::kF32, Precision::kBf16, Precision::kInt8})
    if (name == precision_name(known)) return known;
  return std::nullopt;
}

Status can_compute(Precision precision, const Isa& isa) {
  const auto has_bf16 = [](const CpuFeatures& features) { return features.includes(kAvx512Bf16Isa.features); };
  if (precision != Precision::kBf16 || has_bf16(isa.features)) return Status::ok();
  const char* forced = std::getenv("SAMC_ISA");
  if (forced != nullptr && std::string_view(forced) == kScalarIsa.name) return Status::ok();
  const char* hint = "compile it with --precision f32; SAMC_ISA=scalar runs it in plain code, many times slower";
  if (has_bf16(cpu_features()))
    return unsupported(fmt::format("SAMC_ISA={} leaves no bf16 arithmetic (avx512_bf16)", isa.name), hint);
  return unsupported("this machine has no bf16 arithmetic (avx512_bf16)", hint);
}

std::string isa_name(CpuFeatures features) {
  for (const Isa& isa : known_isas())
    if (features == isa.features) return isa.name;
  return features.to_string();
}

}  // namespace samc
