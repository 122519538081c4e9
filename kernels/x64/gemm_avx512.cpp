#include <utility>

#include "kernels/gemm.h"
#include "kernels/x64/vector_math_avx512.h"

namespace samc::avx512 {
namespace {

constexpr int64_t kTileRows = 14;

// 32 registers: the sums, the columns and one factor.
constexpr int max_vectors(int64_t rows) { return rows <= 2 ? 8 : rows <= 6 ? 4 : rows <= 8 ? 3 : 2; }

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/gemm.inc"

}  // namespace samc::avx512
