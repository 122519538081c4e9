#include "kernels/dispatch.h"

#include "kernels/attention.h"
#include "kernels/depthwise_conv.h"
#include "kernels/direct_conv.h"
#include "kernels/fma_peak_kernel.h"
#include "kernels/gemm.h"
#include "kernels/layer_norm.h"
#include "kernels/permute.h"
#include "kernels/pointwise.h"
#include "kernels/resample.h"
#include "kernels/softmax.h"
#include "kernels/token_attention.h"

namespace samc {

// The variants' declarations; those of other processors are never defined, and nothing refers to them.
#define SAMC_KERNEL(name, Type, variants) extern Type name;
namespace scalar {
#include "kernels/kernels.inc"
}
namespace avx2 {
#include "kernels/kernels.inc"
}
namespace avx512 {
#include "kernels/kernels.inc"
}
#undef SAMC_KERNEL

// The lists, best first. A kernel that only some sets have gets a list of its own here.
#define SAMC_SCALAR(name) \
  { kScalarIsa, &scalar::name }
#if defined(__x86_64__)
#define SAMC_VECTORS(name) {kAvx512Isa, &avx512::name}, {kAvx2Isa, &avx2::name}, SAMC_SCALAR(name)
#else
#define SAMC_VECTORS(name) SAMC_SCALAR(name)
#endif

#define SAMC_KERNEL(name, Type, variants)                                \
  constexpr KernelVariant<Type> name##_list[] = {SAMC_##variants(name)}; \
  const KernelVariants<Type> name##_variants{#name, name##_list};
#include "kernels/kernels.inc"
#undef SAMC_KERNEL

std::vector<KernelChoice> kernel_choices(const Isa& isa) {
  std::vector<KernelChoice> choices;
#define SAMC_KERNEL(name, Type, variants) choices.push_back({#name, name##_variants.chosen(isa.features).needs});
#include "kernels/kernels.inc"
#undef SAMC_KERNEL
  return choices;
}

}  // namespace samc
