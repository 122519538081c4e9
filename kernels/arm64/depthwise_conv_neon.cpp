#include "kernels/depthwise_conv.h"

#include <utility>

#include "kernels/arm64/vector_math_neon.h"

namespace samc::neon {
namespace {

constexpr int kPixels = 8;  // of each of two rows: 32 registers hold their sums, two weights and a pixel

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/depthwise_conv.inc"

}  // namespace samc::neon
