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

#define SAMC_KERNEL(name, Type, variants) Type##Function name;
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

#define SAMC_SCALAR(name) scalar::name, nullptr, nullptr
#define SAMC_SCALAR_AVX2(name) scalar::name, avx2::name, nullptr
#define SAMC_SCALAR_AVX2_AVX512(name) scalar::name, avx2::name, avx512::name
#define SAMC_KERNEL(name, Type, variants) \
  const KernelVariants<Type##Function> name##_variants{#name, {SAMC_##variants(name)}};
#include "kernels/kernels.inc"
#undef SAMC_KERNEL

std::vector<KernelChoice> kernel_choices(Isa isa) {
  std::vector<KernelChoice> choices;
#define SAMC_KERNEL(name, Type, variants) choices.push_back({#name, name##_variants.chosen(isa)});
#include "kernels/kernels.inc"
#undef SAMC_KERNEL
  return choices;
}

}  // namespace samc
