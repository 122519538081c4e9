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

#include "kernels/vector/gemm_words.inc"

#include "kernels/vector/gemm_columns.inc"
#include "kernels/vector/gemm_finish.inc"
#include "kernels/vector/gemm_rows.inc"

#include "kernels/vector/gemm.inc"

extern const Gemm gemm;
const Gemm gemm{kTileRows, kWordElements, 1, pack_rows, pack_columns, multiply};
static_assert(kTileRows <= kGemmMostTileRows);

}  // namespace samc::avx2
