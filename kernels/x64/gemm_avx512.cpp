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

#include "kernels/vector/gemm_words.inc"

#include "kernels/vector/gemm_columns.inc"
#include "kernels/vector/gemm_finish.inc"
#include "kernels/vector/gemm_rows.inc"

#include "kernels/vector/gemm.inc"

extern const Gemm gemm;
const Gemm gemm{kTileRows, kWordElements, 1, pack_rows, pack_columns, multiply};
static_assert(kTileRows <= kGemmMostTileRows);

}  // namespace samc::avx512
