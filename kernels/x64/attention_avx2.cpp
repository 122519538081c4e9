#include "kernels/attention.h"

#include <utility>

#include "base/rounding.h"
#include "kernels/x64/vector_math_avx2.h"

namespace samc::avx2 {
namespace {
constexpr int64_t kTileRows = 6;
}
#include "kernels/vector/tile.inc"

#include "kernels/vector/attention.inc"
}  // namespace samc::avx2
