#include "kernels/fma_peak_kernel.h"
#include "kernels/vector_math_avx2.h"

namespace samc::avx2 {

#include "kernels/fma_peak_vector.inc"

}  // namespace samc::avx2
