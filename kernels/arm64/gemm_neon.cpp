#include <utility>

#include "kernels/arm64/vector_math_neon.h"
#include "kernels/gemm.h"

namespace samc::neon {
namespace {

constexpr int64_t kTileRows = 6;

// 32 registers: the sums, the columns and one factor. A panel is four vectors.
constexpr int max_vectors(int64_t rows) { return rows <= 2 ? 8 : 4; }

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

}  // namespace samc::neon
