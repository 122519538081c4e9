#pragma once
// One list a kernel: its variants, best first, each with the instructions that it needs. Of those whose needs are met
// the first one runs.
//
// A variant is a plain function over plain data that does one piece of the work (or a table of functions that go
// together); the kernel's own file (x.cpp, compiled without instruction set flags) checks the parameters, cuts the work
// and hands the pieces to the thread pool. Variant files (x64/x_avx2.cpp, arm64/x_neon.cpp) therefore hold no templates
// or inline functions of the standard library, which the linker could choose for the whole program: a machine without
// AVX-512 would then die far from any kernel. kernels_isa_test looks for such symbols.

#include <span>

#include "base/cpu_features.h"

namespace samc {

// Kernel is a function's type, or a const table's.
template <class Kernel>
struct KernelVariant {
  Isa needs;
  Kernel* kernel;
};

template <class Kernel>
struct KernelVariants {
  const char* name;
  std::span<const KernelVariant<Kernel>> list;  // best first; the last needs nothing

  // What runs when the features of `allowed` may be used.
  const KernelVariant<Kernel>& chosen(CpuFeatures allowed) const {
    for (const KernelVariant<Kernel>& variant : list)
      if (allowed.includes(variant.needs.features)) return variant;
    return list.back();
  }
  // For a kernel's own call, which this notes. Not for its workers. (A template, as variant files must not see
  // context.h.)
  template <class Context>
  Kernel* choose(Context& context) const {
    const KernelVariant<Kernel>& variant = chosen(context.isa.features);
    context.ran.add(variant.needs.features);
    return variant.kernel;
  }
};

// In x.cpp, in namespace samc, where x has a variant for every set of vector instructions: declares them, each in the
// namespace of its set, and defines x_variants, which x.h declares. (A kernel that only some sets have writes its list
// out.)
#define SAMC_DECLARE_VARIANT(isa, name, Type) \
  namespace isa {                             \
  extern Type name;                           \
  }
#define SAMC_LIST_VARIANTS(name, Type, ...)                    \
  constexpr KernelVariant<Type> name##_list[] = {__VA_ARGS__}; \
  const KernelVariants<Type> name##_variants{#name, name##_list};
#if defined(__x86_64__)
#define SAMC_VECTOR_VARIANTS(name, Type)   \
  SAMC_DECLARE_VARIANT(avx512, name, Type) \
  SAMC_DECLARE_VARIANT(avx2, name, Type)   \
  SAMC_DECLARE_VARIANT(scalar, name, Type) \
  SAMC_LIST_VARIANTS(name, Type, {kAvx512Isa, &avx512::name}, {kAvx2Isa, &avx2::name}, {kScalarIsa, &scalar::name})
// Where x has a variant for every set that multiplies bf16. The scalar one runs only where SAMC_ISA or a test asks.
#define SAMC_BF16_VARIANTS(name, Type)                                                             \
  SAMC_DECLARE_VARIANT(amx_bf16, name, Type)                                                       \
  SAMC_DECLARE_VARIANT(avx512_bf16, name, Type)                                                    \
  SAMC_DECLARE_VARIANT(scalar, name, Type)                                                         \
  SAMC_LIST_VARIANTS(name, Type, {kAmxIsa, &amx_bf16::name}, {kAvx512Bf16Isa, &avx512_bf16::name}, \
                     {kScalarIsa, &scalar::name})
// Where x has a variant for every set that multiplies int8.
#define SAMC_INT8_VARIANTS(name, Type)                                                          \
  SAMC_DECLARE_VARIANT(avx512_vnni, name, Type)                                                 \
  SAMC_DECLARE_VARIANT(avx2, name, Type)                                                        \
  SAMC_DECLARE_VARIANT(scalar, name, Type)                                                      \
  SAMC_LIST_VARIANTS(name, Type, {kAvx512VnniIsa, &avx512_vnni::name}, {kAvx2Isa, &avx2::name}, \
                     {kScalarIsa, &scalar::name})
#else
#if defined(__aarch64__)
#define SAMC_VECTOR_VARIANTS(name, Type)   \
  SAMC_DECLARE_VARIANT(neon, name, Type)   \
  SAMC_DECLARE_VARIANT(scalar, name, Type) \
  SAMC_LIST_VARIANTS(name, Type, {kNeonIsa, &neon::name}, {kScalarIsa, &scalar::name})
#define SAMC_INT8_VARIANTS(name, Type)        \
  SAMC_DECLARE_VARIANT(neon_i8mm, name, Type) \
  SAMC_DECLARE_VARIANT(scalar, name, Type)    \
  SAMC_LIST_VARIANTS(name, Type, {kNeonI8mmIsa, &neon_i8mm::name}, {kScalarIsa, &scalar::name})
#else
#define SAMC_VECTOR_VARIANTS SAMC_BF16_VARIANTS
#define SAMC_INT8_VARIANTS SAMC_BF16_VARIANTS
#endif
#define SAMC_BF16_VARIANTS(name, Type)     \
  SAMC_DECLARE_VARIANT(scalar, name, Type) \
  SAMC_LIST_VARIANTS(name, Type, {kScalarIsa, &scalar::name})
#endif

}  // namespace samc
