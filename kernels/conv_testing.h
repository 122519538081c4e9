#pragma once
// For the tests of convolutions: their parameters, and the definition.

#include <vector>

#include "kernels/conv.h"

namespace samc {

inline ConvParams conv_params(int64_t h, int64_t w, int64_t in_c, int64_t out_c, int64_t kernel, int64_t stride,
                              int64_t pad) {
  ConvParams params{h, w, in_c, (h + 2 * pad - kernel) / stride + 1, (w + 2 * pad - kernel) / stride + 1, out_c};
  params.kernel_h = params.kernel_w = kernel;
  params.stride_h = params.stride_w = stride;
  params.pad_top = params.pad_left = pad;
  return params;
}

// Calls body(element of src, element of weight) for every product that the sum at (y, x) of channel `out` is made of.
// weight is (out_c, in_c, kernel_h, kernel_w).
template <class Body>
void for_each_product(const ConvParams& params, const std::vector<float>& src, const std::vector<float>& weight,
                      int64_t y, int64_t x, int64_t out, const Body& body) {
  for (int64_t c = 0; c < params.in_c; ++c) {
    for (int64_t ty = 0; ty < params.kernel_h; ++ty) {
      for (int64_t tx = 0; tx < params.kernel_w; ++tx) {
        const int64_t from_y = y * params.stride_h - params.pad_top + ty;
        const int64_t from_x = x * params.stride_w - params.pad_left + tx;
        if (from_y < 0 || from_y >= params.in_h || from_x < 0 || from_x >= params.in_w) continue;
        const int64_t place = params.src_nchw ? (c * params.in_h + from_y) * params.in_w + from_x
                                              : (from_y * params.in_w + from_x) * params.in_c + c;
        const int64_t tap = ((out * params.in_c + c) * params.kernel_h + ty) * params.kernel_w + tx;
        body(src[static_cast<size_t>(place)], weight[static_cast<size_t>(tap)]);
      }
    }
  }
}

}  // namespace samc
