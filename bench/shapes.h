#pragma once
// The operations that are timed: the matrix products and convolutions of all SAM 2 models.

#include <memory>
#include <string>
#include <vector>

#include "kernels/batch_matmul.h"
#include "kernels/conv.h"
#include "kernels/deconv2x2.h"
#include "kernels/depthwise_conv.h"
#include "kernels/matmul.h"

namespace samc {

enum class BenchKind { kMatmul, kBatchMatmul, kConv, kDepthwiseConv, kDeconv2x2 };

struct BenchShape {
  std::string name;
  BenchKind kind = BenchKind::kMatmul;
  MatmulParams matmul;
  BatchMatmulParams batch_matmul;
  ConvParams conv;  // also depthwise: out_c is then not read
  Deconv2x2Params deconv;
  bool with_residual = false;

  int64_t src_count() const;
  int64_t weight_count() const;  // or of the second operand
  int64_t bias_count() const;
  int64_t dst_count() const;
  double flops() const;
};

std::vector<BenchShape> bench_shapes();

// Operands in PyTorch's layouts (weights of a matmul (k, n)); src as the kernel wants it.
struct BenchData {
  explicit BenchData(const BenchShape& shape);
  std::vector<float> src, weight, bias, residual;
};

// Ours. dst is dst_count() floats.
class OurOperation {
 public:
  OurOperation(const BenchShape& shape, const BenchData& data);
  void run(KernelContext& context);
  const Tensor& dst() const { return dst_; }

 private:
  const BenchShape& shape_;
  const BenchData& data_;
  std::vector<float> packed_;
  Tensor dst_;
};

}  // namespace samc
