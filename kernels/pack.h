#pragma once
// The layout that matmul, conv and deconv2x2 want their weights in. It does not depend on the instruction set, so a
// model compiled on one machine runs on another: panels of 16 columns, each (k, 16), the last one padded with zeros.

#include <cstdint>

namespace samc {

constexpr int64_t kPanelColumns = 16;

enum class WeightOrder {
  kKByN,  // (k, n), n fastest
  kNByK,  // (n, k), k fastest, as PyTorch's Linear stores it
};

// Floats of a packed (k, n) matrix.
int64_t packed_floats(int64_t k, int64_t n);

void pack_weights(const float* src, int64_t k, int64_t n, WeightOrder order, float* dst);

// A PyTorch convolution's (cout, cin, kernel_h, kernel_w). With src_nchw the rows stay (cin kernel_h kernel_w), else
// they become (kernel_h kernel_w cin).
void pack_conv_weights(const float* src, int64_t out_c, int64_t in_c, int64_t kernel_h, int64_t kernel_w, bool src_nchw,
                       float* dst);

// A PyTorch transposed convolution's (cin, cout, 2, 2).
void pack_deconv2x2_weights(const float* src, int64_t in_c, int64_t out_c, float* dst);

}  // namespace samc
