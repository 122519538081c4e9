#include "kernels/depthwise_conv.h"

namespace samc::scalar {

void depthwise_conv_row(const DepthwiseConvTask& task, int64_t y) {
  const DepthwiseConvParams& params = task.params;
  for (int64_t x = 0; x < params.out_w; ++x) {
    for (int64_t channel = 0; channel < params.in_c; ++channel) {
      float sum = task.bias != nullptr ? task.bias[channel] : 0;
      for (int64_t tap_y = 0; tap_y < params.kernel_h; ++tap_y) {
        const int64_t from_y = y * params.stride_h - params.pad_top + tap_y;
        if (from_y < 0 || from_y >= params.in_h) continue;
        for (int64_t tap_x = 0; tap_x < params.kernel_w; ++tap_x) {
          const int64_t from_x = x * params.stride_w - params.pad_left + tap_x;
          if (from_x < 0 || from_x >= params.in_w) continue;
          sum += task.src[(from_y * params.in_w + from_x) * params.in_c + channel] *
                 task.weight[(tap_y * params.kernel_w + tap_x) * params.in_c + channel];
        }
      }
      task.dst[(y * params.out_w + x) * params.in_c + channel] = activate(sum, params.activation);
    }
  }
}

}  // namespace samc::scalar
