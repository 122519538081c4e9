#include "kernels/pack.h"

#include <algorithm>

#include "base/dtype.h"
#include "base/rounding.h"
#include "kernels/bf16.h"

namespace samc {
namespace {

// One panel after the other, element(row, column) of the (k, n) matrix to its place.
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

template <class Element>
void pack(int64_t k, int64_t n, uint16_t* dst, const Element& element) {
  for (int64_t first = 0; first < n; first += kPanelColumns) {
    for (int64_t pair = 0; pair < round_up(k, kBf16Depth); pair += 2) {
      for (int64_t column = first; column < first + kPanelColumns; ++column) {
        for (int64_t row = pair; row < pair + 2; ++row) {
          *dst++ = row < k && column < n ? round_to_bf16(element(row, column)) : uint16_t{0};
        }
      }
    }
  }
}

template <class Packed>
void pack_matrix(const float* src, int64_t k, int64_t n, WeightOrder order, Packed* dst) {
  if (order == WeightOrder::kKByN) {
    pack(k, n, dst, [&](int64_t row, int64_t column) { return src[row * n + column]; });
  } else {
    pack(k, n, dst, [&](int64_t row, int64_t column) { return src[column * k + row]; });
  }
}

template <class Packed>
void pack_conv(const float* src, int64_t out_c, int64_t in_c, int64_t kernel_h, int64_t kernel_w, bool src_nchw,
               Packed* dst) {
  const int64_t taps = kernel_h * kernel_w;
  const int64_t k = in_c * taps;
  if (src_nchw) return pack_matrix(src, k, out_c, WeightOrder::kNByK, dst);
  pack(k, out_c, dst, [&](int64_t row, int64_t column) { return src[column * k + row % in_c * taps + row / in_c]; });
}

template <class Packed>
void pack_deconv2x2(const float* src, int64_t in_c, int64_t out_c, Packed* dst) {
  pack(in_c, 4 * out_c, dst,
       [&](int64_t row, int64_t column) { return src[(row * out_c + column % out_c) * 4 + column / out_c]; });
}

}  // namespace

int64_t packed_floats(int64_t k, int64_t n) { return round_up(n, kPanelColumns) * k; }
int64_t packed_bf16(int64_t k, int64_t n) { return round_up(n, kPanelColumns) * round_up(k, kBf16Depth); }

void pack_weights(const float* src, int64_t k, int64_t n, WeightOrder order, float* dst) {
  pack_matrix(src, k, n, order, dst);
}
void pack_weights_bf16(const float* src, int64_t k, int64_t n, WeightOrder order, uint16_t* dst) {
  pack_matrix(src, k, n, order, dst);
}

void pack_conv_weights(const float* src, int64_t out_c, int64_t in_c, int64_t kernel_h, int64_t kernel_w, bool src_nchw,
                       float* dst) {
  pack_conv(src, out_c, in_c, kernel_h, kernel_w, src_nchw, dst);
}
void pack_conv_weights_bf16(const float* src, int64_t out_c, int64_t in_c, int64_t kernel_h, int64_t kernel_w,
                            bool src_nchw, uint16_t* dst) {
  pack_conv(src, out_c, in_c, kernel_h, kernel_w, src_nchw, dst);
}

void pack_deconv2x2_weights(const float* src, int64_t in_c, int64_t out_c, float* dst) {
  pack_deconv2x2(src, in_c, out_c, dst);
}
void pack_deconv2x2_weights_bf16(const float* src, int64_t in_c, int64_t out_c, uint16_t* dst) {
  pack_deconv2x2(src, in_c, out_c, dst);
}

}  // namespace samc
