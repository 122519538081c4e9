#include "kernels/layer_norm.h"
#include "kernels/permute.h"
#include "kernels/pointwise.h"
#include "kernels/resample.h"
#include "kernels/rotary.h"
#include "kernels/softmax.h"
#include "kernels/token_attention.h"
#include "kernels/x64/vector_math_avx512.h"

namespace samc::avx512 {
#include "kernels/vector/rows.inc"
}  // namespace samc::avx512
