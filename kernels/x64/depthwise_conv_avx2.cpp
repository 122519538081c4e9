#include "kernels/depthwise_conv.h"

#include <utility>

#include "kernels/x64/vector_math_avx2.h"

namespace samc::avx2 {
namespace {

constexpr int kPixels = 4;  // of each of two rows: 16 registers hold their sums, two weights and a pixel

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/depthwise_conv.inc"

}  // namespace samc::avx2
