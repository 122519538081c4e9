#include "bench/onednn.h"

#include <omp.h>

#include <cstring>
#include <dnnl.hpp>

namespace samc {
namespace {

using Memory = dnnl::memory;
using Tag = Memory::format_tag;
using Dims = Memory::dims;
constexpr auto kF32 = Memory::data_type::f32;

Memory::desc any(const Dims& dims) { return {dims, kF32, Tag::any}; }
Memory::desc plain(const Dims& dims, Tag tag) { return {dims, kF32, tag}; }

// Everything that a primitive needs to run.
struct Bound {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::primitive primitive;
  std::unordered_map<int, Memory> arguments;

  Memory wrap(const Memory::desc& desc, const float* data) { return Memory(desc, engine, const_cast<float*>(data)); }
  // In the primitive's own layout: the reorder is not timed.
  Memory reordered(const Memory::desc& wanted, const Memory::desc& given, const float* data) {
    Memory from = wrap(given, data);
    if (wanted == given) return from;
    Memory to(wanted, engine);
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    return to;
  }
};

dnnl::primitive_attr attributes(const BenchShape& shape, const Memory::desc& dst) {
  dnnl::post_ops after;
  if (shape.matmul.activation == Activation::kGelu) {
    after.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_erf, 0, 0);
  } else if (shape.matmul.activation == Activation::kRelu) {
    after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0, 0);
  }
  if (shape.with_residual) after.append_binary(dnnl::algorithm::binary_add, dst);
  dnnl::primitive_attr result;
  result.set_post_ops(after);
  return result;
}

int residual_argument(const BenchShape& shape) {
  const int before = shape.matmul.activation == Activation::kNone ? 0 : 1;
  return DNNL_ARG_ATTR_MULTIPLE_POST_OP(before) | DNNL_ARG_SRC_1;
}

template <class Description>
void bind_common(Bound& bound, const Description& description, const BenchData& data, OneDnnOperation& operation,
                 const Memory::desc& src, const Memory::desc& weight, const Memory::desc& bias,
                 const Memory::desc& dst) {
  operation.implementation = description.impl_info_str();
  bound.arguments.emplace(DNNL_ARG_SRC, bound.wrap(src, data.src.data()));
  bound.arguments.emplace(DNNL_ARG_WEIGHTS, bound.reordered(description.weights_desc(), weight, data.weight.data()));
  if (!data.bias.empty()) bound.arguments.emplace(DNNL_ARG_BIAS, bound.wrap(bias, data.bias.data()));
  bound.arguments.emplace(DNNL_ARG_DST, bound.wrap(dst, operation.dst.data()));
}

void bind_matmul(Bound& bound, const BenchShape& shape, const BenchData& data, OneDnnOperation& operation) {
  const int64_t rows = shape.matmul.rows, k = shape.matmul.k, n = shape.matmul.n;
  const Memory::desc src = plain({rows, k}, Tag::ab);
  const Memory::desc weight = plain({k, n}, Tag::ab);
  const Memory::desc bias = plain({1, n}, Tag::ab);
  const Memory::desc dst = plain({rows, n}, Tag::ab);
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(src, any({k, n}), bias, dst),
                                                 attributes(shape, dst), bound.engine);
  bind_common(bound, description, data, operation, src, weight, bias, dst);
  if (shape.with_residual) bound.arguments.emplace(residual_argument(shape), bound.wrap(dst, data.residual.data()));
  bound.primitive = dnnl::matmul(description);
}

void bind_inner_product(Bound& bound, const BenchShape& shape, const BenchData& data, OneDnnOperation& operation) {
  const int64_t rows = shape.matmul.rows, k = shape.matmul.k, n = shape.matmul.n;
  const Memory::desc src = plain({rows, k}, Tag::ab);
  const Memory::desc weight = plain({n, k}, Tag::ba);
  const Memory::desc bias = plain({n}, Tag::a);
  const Memory::desc dst = plain({rows, n}, Tag::ab);
  const dnnl::inner_product_forward::primitive_desc description(
      dnnl::inner_product_forward::desc(dnnl::prop_kind::forward_inference, src, any({n, k}), bias, dst),
      attributes(shape, dst), bound.engine);
  bind_common(bound, description, data, operation, src, weight, bias, dst);
  if (shape.with_residual) bound.arguments.emplace(residual_argument(shape), bound.wrap(dst, data.residual.data()));
  bound.primitive = dnnl::inner_product_forward(description);
}

void bind_batch_matmul(Bound& bound, const BenchShape& shape, const BenchData& data, OneDnnOperation& operation) {
  const auto& [batch, m, k, n, transpose_b, scale] = shape.batch_matmul;
  const Memory::desc src = plain({batch, m, k}, Tag::abc);
  const Memory::desc weight = plain({batch, k, n}, transpose_b ? Tag::acb : Tag::abc);
  const Memory::desc dst = plain({batch, m, n}, Tag::abc);
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(src, weight, dst), bound.engine);
  bind_common(bound, description, data, operation, src, weight, dst, dst);
  bound.primitive = dnnl::matmul(description);
}

void bind_conv(Bound& bound, const BenchShape& shape, const BenchData& data, OneDnnOperation& operation) {
  const ConvParams& conv = shape.conv;
  const bool depthwise = shape.kind == BenchKind::kDepthwiseConv;
  const int64_t out_c = depthwise ? conv.in_c : conv.out_c;
  const Dims weight_dims = depthwise ? Dims{conv.in_c, 1, 1, conv.kernel_h, conv.kernel_w}
                                     : Dims{conv.out_c, conv.in_c, conv.kernel_h, conv.kernel_w};
  // It has no fast kernel from NCHW to NHWC: it gets NHWC, and the reorder is not timed.
  const Dims src_dims{1, conv.in_c, conv.in_h, conv.in_w};
  const Memory::desc src = plain(src_dims, Tag::nhwc);
  const Memory::desc weight = plain(weight_dims, depthwise ? Tag::goihw : Tag::oihw);
  const Memory::desc bias = plain({out_c}, Tag::a);
  const Memory::desc dst = plain({1, out_c, conv.out_h, conv.out_w}, Tag::nhwc);
  const Dims strides{conv.stride_h, conv.stride_w};
  const Dims before{conv.pad_top, conv.pad_left};
  const Dims after{(conv.out_h - 1) * conv.stride_h + conv.kernel_h - conv.in_h - conv.pad_top,
                   (conv.out_w - 1) * conv.stride_w + conv.kernel_w - conv.in_w - conv.pad_left};
  const dnnl::convolution_forward::primitive_desc description(
      dnnl::convolution_forward::desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto, src,
                                      any(weight_dims), bias, dst, strides, before, after),
      bound.engine);
  bind_common(bound, description, data, operation, src, weight, bias, dst);
  if (conv.src_nchw) {
    bound.arguments[DNNL_ARG_SRC] = bound.reordered(src, plain(src_dims, Tag::nchw), data.src.data());
  }
  bound.primitive = dnnl::convolution_forward(description);
}

void bind_deconv(Bound& bound, const BenchShape& shape, const BenchData& data, OneDnnOperation& operation) {
  const int64_t h = shape.deconv.h, w = shape.deconv.w, in_c = shape.deconv.in_c, out_c = shape.deconv.out_c;
  const Memory::desc src = plain({1, in_c, h, w}, Tag::nhwc);
  const Memory::desc weight = plain({out_c, in_c, 2, 2}, Tag::iohw);
  const Memory::desc bias = plain({out_c}, Tag::a);
  const Memory::desc dst = plain({1, out_c, 2 * h, 2 * w}, Tag::nhwc);
  const dnnl::deconvolution_forward::primitive_desc description(
      dnnl::deconvolution_forward::desc(dnnl::prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct, src,
                                        any({out_c, in_c, 2, 2}), bias, dst, {2, 2}, {0, 0}, {0, 0}),
      bound.engine);
  bind_common(bound, description, data, operation, src, weight, bias, dst);
  bound.primitive = dnnl::deconvolution_forward(description);
}

using Bind = void(Bound&, const BenchShape&, const BenchData&, OneDnnOperation&);

std::unique_ptr<OneDnnOperation> make(Bind* bind, const BenchShape& shape, const BenchData& data) {
  auto operation = std::make_unique<OneDnnOperation>();
  operation->dst.resize(static_cast<size_t>(shape.dst_count()));
  auto bound = std::make_shared<Bound>();
  bind(*bound, shape, data, *operation);
  operation->keep_alive = bound;
  operation->run = [bound = bound.get()] {
    bound->primitive.execute(bound->stream, bound->arguments);
    bound->stream.wait();
  };
  return operation;
}

}  // namespace

Status limit_onednn(const Isa& isa, int threads) {
  omp_set_num_threads(threads);
  const dnnl::cpu_isa limit = isa.features.has(CpuFeature::kAvx512) ? dnnl::cpu_isa::all
                              : isa.features.has(CpuFeature::kAvx2) ? dnnl::cpu_isa::avx2
                                                                    : dnnl::cpu_isa::sse41;
  if (dnnl::set_max_cpu_isa(limit) != dnnl::status::success) return unsupported("oneDNN refused the instruction set");
  return Status::ok();
}

Result<std::unique_ptr<OneDnnOperation>> make_onednn(const BenchShape& shape, const BenchData& data) {
  try {
    switch (shape.kind) {
      case BenchKind::kMatmul: {
        // Both do the same; which is faster depends on the shape. Ours is held against the better one.
        auto product = make(bind_matmul, shape, data);
        auto inner = make(bind_inner_product, shape, data);
        double best[2] = {1e9, 1e9};
        for (int round = 0; round < 6; ++round) {
          const double before = omp_get_wtime();
          product->run();
          const double between = omp_get_wtime();
          inner->run();
          best[0] = std::min(best[0], between - before);
          best[1] = std::min(best[1], omp_get_wtime() - between);
        }
        return best[0] <= best[1] ? std::move(product) : std::move(inner);
      }
      case BenchKind::kBatchMatmul:
        return make(bind_batch_matmul, shape, data);
      case BenchKind::kConv:
      case BenchKind::kDepthwiseConv:
        return make(bind_conv, shape, data);
      case BenchKind::kDeconv2x2:
        return make(bind_deconv, shape, data);
    }
  } catch (const dnnl::error& error) {
    return unsupported(fmt::format("oneDNN, {}: {}", shape.name, error.what()));
  }
  return unsupported("unknown kind");
}

}  // namespace samc
