#include "kernels/cache.h"
#include "kernels/gemm.h"
#include "kernels/x64/words_bf16.h"

namespace samc::amx_bf16 {
using namespace avx512;
namespace {

// Two by two tiles of sums: 32 rows times two panels. A tile register has 16 rows of 64 bytes, a line of a or of b
// each.
constexpr int64_t kRegisterRows = 16;
constexpr int64_t kTileRows = 2 * kRegisterRows;
constexpr int64_t kTileColumns = 2 * kGemmLine;
constexpr int64_t kRegisterWords = kRegisterRows * kGemmLine;
constexpr int64_t kLineBytes = 64;
// Of the panels that are multiplied with one tile of rows after the other.
constexpr int64_t kGroupWords = kL2Bytes / 2 / int64_t{sizeof(Word)};

}  // namespace

#include "kernels/vector/gemm_finish.inc"
#include "kernels/vector/gemm_rows.inc"

namespace {

// g++ 12 does not know which memory ldtilecfg and tileloadd read: what was stored before must lie there.
[[gnu::always_inline]] inline void memory_is_read() { __asm__ volatile("" ::: "memory"); }

// What ldtilecfg reads.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// For so many rows of a: registers 0 and 1 are sums of the first 16 rows times either panel, 2 and 3 of the others; 4
// and 5 are rows of a, 6 and 7 lines of the two panels.
void set_shapes(int64_t rows) {
  const int64_t first = rows < kRegisterRows ? rows : kRegisterRows;
  const int64_t rows_of[8] = {first, first,        rows - first,  rows - first,
                              first, rows - first, kRegisterRows, kRegisterRows};
  TileShapes shapes;
  for (int i = 0; i < 8; ++i) {
    shapes.rows[i] = static_cast<uint8_t>(rows_of[i]);
    shapes.row_bytes[i] = rows_of[i] > 0 ? kLineBytes : 0;
  }
  memory_is_read();
  _tile_loadconfig(&shapes);
}

// Rows of a as a tile register is loaded with them.
struct TileRows {
  const Word* first;
  int64_t pitch;      // words from row to row
  int64_t next_half;  // words to the 17th row
  int64_t next_line;  // words to the next 16 words of the rows
};

template <bool kTwoHalves, bool kTwoPanels>
[[gnu::always_inline]] inline void add_product(TileRows a, const Word* b, int64_t panel_stride, int64_t lines) {
  const int64_t pitch = a.pitch * int64_t{sizeof(Word)};
  for (int64_t line = 0; line < lines; ++line, a.first += a.next_line, b += kRegisterWords) {
    _tile_loadd(4, a.first, pitch);
    _tile_loadd(6, b, kLineBytes);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kTwoPanels) {
      _tile_loadd(7, b + panel_stride, kLineBytes);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (kTwoHalves) {
      _tile_loadd(5, a.first + a.next_half, pitch);
      _tile_dpbf16ps(2, 5, 6);
      if constexpr (kTwoPanels) _tile_dpbf16ps(3, 5, 7);
    }
  }
}

template <bool kTwoHalves, bool kTwoPanels>
[[gnu::always_inline]] inline void load_sums(const float* sums, int64_t pitch) {
  const int64_t bytes = pitch * int64_t{sizeof(float)};
  _tile_loadd(0, sums, bytes);
  if constexpr (kTwoPanels) _tile_loadd(1, sums + kGemmLine, bytes);
  if constexpr (kTwoHalves) {
    _tile_loadd(2, sums + kRegisterRows * pitch, bytes);
    if constexpr (kTwoPanels) _tile_loadd(3, sums + kRegisterRows * pitch + kGemmLine, bytes);
  }
}

template <bool kTwoHalves, bool kTwoPanels>
[[gnu::always_inline]] inline void store_sums(float* sums, int64_t pitch) {
  const int64_t bytes = pitch * int64_t{sizeof(float)};
  _tile_stored(0, sums, bytes);
  if constexpr (kTwoPanels) _tile_stored(1, sums + kGemmLine, bytes);
  if constexpr (kTwoHalves) {
    _tile_stored(2, sums + kRegisterRows * pitch, bytes);
    if constexpr (kTwoPanels) _tile_stored(3, sums + kRegisterRows * pitch + kGemmLine, bytes);
  }
}

// What finish() will write and add, fetched while the product is computed.
void fetch_results(const GemmBlock& block, int64_t first_row, int64_t rows, int64_t first_column, int64_t columns) {
  const int64_t dst_bytes = block.dst_dtype == DType::kF32 ? 4 : 2;  // of an element
  const bool fetch_residual = block.residual != nullptr && block.residual != block.dst;
  for (int64_t row = first_row; row < first_row + rows; ++row) {
    const int64_t offset = block.row_offsets[row] + first_column;
    for (int64_t byte = 0; byte < columns * dst_bytes; byte += kLineBytes) {
      __builtin_prefetch(static_cast<const char*>(block.dst) + offset * dst_bytes + byte, 1);
    }
    for (int64_t column = 0; column < columns && fetch_residual; column += kGemmLine) {
      __builtin_prefetch(block.residual + offset + column);
    }
  }
}

template <bool kTwoHalves, bool kTwoPanels>
void multiply_tile(const GemmBlock& block, const TileRows& a, int64_t first_row, int64_t rows, int64_t first_column) {
  const int64_t left = block.columns - first_column;
  const int64_t columns = left < kTileColumns ? left : kTileColumns;
  if (block.sums_after == nullptr) fetch_results(block, first_row, rows, first_column, columns);
  memory_is_read();
  const int64_t place = first_row * block.sums_pitch + first_column;
  if (block.sums_before != nullptr) {
    load_sums<kTwoHalves, kTwoPanels>(block.sums_before + place, block.sums_pitch);
  } else {
    _tile_zero(0);
    if constexpr (kTwoPanels) _tile_zero(1);
    if constexpr (kTwoHalves) _tile_zero(2);
    if constexpr (kTwoHalves && kTwoPanels) _tile_zero(3);
  }
  const Word* const b = static_cast<const Word*>(block.b) + first_column * block.k;
  const int64_t panel_stride = block.k * kGemmLine;
  if (block.row_stride == 0) {
    add_product<kTwoHalves, kTwoPanels>(a, b, panel_stride, block.k / kGemmLine);
  } else {
    for (int64_t s = 0; s < block.segment_count; ++s) {
      const GemmSegment& segment = block.segments[s];
      TileRows rows_of_segment = a;
      rows_of_segment.first += segment.offset;
      add_product<kTwoHalves, kTwoPanels>(rows_of_segment, b + segment.k_first * kGemmLine, panel_stride,
                                          segment.count / kGemmLine);
    }
  }
  if (block.sums_after != nullptr) {
    return store_sums<kTwoHalves, kTwoPanels>(block.sums_after + place, block.sums_pitch);
  }
  alignas(64) float sums[kTileRows * kTileColumns];
  store_sums<kTwoHalves, kTwoPanels>(sums, kTileColumns);
  finish_tile(block, sums, first_row, rows, first_column, columns, kTileColumns);
}

// Tiles of the same number of rows, one below the other, times all columns.
void multiply_rows(const GemmBlock& block, int64_t first_row, int64_t tiles, int64_t rows) {
  set_shapes(rows);
  const bool plain = block.row_stride != 0;
  const int64_t packed_words = (block.k + kGemmLine - 1) / kGemmLine * kGemmLine * kTileRows;
  // Columns are taken some tiles at a time: their panels stay in the L2 cache, a tile's rows in L1, and rows of dst are
  // written in long runs, which memory takes faster than many short ones.
  const int64_t fitting = kGroupWords / (kTileColumns * block.k);
  const int64_t group = (fitting < 1 ? 1 : fitting) * kTileColumns;
  for (int64_t first_column = 0; first_column < block.columns; first_column += group) {
    const int64_t end = block.columns - first_column < group ? block.columns : first_column + group;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t row = first_row + tile * rows;
      TileRows a{static_cast<const Word*>(block.a), kGemmLine, kRegisterWords, 2 * kRegisterWords};
      if (plain) {
        a = {a.first + row * block.row_stride, block.row_stride, kRegisterRows * block.row_stride, kGemmLine};
      } else {
        a.first += row / kTileRows * packed_words;
      }
      for (int64_t column = first_column; column < end; column += kTileColumns) {
        const bool two_panels = block.columns - column > kGemmLine;
        if (rows > kRegisterRows) {
          (two_panels ? multiply_tile<true, true> : multiply_tile<true, false>)(block, a, row, rows, column);
        } else {
          (two_panels ? multiply_tile<false, true> : multiply_tile<false, false>)(block, a, row, rows, column);
        }
      }
    }
  }
}

void multiply(const GemmBlock& block) {
  const int64_t whole = block.rows / kTileRows;
  const int64_t left = block.rows % kTileRows;
  if (whole > 0) multiply_rows(block, 0, whole, kTileRows);
  if (left > 0) multiply_rows(block, whole * kTileRows, 1, left);
  _tile_release();
}

}  // namespace

extern const Gemm gemm_bf16;
const Gemm gemm_bf16{kTileRows, kWordElements, kGemmLine, pack_rows, nullptr, multiply};

}  // namespace samc::amx_bf16
