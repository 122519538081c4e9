#include "bench/shapes.h"

#include "kernels/testing.h"

namespace samc {
namespace {

constexpr int64_t kImage = 1024;  // pixels of a picture's side

BenchShape matmul_shape(const std::string& name, int64_t rows, int64_t k, int64_t n,
                        Activation activation = Activation::kNone, bool normalise = false, bool residual = false) {
  BenchShape shape;
  shape.name = fmt::format("{} {}x{}x{}{}{}{}", name, rows, k, n, normalise ? " norm" : "",
                           activation == Activation::kGelu   ? " gelu"
                           : activation == Activation::kRelu ? " relu"
                                                             : "",
                           residual ? " res" : "");
  shape.matmul = {rows, k, n, normalise, 1e-6f, activation};
  shape.with_residual = residual;
  return shape;
}

BenchShape conv_shape(const std::string& name, BenchKind kind, int64_t in, int64_t in_c, int64_t out_c, int64_t kernel,
                      int64_t stride, int64_t pad, bool nchw) {
  BenchShape shape;
  const int64_t out = (in + 2 * pad - kernel) / stride + 1;
  shape.name = fmt::format("{} {}x{}x{} {}x{} s{} -> {}", name, in, in, in_c, kernel, kernel, stride, out_c);
  shape.kind = kind;
  shape.conv = {in, in, in_c, out, out, out_c, kernel, kernel, stride, stride, pad, pad, nchw, Activation::kNone};
  return shape;
}

BenchShape deconv_shape(int64_t extent, int64_t in_c, int64_t out_c) {
  BenchShape shape;
  shape.name = fmt::format("deconv2x2 {}x{}x{} -> {}", extent, extent, in_c, out_c);
  shape.kind = BenchKind::kDeconv2x2;
  shape.deconv = {extent, extent, in_c, out_c, Activation::kNone};
  return shape;
}

BenchShape batch_shape(const std::string& name, int64_t batch, int64_t m, int64_t k, int64_t n, bool transpose) {
  BenchShape shape;
  shape.name = fmt::format("{} {}x({}x{}x{}){}", name, batch, m, k, n, transpose ? " b^T" : "");
  shape.kind = BenchKind::kBatchMatmul;
  shape.batch_matmul = {batch, m, k, n, transpose, 1.0f};
  return shape;
}

// The products of an image encoder: what the eight models have, 2.0 and 2.1 alike, small like tiny.
void add_encoder_shapes(const std::string& model, int64_t embed, std::vector<BenchShape>& shapes) {
  constexpr Activation kNone = Activation::kNone;
  shapes.push_back(conv_shape(model + " patch embed", BenchKind::kConv, kImage, 3, embed, 7, 4, 3, true));
  int64_t tokens = kImage / 4 * kImage / 4;
  for (int64_t stage = 0, dim = embed; stage < 4; ++stage, tokens /= 4, dim *= 2) {
    const auto add = [&](const std::string& name, int64_t k, int64_t n, Activation activation, bool normalise,
                         bool residual) {
      shapes.push_back(matmul_shape(model + " " + name, tokens, k, n, activation, normalise, residual));
    };
    add("qkv", dim, 3 * dim, kNone, true, false);
    if (stage < 3) {  // the block that halves the resolution makes the next stage's qkv and shortcut
      add("qkv", dim, 6 * dim, kNone, true, false);
      add("shortcut", dim, 2 * dim, kNone, true, false);
    }
    add("attention out", dim, dim, kNone, false, true);
    add("mlp1", dim, 4 * dim, Activation::kGelu, true, false);
    add("mlp2", 4 * dim, dim, kNone, false, true);
    add("neck", dim, 256, kNone, false, false);
  }
}

}  // namespace

int64_t BenchShape::src_count() const {
  switch (kind) {
    case BenchKind::kMatmul:
      return matmul.rows * matmul.k;
    case BenchKind::kBatchMatmul:
      return batch_matmul.batch * batch_matmul.m * batch_matmul.k;
    case BenchKind::kConv:
    case BenchKind::kDepthwiseConv:
      return conv.in_h * conv.in_w * conv.in_c;
    case BenchKind::kDeconv2x2:
      return deconv.h * deconv.w * deconv.in_c;
  }
  return 0;
}

int64_t BenchShape::weight_count() const {
  switch (kind) {
    case BenchKind::kMatmul:
      return matmul.k * matmul.n;
    case BenchKind::kBatchMatmul:
      return batch_matmul.batch * batch_matmul.k * batch_matmul.n;
    case BenchKind::kConv:
      return conv.kernel_h * conv.kernel_w * conv.in_c * conv.out_c;
    case BenchKind::kDepthwiseConv:
      return conv.kernel_h * conv.kernel_w * conv.in_c;
    case BenchKind::kDeconv2x2:
      return 4 * deconv.in_c * deconv.out_c;
  }
  return 0;
}

int64_t BenchShape::bias_count() const {
  switch (kind) {
    case BenchKind::kMatmul:
      return matmul.n;
    case BenchKind::kBatchMatmul:
      return 0;
    case BenchKind::kConv:
      return conv.out_c;
    case BenchKind::kDepthwiseConv:
      return conv.in_c;
    case BenchKind::kDeconv2x2:
      return deconv.out_c;
  }
  return 0;
}

int64_t BenchShape::dst_count() const {
  switch (kind) {
    case BenchKind::kMatmul:
      return matmul.rows * matmul.n;
    case BenchKind::kBatchMatmul:
      return batch_matmul.batch * batch_matmul.m * batch_matmul.n;
    case BenchKind::kConv:
      return conv.out_h * conv.out_w * conv.out_c;
    case BenchKind::kDepthwiseConv:
      return conv.out_h * conv.out_w * conv.in_c;
    case BenchKind::kDeconv2x2:
      return 4 * deconv.h * deconv.w * deconv.out_c;
  }
  return 0;
}

double BenchShape::flops() const {
  double depth = 0;
  switch (kind) {
    case BenchKind::kMatmul:
      depth = static_cast<double>(matmul.k);
      break;
    case BenchKind::kBatchMatmul:
      depth = static_cast<double>(batch_matmul.k);
      break;
    case BenchKind::kConv:
      depth = static_cast<double>(conv.kernel_h * conv.kernel_w * conv.in_c);
      break;
    case BenchKind::kDepthwiseConv:
      depth = static_cast<double>(conv.kernel_h * conv.kernel_w);
      break;
    case BenchKind::kDeconv2x2:
      depth = static_cast<double>(deconv.in_c);
      break;
  }
  return 2 * depth * static_cast<double>(dst_count());
}

std::vector<BenchShape> bench_shapes() {
  constexpr Activation kNone = Activation::kNone;
  constexpr Activation kRelu = Activation::kRelu;
  std::vector<BenchShape> shapes;
  add_encoder_shapes("tiny", 96, shapes);
  add_encoder_shapes("base_plus", 112, shapes);
  add_encoder_shapes("large", 144, shapes);
  const std::vector<BenchShape> others = {
      matmul_shape("high_res_feats_0", 65536, 256, 32),
      matmul_shape("high_res_feats_1", 16384, 256, 64),
      matmul_shape("decoder image", 4096, 256, 128),
      matmul_shape("decoder image", 4096, 128, 256, kNone, false, true),
      matmul_shape("decoder tokens", 8, 256, 128),
      matmul_shape("decoder tokens", 8, 256, 256),
      matmul_shape("decoder tokens", 8, 128, 256, kNone, false, true),
      matmul_shape("decoder tokens", 8, 256, 2048, kRelu),
      matmul_shape("decoder tokens", 8, 2048, 256, kNone, false, true),
      matmul_shape("decoder heads", 1, 256, 256, kRelu),
      matmul_shape("decoder heads", 1, 256, 32),
      deconv_shape(64, 256, 64),
      deconv_shape(128, 64, 32),
      batch_shape("hypernetworks", 1, 4, 32, 65536, true),
      conv_shape("mask prompt", BenchKind::kConv, 256, 1, 4, 2, 2, 0, false),
      conv_shape("mask prompt", BenchKind::kConv, 128, 4, 16, 2, 2, 0, false),
      conv_shape("mask prompt", BenchKind::kConv, 64, 16, 256, 1, 1, 0, false),
      conv_shape("memory encoder", BenchKind::kConv, 1024, 1, 4, 3, 2, 1, false),
      conv_shape("memory encoder", BenchKind::kConv, 512, 4, 16, 3, 2, 1, false),
      conv_shape("memory encoder", BenchKind::kConv, 256, 16, 64, 3, 2, 1, false),
      conv_shape("memory encoder", BenchKind::kConv, 128, 64, 256, 3, 2, 1, false),
      conv_shape("memory encoder", BenchKind::kConv, 64, 256, 256, 1, 1, 0, false),
      conv_shape("memory encoder", BenchKind::kConv, 64, 256, 64, 1, 1, 0, false),
      matmul_shape("memory encoder", 4096, 256, 1024, Activation::kGelu, true),
      matmul_shape("memory encoder", 4096, 1024, 256, kNone, false, true),
      conv_shape("memory encoder depthwise", BenchKind::kDepthwiseConv, 64, 256, 256, 7, 1, 3, false),
      matmul_shape("memory attention", 4096, 256, 256),
      matmul_shape("memory attention", 4096, 256, 2048, kRelu, true),
      matmul_shape("memory attention", 4096, 2048, 256, kNone, false, true),
      matmul_shape("memory attention", 28736, 64, 256),
      batch_shape("square", 2, 512, 512, 512, false),
      conv_shape("square", BenchKind::kConv, 128, 64, 64, 3, 1, 1, false),
  };
  shapes.insert(shapes.end(), others.begin(), others.end());
  return shapes;
}

BenchData::BenchData(const BenchShape& shape)
    : src(random_floats(shape.src_count(), 1)),
      weight(random_floats(shape.weight_count(), 2)),
      bias(random_floats(shape.bias_count(), 3)),
      residual(shape.with_residual ? random_floats(shape.dst_count(), 4) : std::vector<float>()) {}

OurOperation::OurOperation(const BenchShape& shape, const BenchData& data)
    : shape_(shape), data_(data), dst_({shape.dst_count()}) {
  const ConvParams& conv = shape.conv;
  switch (shape.kind) {
    case BenchKind::kMatmul:
      packed_.resize(static_cast<size_t>(packed_floats(shape.matmul.k, shape.matmul.n)));
      pack_weights(data.weight.data(), shape.matmul.k, shape.matmul.n, WeightOrder::kKByN, packed_.data());
      break;
    case BenchKind::kConv:
      packed_.resize(static_cast<size_t>(packed_floats(conv.kernel_h * conv.kernel_w * conv.in_c, conv.out_c)));
      pack_conv_weights(data.weight.data(), conv.out_c, conv.in_c, conv.kernel_h, conv.kernel_w, conv.src_nchw,
                        packed_.data());
      break;
    case BenchKind::kDepthwiseConv:
      packed_.resize(data.weight.size());
      for (int64_t channel = 0; channel < conv.in_c; ++channel) {
        const int64_t taps = conv.kernel_h * conv.kernel_w;
        for (int64_t tap = 0; tap < taps; ++tap) {
          packed_[static_cast<size_t>(tap * conv.in_c + channel)] =
              data.weight[static_cast<size_t>(channel * taps + tap)];
        }
      }
      break;
    case BenchKind::kDeconv2x2:
      packed_.resize(static_cast<size_t>(packed_floats(shape.deconv.in_c, 4 * shape.deconv.out_c)));
      pack_deconv2x2_weights(data.weight.data(), shape.deconv.in_c, shape.deconv.out_c, packed_.data());
      break;
    case BenchKind::kBatchMatmul:
      break;
  }
}

void OurOperation::run(KernelContext& context) {
  float* dst = dst_.f32().data();
  const float* residual = data_.residual.empty() ? nullptr : data_.residual.data();
  switch (shape_.kind) {
    case BenchKind::kMatmul:
      return matmul(shape_.matmul, data_.src.data(), packed_.data(), data_.bias.data(), residual, dst, context);
    case BenchKind::kBatchMatmul:
      return batch_matmul(shape_.batch_matmul, data_.src.data(), data_.weight.data(), dst, context);
    case BenchKind::kConv:
      return conv(shape_.conv, data_.src.data(), packed_.data(), data_.bias.data(), residual, dst, context);
    case BenchKind::kDepthwiseConv: {
      const ConvParams& conv = shape_.conv;
      return depthwise_conv({conv.in_h, conv.in_w, conv.in_c, conv.out_h, conv.out_w, conv.kernel_h, conv.kernel_w,
                             conv.stride_h, conv.stride_w, conv.pad_top, conv.pad_left, conv.activation},
                            data_.src.data(), packed_.data(), data_.bias.data(), dst, context);
    }
    case BenchKind::kDeconv2x2:
      return deconv2x2(shape_.deconv, data_.src.data(), packed_.data(), data_.bias.data(), residual, dst, context);
  }
}

}  // namespace samc
