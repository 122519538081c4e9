#include <utility>

#include "kernels/gemm.h"
#include "kernels/x64/vector_math_avx2.h"

namespace samc::avx2 {
namespace {

constexpr int64_t kTileRows = 6;

// 16 registers: the sums, the columns and one factor. Even but at the end: a panel is two vectors.
constexpr int max_vectors(int64_t rows) { return rows <= 1 ? 8 : rows <= 2 ? 4 : 2; }

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/gemm.inc"

}  // namespace samc::avx2
