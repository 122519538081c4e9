#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/vector_math_avx512.h"

namespace samc::avx512 {
namespace {
constexpr int64_t kTileRows = 14;
}
#include "kernels/tile.inc"

#include "kernels/attention.inc"
}  // namespace samc::avx512
