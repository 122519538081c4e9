#pragma once
// What the processor's instructions can compute in, and precisions by their names.

#include <optional>
#include <string>
#include <string_view>

#include "base/cpu_features.h"
#include "base/precision.h"
#include "base/status.h"

namespace samc {

// "f32", "bf16", "int8"; nothing for other names.
std::optional<Precision> find_precision(std::string_view name);

// Whether kernels held to isa compute in this precision. f32 and int8 every processor has. bf16 needs avx512_bf16;
// without it there is only plain code, far slower than f32, which runs where SAMC_ISA=scalar asks for it and never by
// itself.
Status can_compute(Precision precision, const Isa& isa);

// The name of the known set that these are, else CpuFeatures::to_string().
std::string isa_name(CpuFeatures features);

}  // namespace samc
