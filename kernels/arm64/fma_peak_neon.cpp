#include "kernels/arm64/vector_math_neon.h"
#include "kernels/fma_peak_kernel.h"

namespace samc::neon {

#include "kernels/vector/fma_peak.inc"

}  // namespace samc::neon
