#pragma once
// The layout that matmul, conv and deconv2x2 want their weights in. It does not depend on the instruction set, so a
// model compiled on one machine runs on another: panels of 16 columns, each (k, 16), the last one padded with zeros.
// For a product in bf16 a panel holds pairs of neighbouring k: (ceil(k / 32) * 16, 16, 2), so [p][column] are the
// elements of k = 2 p and 2 p + 1; what lies beyond k is zero. Elements are rounded as round_to_bf16 does.
// For a product in int8 each column has a scale, its largest magnitude / 127, and its elements are whole numbers of it.
// A panel holds fours of neighbouring k: (ceil(k / 8) * 2, 16, 4), zero beyond k, and behind them for each of its
// columns the sum of the whole numbers (int32) and the scale (f32). A column that is not finite has the scale NaN.

#include <cstdint>

#include "base/precision.h"

namespace samc {

constexpr int64_t kPanelColumns = 16;
constexpr int64_t kBf16Depth = 32;  // in bf16 k is padded to a multiple of this
constexpr int64_t kInt8Depth = 8;   // in int8 likewise
// The largest k of a product in int8: its sums of 255 * 127 fit 32 bits.
constexpr int64_t kInt8MostK = 1 << 16;

enum class WeightOrder {
  kKByN,  // (k, n), n fastest
  kNByK,  // (n, k), k fastest, as PyTorch's Linear stores it
};

// Elements of a packed (k, n) matrix in f32, in bf16, and in int8 with the sums and scales of its columns.
int64_t packed_floats(int64_t k, int64_t n);
int64_t packed_bf16(int64_t k, int64_t n);
int64_t packed_int8(int64_t k, int64_t n);
int64_t packed_elements(Precision precision, int64_t k, int64_t n);

void pack_weights(const float* src, int64_t k, int64_t n, WeightOrder order, float* dst);
void pack_weights_bf16(const float* src, int64_t k, int64_t n, WeightOrder order, uint16_t* dst);
void pack_weights_int8(const float* src, int64_t k, int64_t n, WeightOrder order, int8_t* dst);

// A PyTorch convolution's (cout, cin, kernel_h, kernel_w). With src_nchw the rows stay (cin kernel_h kernel_w), else
// they become (kernel_h kernel_w cin).
void pack_conv_weights(const float* src, int64_t out_c, int64_t in_c, int64_t kernel_h, int64_t kernel_w, bool src_nchw,
                       float* dst);
void pack_conv_weights_bf16(const float* src, int64_t out_c, int64_t in_c, int64_t kernel_h, int64_t kernel_w,
                            bool src_nchw, uint16_t* dst);

// A PyTorch transposed convolution's (cin, cout, 2, 2).
void pack_deconv2x2_weights(const float* src, int64_t in_c, int64_t out_c, float* dst);
void pack_deconv2x2_weights_bf16(const float* src, int64_t in_c, int64_t out_c, uint16_t* dst);

}  // namespace samc
