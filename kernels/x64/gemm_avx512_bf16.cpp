#include <utility>

#include "kernels/gemm.h"
#include "kernels/x64/words_bf16.h"

namespace samc::avx512_bf16 {
using namespace avx512;
namespace {

constexpr int64_t kTileRows = 8;

// 32 registers for the sums, the columns and one factor; fewer kinds of tiles than in f32, for the size of programs.
constexpr int max_vectors(int64_t rows) { return rows <= 6 ? 4 : 2; }

}  // namespace

#include "kernels/vector/tile.inc"

#include "kernels/vector/gemm_finish.inc"
#include "kernels/vector/gemm_rows.inc"

#include "kernels/vector/gemm.inc"

extern const Gemm gemm_bf16;
const Gemm gemm_bf16{kTileRows, kWordElements, 1, pack_rows, nullptr, multiply};

}  // namespace samc::avx512_bf16
