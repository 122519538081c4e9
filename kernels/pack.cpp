#include "kernels/pack.h"

#include <algorithm>

namespace samc {
namespace {

template <class Element>
void pack(int64_t k, int64_t n, float* dst, const Element& element) {
  for (int64_t first = 0; first < n; first += kPanelColumns) {
    const int64_t columns = std::min(kPanelColumns, n - first);
    for (int64_t row = 0; row < k; ++row) {
      for (int64_t column = 0; column < columns; ++column) *dst++ = element(row, first + column);
      for (int64_t column = columns; column < kPanelColumns; ++column) *dst++ = 0;
    }
  }
}

}  // namespace

int64_t packed_floats(int64_t k, int64_t n) { return (n + kPanelColumns - 1) / kPanelColumns * kPanelColumns * k; }

void pack_weights(const float* src, int64_t k, int64_t n, WeightOrder order, float* dst) {
  if (order == WeightOrder::kKByN) {
    pack(k, n, dst, [&](int64_t row, int64_t column) { return src[row * n + column]; });
  } else {
    pack(k, n, dst, [&](int64_t row, int64_t column) { return src[column * k + row]; });
  }
}

void pack_conv_weights(const float* src, int64_t out_c, int64_t in_c, int64_t kernel_h, int64_t kernel_w, bool src_nchw,
                       float* dst) {
  const int64_t taps = kernel_h * kernel_w;
  const int64_t k = in_c * taps;
  if (src_nchw) return pack_weights(src, k, out_c, WeightOrder::kNByK, dst);
  pack(k, out_c, dst, [&](int64_t row, int64_t column) { return src[column * k + row % in_c * taps + row / in_c]; });
}

void pack_deconv2x2_weights(const float* src, int64_t in_c, int64_t out_c, float* dst) {
  pack(in_c, 4 * out_c, dst,
       [&](int64_t row, int64_t column) { return src[(row * out_c + column % out_c) * 4 + column / out_c]; });
}

}  // namespace samc
