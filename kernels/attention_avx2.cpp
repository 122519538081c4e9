#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/vector_math_avx2.h"

namespace samc::avx2 {
namespace {
constexpr int64_t kTileRows = 6;
}
#include "kernels/tile.inc"

#include "kernels/attention.inc"
}  // namespace samc::avx2
