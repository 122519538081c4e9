#include "kernels/depthwise_conv.h"

#include <utility>

#include "kernels/x64/vector_math_avx512.h"

namespace samc::avx512 {
namespace {

constexpr int kPixels = 8;  // of each of two rows: 32 registers hold their sums, two weights and a pixel

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/depthwise_conv.inc"

}  // namespace samc::avx512
