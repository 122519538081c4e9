#pragma once
// The core that matmul, batch_matmul, conv and deconv2x2 share: rows packed into tiles, times packed panels of 16
// columns.
//
//   pack_rows    rows of a matrix -> tiles; may normalise each row on the way
//   pack_columns columns of a matrix -> panels, for operands that are not weights
//   multiply     tiles x panels -> dst, with bias, activation and residual applied before the only store
//
// Each element of dst is one sum over k in ascending order with one accumulator, whatever the shape, the blocking or
// the number of threads.
//
// A tile holds tile_rows rows as (ceil(k / 16), tile_rows, 16): packing copies whole cache lines and transposes
// nothing, and the multiplication reads one address plus constants. How many rows that are depends on the variant.
//
// All of this is in words of 32 bits. In f32 a word is one element; in bf16 it is a pair of elements of neighbouring k,
// which one instruction multiplies by a pair of the weights and adds to an f32 sum. k is padded with zeros to whole
// lines of 16 words there, in tiles and panels. What is not bf16 yet is rounded to nearest even when rows are packed; a
// finite number stays finite. Between variants the order of sums within a line may differ, and bf16 variants but the
// scalar one take subnormal numbers for zero.
//
// In int8 a word is four elements. Rows are quantised when they are packed, each for itself: the numbers from its least
// to its largest, 0 among them, are 255 steps of one scale, and the element x is round(x / scale) + zero, from 0 to
// 255, where zero stands for x = 0. An element of dst is the exact sum of (element - zero) weight, in whole numbers,
// times the row's scale times the column's. So all variants give the same bits but for what an activation or a norm
// rounds. Behind a row's elements lie its zero and its scale, as a column's sum and scale lie behind its weights
// (pack.h). A row with a number that is not finite has the scale NaN. Rows that are not packed have no place in such a
// product.

#include <cstdint>

#include "base/dtype.h"
#include "kernels/activation.h"
#include "kernels/dispatch.h"

namespace samc {

constexpr int64_t kGemmLine = 16;          // words of k that lie together in a tile; also the columns of a panel
constexpr int64_t kGemmMostTileRows = 14;  // of any variant of f32
constexpr int64_t kGemmInt8Extra = 2;      // words behind a row or column in int8: its zero or its sum, and its scale
constexpr float kGemmInt8Steps = 255;      // from a row's least number to its largest
constexpr float kGemmInt8LeastStep = 1e-36f;  // smaller ones, whose inverse could be infinite, count as zero

// Elements, not words.
struct GemmRows {
  const void* src = nullptr;
  DType src_dtype = DType::kF32;  // or kBF16, for a product in bf16 or int8 and rows that are not normalised
  int64_t row_stride = 0;
  int64_t rows = 0;
  int64_t k = 0;
  bool normalise = false;  // to mean 0 and variance 1
  float eps = 0;
  float scale = 1;      // else each element times this
  void* dst = nullptr;  // Gemm::packed_rows_words(rows, k)
};

struct GemmColumns {
  const float* src = nullptr;
  int64_t stride = 0;       // of src's rows
  bool transposed = false;  // src is (columns, k) instead of (k, columns)
  int64_t k = 0;
  int64_t columns = 0;
  float* dst = nullptr;  // packed_floats(k, columns)
};

// Of each plain row: count words from a[offset] on meet rows [k_first, k_first + count) of the panels.
struct GemmSegment {
  int64_t offset = 0;
  int64_t k_first = 0;
  int64_t count = 0;
};

// k, strides and offsets of a and b are in words.
struct GemmBlock {
  const void* a = nullptr;  // from pack_rows, or plain rows when row_stride is not 0
  // A plain row is its segments, in ascending order of k, and row r begins at a[r row_stride]. Rows may overlap: for a
  // convolution they are the patches of neighbouring pixels, read where they lie.
  const GemmSegment* segments = nullptr;
  int64_t segment_count = 0;
  int64_t row_stride = 0;
  const void* b = nullptr;  // panels, each (k, 16)
  int64_t rows = 0;
  int64_t k = 0;
  int64_t columns = 0;                   // the last panel may be part-filled
  const int64_t* row_offsets = nullptr;  // row r of dst (and of residual) begins at dst[row_offsets[r]]
  const float* bias = nullptr;           // (columns), may be absent
  const float* residual = nullptr;       // addressed like dst, may be absent, or be dst itself if that is f32
  bool residual_first = false;           // activation(sum + residual) instead of activation(sum) + residual
  Activation activation = Activation::kNone;
  void* dst = nullptr;
  DType dst_dtype = DType::kF32;  // or kBF16, of a product in bf16 or int8
  // A long k comes in parts: sums begin with what is there, and go there instead of to dst. (rows, sums_pitch)
  const float* sums_before = nullptr;
  float* sums_after = nullptr;
  int64_t sums_pitch = 0;  // a multiple of 16, at least columns
  // What the caller reads next: comes into the L2 cache beside the arithmetic, in place of the panels, which are there
  // already then. May be absent.
  const void* fetch = nullptr;
  int64_t fetch_bytes = 0;
};

// What one variant does, all of it: what pack_rows packs only its own multiply can read.
struct Gemm {
  int64_t tile_rows;
  int64_t word_elements;  // 1: f32, 2: bf16, 4: int8
  int64_t plain_words;    // the segments of plain rows are multiples of this; 0: plain rows cannot be read
  void (*pack_rows)(const GemmRows& rows);
  void (*pack_columns)(const GemmColumns& columns);  // f32 only
  void (*multiply)(const GemmBlock& block);

  int64_t row_words = 1;  // that a word takes in a tile: 2 where int8 is widened to int16

  // The words of k elements in panels; in int8 with a column's sum and scale.
  int64_t words(int64_t k) const {
    if (word_elements == 4) return (k + 7) / 8 * 2 + kGemmInt8Extra;  // 8: kInt8Depth of pack.h
    return word_elements == 1 ? k : (k + 2 * kGemmLine - 1) / (2 * kGemmLine) * kGemmLine;
  }
  int64_t packed_rows_words(int64_t rows, int64_t k) const {
    const int64_t line_words = (words(k) * row_words + kGemmLine - 1) / kGemmLine * kGemmLine;
    return (rows + tile_rows - 1) / tile_rows * tile_rows * line_words;
  }
};
extern const KernelVariants<const Gemm> gemm_variants;
extern const KernelVariants<const Gemm> gemm_bf16_variants;
extern const KernelVariants<const Gemm> gemm_int8_variants;

}  // namespace samc
