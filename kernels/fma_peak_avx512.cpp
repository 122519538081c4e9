#include "kernels/fma_peak_kernel.h"
#include "kernels/vector_math_avx512.h"

namespace samc::avx512 {

#include "kernels/fma_peak_vector.inc"

}  // namespace samc::avx512
