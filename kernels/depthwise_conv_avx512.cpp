#include "kernels/depthwise_conv.h"
#include "kernels/vector_math_avx512.h"

namespace samc::avx512 {

#include "kernels/depthwise_conv_vector.inc"

}  // namespace samc::avx512
