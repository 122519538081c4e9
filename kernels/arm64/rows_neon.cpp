#include "kernels/arm64/vector_math_neon.h"
#include "kernels/layer_norm.h"
#include "kernels/permute.h"
#include "kernels/pointwise.h"
#include "kernels/resample.h"
#include "kernels/rotary.h"
#include "kernels/softmax.h"
#include "kernels/token_attention.h"

namespace samc::neon {
#include "kernels/vector/rows.inc"
}  // namespace samc::neon
