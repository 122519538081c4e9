#include "kernels/fma_peak_kernel.h"
#include "kernels/x64/vector_math_avx2.h"

namespace samc::avx2 {

#include "kernels/vector/fma_peak.inc"

}  // namespace samc::avx2
