// conv, depthwise_conv, max_pool, upsample_nearest, interp_linear: docs/plan_ops.md says what each operand and
// attribute is.

#include <array>

#include "kernels/conv.h"
#include "kernels/depthwise_conv.h"
#include "kernels/pack.h"
#include "kernels/resample.h"
#include "runtime/operation_binder.h"

namespace samc {
namespace {

// A window that slides over a padded picture of in_c channels.
template <class Params>
void read_window(OperationBinder& in, Params& params) {
  params.in_c = in.positive("in_c");
  params.in_h = in.positive("in_h");
  params.in_w = in.positive("in_w");
  params.out_h = in.positive("out_h");
  params.out_w = in.positive("out_w");
  params.kernel_h = in.positive("kernel_h");
  params.kernel_w = in.positive("kernel_w");
  params.stride_h = in.positive("stride_h");
  params.stride_w = in.positive("stride_w");
  params.pad_top = in.extent("pad_top");
  params.pad_left = in.extent("pad_left");
  in.require(params.pad_top < params.kernel_h && params.pad_left < params.kernel_w, "padding as wide as the kernel");
  // Scratch memory goes with what the windows cover.
  in.require((params.out_h - 1) * params.stride_h < params.in_h + params.pad_top &&
                 (params.out_w - 1) * params.stride_w < params.in_w + params.pad_left,
             "its last window lies beyond the picture");
  in.require(params.kernel_h <= 2 * params.in_h + 64 && params.kernel_w <= 2 * params.in_w + 64,
             "its kernel is far larger than the picture");
}

BoundOperation bind_conv(OperationBinder& in) {
  in.expect_values(2, 4);
  ConvParams params;
  read_window(in, params);
  params.out_c = in.positive("out_c");
  params.src_nchw = in.flag("src_nchw");
  params.activation = in.activation();
  const int64_t k = product({params.kernel_h, params.kernel_w, params.in_c});
  in.require(k >= 1 && k <= OperationBinder::kGreatestInner, "a patch of {} elements", k);
  const int64_t outputs = product({params.out_h, params.out_w, params.out_c});
  in.expect_floats(0, product({params.in_h, params.in_w, params.in_c}), "src");
  if (in.good())
    in.expect_weight(1, params.src_nchw ? WeightLayout::kPackedIhwByO : WeightLayout::kPackedHwiByO,
                     packed_floats(k, params.out_c), "the packed weight");
  in.expect_optional_floats(2, params.out_c, "bias");
  in.expect_optional_floats(3, outputs, "residual");
  in.expect_result_floats(outputs);
  const int32_t src = in.operand(0), weight = in.operand(1), bias = in.operand(2), residual = in.operand(3),
                dst = in.result();
  return bound(2.0 * static_cast<double>(outputs) * static_cast<double>(k),
               [=](const ValueAddresses& at, KernelContext& context) {
                 conv(params, at.read(src), at.read(weight), at.read(bias), at.read(residual), at.write(dst), context);
               });
}

BoundOperation bind_depthwise_conv(OperationBinder& in) {
  in.expect_values(2, 3);
  DepthwiseConvParams params;
  read_window(in, params);
  params.activation = in.activation();
  const int64_t taps = product({params.kernel_h, params.kernel_w});
  const int64_t outputs = product({params.out_h, params.out_w, params.in_c});
  in.expect_floats(0, product({params.in_h, params.in_w, params.in_c}), "src");
  in.expect_weight(1, WeightLayout::kHwc, product({taps, params.in_c}), "weight");
  in.expect_optional_floats(2, params.in_c, "bias");
  in.expect_result_floats(outputs);
  const int32_t src = in.operand(0), weight = in.operand(1), bias = in.operand(2), dst = in.result();
  return bound(2.0 * static_cast<double>(outputs) * static_cast<double>(taps),
               [=](const ValueAddresses& at, KernelContext& context) {
                 depthwise_conv(params, at.read(src), at.read(weight), at.read(bias), at.write(dst), context);
               });
}

BoundOperation bind_max_pool(OperationBinder& in) {
  in.expect_values(1, 1);
  MaxPoolParams params;
  params.in_h = in.positive("in_h");
  params.in_w = in.positive("in_w");
  params.c = in.positive("c");
  params.offset = in.integer("offset", 0);
  params.kernel_h = in.positive("kernel_h");
  params.kernel_w = in.positive("kernel_w");
  params.stride_h = in.positive("stride_h");
  params.stride_w = in.positive("stride_w");
  const Shape shape = in.shape(in.operand(0));
  params.pitch = shape.empty() ? 0 : shape.back();
  in.require(params.offset >= 0 && params.offset + params.c <= params.pitch, "its channels reach beyond a row");
  in.require(params.kernel_h <= params.in_h && params.kernel_w <= params.in_w, "the kernel is larger than the picture");
  in.expect_floats(0, product({params.in_h, params.in_w, params.pitch}), "src");
  if (!in.good()) return {};
  const int64_t out_h = (params.in_h - params.kernel_h) / params.stride_h + 1;
  const int64_t out_w = (params.in_w - params.kernel_w) / params.stride_w + 1;
  in.expect_result_floats(product({out_h, out_w, params.c}));
  const int32_t src = in.operand(0), dst = in.result();
  return bound(static_cast<double>(in.count(dst)) * static_cast<double>(params.kernel_h * params.kernel_w),
               [=](const ValueAddresses& at, KernelContext& context) {
                 max_pool(params, at.read(src), at.write(dst), context);
               });
}

BoundOperation bind_upsample_nearest(OperationBinder& in) {
  in.expect_values(1, 2);
  UpsampleNearestParams params;
  params.h = in.positive("h");
  params.w = in.positive("w");
  params.c = in.positive("c");
  params.scale = in.positive("scale");
  const int64_t outputs = product({params.h, params.w, params.c, params.scale, params.scale});
  in.expect_floats(0, product({params.h, params.w, params.c}), "src");
  in.expect_optional_floats(1, outputs, "residual");
  in.expect_result_floats(outputs);
  const int32_t src = in.operand(0), residual = in.operand(1), dst = in.result();
  return bound(static_cast<double>(outputs), [=](const ValueAddresses& at, KernelContext& context) {
    upsample_nearest(params, at.read(src), at.read(residual), at.write(dst), context);
  });
}

BoundOperation bind_interp_linear(OperationBinder& in) {
  in.expect_values(1, 1);
  InterpLinearParams params;
  params.planes = in.positive("planes");
  params.in_h = in.positive("in_h");
  params.in_w = in.positive("in_w");
  params.out_h = in.positive("out_h");
  params.out_w = in.positive("out_w");
  params.c = in.integer("c", 1);
  in.require(params.c >= 1 && params.c <= OperationBinder::kGreatestInner / params.in_w, "rows of {} x {} elements",
             params.in_w, params.c);
  const int64_t outputs = product({params.planes, params.out_h, params.out_w, params.c});
  in.expect_floats(0, product({params.planes, params.in_h, params.in_w, params.c}), "src");
  in.expect_result_floats(outputs);
  const int32_t src = in.operand(0), dst = in.result();
  return bound(6.0 * static_cast<double>(outputs), [=](const ValueAddresses& at, KernelContext& context) {
    interp_linear(params, at.read(src), at.write(dst), context);
  });
}

constexpr std::array<KernelBinder, 5> kBinders = {{{"conv", bind_conv},
                                                   {"depthwise_conv", bind_depthwise_conv},
                                                   {"max_pool", bind_max_pool},
                                                   {"upsample_nearest", bind_upsample_nearest},
                                                   {"interp_linear", bind_interp_linear}}};

}  // namespace

std::span<const KernelBinder> spatial_binders() { return kBinders; }

}  // namespace samc
