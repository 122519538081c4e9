#include "kernels/depthwise_conv.h"

#include <algorithm>

namespace samc::scalar {

void depthwise_conv(const DepthwiseConvPiece& piece) {
  const DepthwiseConvParams& params = piece.params;
  const int64_t last_channel = std::min(params.in_c, piece.first_channel + kDepthwiseSlice);
  for (int64_t pixel = piece.first_row * params.out_w; pixel < piece.last_row * params.out_w; ++pixel) {
    const int64_t y = pixel / params.out_w;
    const int64_t x = pixel % params.out_w;
    for (int64_t channel = piece.first_channel; channel < last_channel; ++channel) {
      float sum = piece.bias != nullptr ? piece.bias[channel] : 0;
      for (int64_t tap_y = 0; tap_y < params.kernel_h; ++tap_y) {
        const int64_t from_y = y * params.stride_h - params.pad_top + tap_y;
        if (from_y < 0 || from_y >= params.in_h) continue;
        for (int64_t tap_x = 0; tap_x < params.kernel_w; ++tap_x) {
          const int64_t from_x = x * params.stride_w - params.pad_left + tap_x;
          if (from_x < 0 || from_x >= params.in_w) continue;
          sum += piece.src[(from_y * params.in_w + from_x) * params.in_c + channel] *
                 piece.weight[(tap_y * params.kernel_w + tap_x) * params.in_c + channel];
        }
      }
      piece.dst[pixel * params.in_c + channel] = activate(sum, params.activation);
    }
  }
}

}  // namespace samc::scalar
