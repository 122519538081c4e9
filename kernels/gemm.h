#pragma once
// The core that matmul, batch_matmul, conv and deconv2x2 share: rows packed into tiles, times packed panels of 16
// columns.
//
//   gemm_pack_rows    rows of a matrix -> tiles; may normalise each row on the way
//   gemm_pack_columns columns of a matrix -> panels, for operands that are not weights
//   gemm_multiply     tiles x panels -> dst, with bias, activation and residual applied before the only store
//
// Each element of dst is one sum over k in ascending order with one accumulator, whatever the shape, the blocking or
// the number of threads.
//
// A tile holds gemm_tile_rows(isa) rows as (ceil(k / 16), tile rows, 16): packing copies whole cache lines and
// transposes nothing, and the multiplication reads one address plus constants.

#include <cstdint>

#include "kernels/activation.h"
#include "kernels/dispatch.h"

namespace samc {

constexpr int64_t kGemmLine = 16;  // floats of k that lie together in a tile; also the columns of a panel
constexpr int64_t kGemmTileRowsScalar = 4;
constexpr int64_t kGemmTileRowsAvx2 = 6;
constexpr int64_t kGemmTileRowsAvx512 = 14;

struct GemmRows {
  const float* src = nullptr;
  int64_t row_stride = 0;
  int64_t rows = 0;
  int64_t k = 0;
  bool normalise = false;  // to mean 0 and variance 1
  float eps = 0;
  float scale = 1;       // else each element times this
  float* dst = nullptr;  // packed_rows_floats(isa, rows, k)
};

struct GemmColumns {
  const float* src = nullptr;
  int64_t stride = 0;       // of src's rows
  bool transposed = false;  // src is (columns, k) instead of (k, columns)
  int64_t k = 0;
  int64_t columns = 0;
  float* dst = nullptr;  // packed_floats(k, columns)
};

// Of each plain row: count elements from a[offset] on meet rows [k_first, k_first + count) of the panels.
struct GemmSegment {
  int64_t offset = 0;
  int64_t k_first = 0;
  int64_t count = 0;
};

struct GemmBlock {
  const float* a = nullptr;  // from gemm_pack_rows, or plain rows when row_stride is not 0
  // A plain row is its segments, in ascending order of k, and row r begins at a[r row_stride]. Rows may overlap: for a
  // convolution they are the patches of neighbouring pixels, read where they lie.
  const GemmSegment* segments = nullptr;
  int64_t segment_count = 0;
  int64_t row_stride = 0;
  const float* b = nullptr;  // panels, each (k, 16)
  int64_t rows = 0;
  int64_t k = 0;
  int64_t columns = 0;                   // the last panel may be part-filled
  const int64_t* row_offsets = nullptr;  // row r of dst (and of residual) begins at dst[row_offsets[r]]
  const float* bias = nullptr;           // (columns), may be absent
  const float* residual = nullptr;       // addressed like dst, may be absent or be dst itself
  bool residual_first = false;           // activation(sum + residual) instead of activation(sum) + residual
  Activation activation = Activation::kNone;
  float* dst = nullptr;
  // A long k comes in parts: sums begin with what is there, and go there instead of to dst. (rows, sums_pitch)
  const float* sums_before = nullptr;
  float* sums_after = nullptr;
  int64_t sums_pitch = 0;  // a multiple of 16, at least columns
};

using GemmPackRowsFunction = void(const GemmRows& rows);
using GemmPackColumnsFunction = void(const GemmColumns& columns);
using GemmMultiplyFunction = void(const GemmBlock& block);
extern const KernelVariants<GemmPackRowsFunction> gemm_pack_rows_variants;
extern const KernelVariants<GemmPackColumnsFunction> gemm_pack_columns_variants;
extern const KernelVariants<GemmMultiplyFunction> gemm_multiply_variants;

inline int64_t gemm_tile_rows(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return kGemmTileRowsScalar;
    case Isa::kAvx2:
      return kGemmTileRowsAvx2;
    case Isa::kAvx512:
      return kGemmTileRowsAvx512;
  }
  return 0;
}

inline int64_t packed_rows_floats(Isa isa, int64_t rows, int64_t k) {
  const int64_t tile = gemm_tile_rows(isa);
  return (rows + tile - 1) / tile * tile * ((k + kGemmLine - 1) / kGemmLine * kGemmLine);
}

}  // namespace samc
