#include "kernels/depthwise_conv.h"
#include "kernels/vector_math_avx2.h"

namespace samc::avx2 {

#include "kernels/depthwise_conv_vector.inc"

}  // namespace samc::avx2
