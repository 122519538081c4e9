// conv, depthwise_conv, max_pool, upsample_nearest, interp_linear: package/ops.def says what each operand and
// attribute is.

#include "kernels/conv.h"
#include "kernels/depthwise_conv.h"
#include "kernels/resample.h"
#include "runtime/operation_binder.h"

namespace samc {
namespace {

// A window that slides over a padded picture of in_c channels.
template <class Params>
void read_window(OperationBinder& in, Params& params) {
  params.in_c = in.integer("in_c");
  params.in_h = in.integer("in_h");
  params.in_w = in.integer("in_w");
  params.out_h = in.integer("out_h");
  params.out_w = in.integer("out_w");
  params.kernel_h = in.integer("kernel_h");
  params.kernel_w = in.integer("kernel_w");
  params.stride_h = in.integer("stride_h");
  params.stride_w = in.integer("stride_w");
  params.pad_top = in.integer("pad_top");
  params.pad_left = in.integer("pad_left");
  in.require(params.pad_top < params.kernel_h && params.pad_left < params.kernel_w, "padding as wide as the kernel");
  // Scratch memory goes with what the windows cover.
  in.require((params.out_h - 1) * params.stride_h < params.in_h + params.pad_top &&
                 (params.out_w - 1) * params.stride_w < params.in_w + params.pad_left,
             "its last window lies beyond the image");
  in.require(params.kernel_h <= 2 * params.in_h + 64 && params.kernel_w <= 2 * params.in_w + 64,
             "its kernel is far larger than the image");
}

}  // namespace

BoundOperation bind_conv(OperationBinder& in) {
  ConvParams params;
  read_window(in, params);
  params.out_c = in.integer("out_c");
  params.src_nchw = in.flag("src_nchw");
  params.activation = in.activation();
  params.precision = in.precision();
  params.src_dtype = in.dtype(in.operand(0));
  params.dst_dtype = in.dtype(in.result());
  const int64_t k = product({params.kernel_h, params.kernel_w, params.in_c});
  in.require(k >= 1 && k <= kGreatestInner, "a patch of {} elements", k);
  const int64_t outputs = product({params.out_h, params.out_w, params.out_c});
  in.expect_count(0, product({params.in_h, params.in_w, params.in_c}));
  if (in.good())
    in.expect_panels(1, params.src_nchw ? WeightLayout::kPackedIhwByO : WeightLayout::kPackedHwiByO, k, params.out_c);
  in.expect_count(2, params.out_c);
  in.expect_count(3, outputs);
  in.expect_result_count(outputs);
  const int32_t src = in.operand(0), weight = in.operand(1), bias = in.operand(2), residual = in.operand(3),
                dst = in.result();
  return bound(2.0 * static_cast<double>(outputs) * static_cast<double>(k), [=](const ValueAddresses& at,
                                                                                KernelContext& context) {
    conv(params, at.bytes(src), at.bytes(weight), at.read(bias), at.read(residual), at.bytes(dst), context);
  });
}

BoundOperation bind_depthwise_conv(OperationBinder& in) {
  DepthwiseConvParams params;
  read_window(in, params);
  params.activation = in.activation();
  const int64_t taps = product({params.kernel_h, params.kernel_w});
  const int64_t outputs = product({params.out_h, params.out_w, params.in_c});
  in.expect_count(0, product({params.in_h, params.in_w, params.in_c}));
  in.expect_packed(1, WeightLayout::kHwc, product({taps, params.in_c}));
  in.expect_count(2, params.in_c);
  in.expect_result_count(outputs);
  const int32_t src = in.operand(0), weight = in.operand(1), bias = in.operand(2), dst = in.result();
  return bound(2.0 * static_cast<double>(outputs) * static_cast<double>(taps),
               [=](const ValueAddresses& at, KernelContext& context) {
                 depthwise_conv(params, at.read(src), at.read(weight), at.read(bias), at.write(dst), context);
               });
}

BoundOperation bind_max_pool(OperationBinder& in) {
  MaxPoolParams params;
  params.in_h = in.integer("in_h");
  params.in_w = in.integer("in_w");
  params.c = in.integer("c");
  params.offset = in.integer("offset");
  params.kernel_h = in.integer("kernel_h");
  params.kernel_w = in.integer("kernel_w");
  params.stride_h = in.integer("stride_h");
  params.stride_w = in.integer("stride_w");
  const Shape shape = in.shape(in.operand(0));
  params.pitch = shape.empty() ? 0 : shape.back();
  in.require(params.offset >= 0 && params.offset + params.c <= params.pitch, "its channels reach beyond a row");
  in.require(params.kernel_h <= params.in_h && params.kernel_w <= params.in_w, "the kernel is larger than the image");
  in.expect_count(0, product({params.in_h, params.in_w, params.pitch}));
  if (!in.good()) return {};
  const int64_t out_h = (params.in_h - params.kernel_h) / params.stride_h + 1;
  const int64_t out_w = (params.in_w - params.kernel_w) / params.stride_w + 1;
  in.expect_result_count(product({out_h, out_w, params.c}));
  const int32_t src = in.operand(0), dst = in.result();
  const double comparisons =
      static_cast<double>(in.count(dst)) * static_cast<double>(params.kernel_h * params.kernel_w);
  if (in.precision() == Precision::kBf16) {
    in.require(in.dtype(src) == DType::kBF16 && in.dtype(dst) == DType::kBF16, "in bf16 it is of {} and gives {}",
               dtype_name(in.dtype(src)), dtype_name(in.dtype(dst)));
    return bound(comparisons, [=](const ValueAddresses& at, KernelContext& context) {
      max_pool(params, at.read<uint16_t>(src), at.write<uint16_t>(dst), context);
    });
  }
  return bound(comparisons, [=](const ValueAddresses& at, KernelContext& context) {
    max_pool(params, at.read(src), at.write(dst), context);
  });
}

BoundOperation bind_upsample_nearest(OperationBinder& in) {
  UpsampleNearestParams params;
  params.h = in.integer("h");
  params.w = in.integer("w");
  params.c = in.integer("c");
  params.scale = in.integer("scale");
  const int64_t outputs = product({params.h, params.w, params.c, params.scale, params.scale});
  in.expect_count(0, product({params.h, params.w, params.c}));
  in.expect_count(1, outputs);
  in.expect_result_count(outputs);
  const int32_t src = in.operand(0), residual = in.operand(1), dst = in.result();
  return bound(static_cast<double>(outputs), [=](const ValueAddresses& at, KernelContext& context) {
    upsample_nearest(params, at.read(src), at.read(residual), at.write(dst), context);
  });
}

BoundOperation bind_interp_linear(OperationBinder& in) {
  InterpLinearParams params;
  params.planes = in.integer("planes");
  params.in_h = in.integer("in_h");
  params.in_w = in.integer("in_w");
  params.out_h = in.integer("out_h");
  params.out_w = in.integer("out_w");
  params.c = in.integer("c");
  in.require(params.c >= 1 && params.c <= kGreatestInner / params.in_w, "rows of {} x {} elements", params.in_w,
             params.c);
  const int64_t outputs = product({params.planes, params.out_h, params.out_w, params.c});
  in.expect_count(0, product({params.planes, params.in_h, params.in_w, params.c}));
  in.expect_result_count(outputs);
  const int32_t src = in.operand(0), dst = in.result();
  return bound(6.0 * static_cast<double>(outputs), [=](const ValueAddresses& at, KernelContext& context) {
    interp_linear(params, at.read(src), at.write(dst), context);
  });
}

}  // namespace samc
