#include "kernels/direct_conv.h"

namespace samc::scalar {

void direct_conv(const DirectConvPiece& piece) {
  const ConvParams& params = piece.params;
  const int64_t pixel_floats = params.src_nchw ? 1 : params.in_c;
  for (int64_t pixel = piece.first_pixel; pixel < piece.last_pixel; ++pixel) {
    const int64_t top = pixel / params.out_w * params.stride_h - params.pad_top;
    const int64_t left = pixel % params.out_w * params.stride_w - params.pad_left;
    const int64_t origin = (top * params.in_w + left) * pixel_floats;
    for (int64_t first = 0; first < params.out_c; first += kPanelColumns) {
      const float* panel = piece.weight + first * piece.tap_count;
      float sums[kPanelColumns] = {};
      for (const DirectConvTap* tap = piece.taps; tap < piece.taps + piece.tap_count; ++tap) {
        const int64_t y = top + tap->y;
        const int64_t x = left + tap->x;
        if (y < 0 || y >= params.in_h || x < 0 || x >= params.in_w) continue;
        const float factor = piece.src[origin + tap->offset];
        for (int64_t i = 0; i < kPanelColumns; ++i) sums[i] += factor * panel[tap->k * kPanelColumns + i];
      }
      for (int64_t i = 0; i < kPanelColumns && first + i < params.out_c; ++i) {
        const int64_t place = pixel * params.out_c + first + i;
        const float value = activate(sums[i] + (piece.bias != nullptr ? piece.bias[first + i] : 0), params.activation);
        piece.dst[place] = value + (piece.residual != nullptr ? piece.residual[place] : 0);
      }
    }
  }
}

}  // namespace samc::scalar
