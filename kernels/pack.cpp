#include "kernels/pack.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/dtype.h"
#include "base/rounding.h"
#include "kernels/bf16.h"

namespace samc {
namespace {

constexpr float kInt8Most = 127;

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

template <class Element>
void pack(int64_t k, int64_t n, int8_t* dst, const Element& element) {
  for (int64_t first = 0; first < n; first += kPanelColumns) {
    float scales[kPanelColumns] = {};
    int32_t sums[kPanelColumns] = {};
    for (int64_t column = first; column < std::min(n, first + kPanelColumns); ++column) {
      float largest = 0;
      bool is_finite = true;
      for (int64_t row = 0; row < k; ++row) {
        largest = std::max(largest, std::abs(element(row, column)));
        is_finite = is_finite && std::isfinite(element(row, column));
      }
      float& scale = scales[column - first] = is_finite ? largest / kInt8Most : std::numeric_limits<float>::quiet_NaN();
      if (scale < std::numeric_limits<float>::min()) scale = 0;
    }
    for (int64_t four = 0; four < round_up(k, kInt8Depth); four += 4) {
      for (int64_t column = 0; column < kPanelColumns; ++column) {
        for (int64_t row = four; row < four + 4; ++row) {
          const float scale = scales[column];
          const bool is_there = row < k && scale > 0;  // not of NaN either
          *dst = static_cast<int8_t>(is_there ? std::lrint(element(row, first + column) / scale) : 0);
          sums[column] += *dst++;
        }
      }
    }
    std::memcpy(dst, sums, sizeof sums);
    std::memcpy(dst + sizeof sums, scales, sizeof scales);
    dst += sizeof sums + sizeof scales;
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
int64_t packed_int8(int64_t k, int64_t n) {
  const int64_t of_column = static_cast<int64_t>(sizeof(int32_t) + sizeof(float));  // its sum and scale
  return round_up(n, kPanelColumns) * (round_up(k, kInt8Depth) + of_column);
}
int64_t packed_elements(Precision precision, int64_t k, int64_t n) {
  return precision == Precision::kF32    ? packed_floats(k, n)
         : precision == Precision::kBf16 ? packed_bf16(k, n)
                                         : packed_int8(k, n);
}

void pack_weights(const float* src, int64_t k, int64_t n, WeightOrder order, float* dst) {
  pack_matrix(src, k, n, order, dst);
}
void pack_weights_bf16(const float* src, int64_t k, int64_t n, WeightOrder order, uint16_t* dst) {
  pack_matrix(src, k, n, order, dst);
}
void pack_weights_int8(const float* src, int64_t k, int64_t n, WeightOrder order, int8_t* dst) {
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
