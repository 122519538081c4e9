#include "kernels/fma_peak_kernel.h"
#include "kernels/x64/vector_math_avx512.h"

namespace samc::avx512 {

#include "kernels/vector/fma_peak.inc"

}  // namespace samc::avx512
