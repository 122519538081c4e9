#include <immintrin.h>

#include "kernels/fma_peak_kernel.h"

namespace samc::amx_bf16 {

int64_t bf16_loop(int64_t multiply_adds, float* sink) {
  // Eight tiles of 16 rows of 64 bytes: four of sums, so that each has time before the next product comes to it, two of
  // rows and two of columns.
  struct {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } shapes;
  static_assert(sizeof(shapes) == 64);
  _tile_loadconfig(&shapes);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
  constexpr int64_t kTile = 16 * 16 * 32;  // multiply-adds of one instruction
  int64_t done = 0;
  for (; done < multiply_adds; done += 4 * kTile) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  float sums[16 * 16];
  _tile_stored(0, sums, 64);
  _tile_release();
  *sink = sums[0];
  return done;
}

}  // namespace samc::amx_bf16
