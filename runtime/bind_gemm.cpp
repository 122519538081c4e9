// matmul, batch_matmul, deconv2x2: docs/plan_ops.md says what each operand and attribute is.

#include <array>

#include "kernels/batch_matmul.h"
#include "kernels/deconv2x2.h"
#include "kernels/matmul.h"
#include "kernels/pack.h"
#include "runtime/operation_binder.h"

namespace samc {
namespace {

enum GemmOperand : size_t { kSource, kWeight, kBias, kResidual };

BoundOperation bind_matmul(OperationBinder& in) {
  in.expect_values(2, 4);
  MatmulParams params;
  params.k = in.positive("k");
  params.n = in.positive("n");
  params.normalise = in.flag("norm");
  params.eps = in.number("eps", 0.0f);
  params.activation = in.activation();
  const int64_t source = in.count(in.operand(kSource));
  in.require(source >= 0 && source % params.k == 0, "the source's {} elements are no rows of {}", source, params.k);
  params.rows = source / params.k;
  in.expect_floats(kSource, source, "src");
  in.expect_weight(kWeight, WeightLayout::kPackedKByN, packed_floats(params.k, params.n), "the packed weight");
  in.expect_optional_floats(kBias, params.n, "bias");
  in.expect_optional_floats(kResidual, product({params.rows, params.n}), "residual");
  in.expect_result_floats(product({params.rows, params.n}));
  const int32_t src = in.operand(kSource), weight = in.operand(kWeight), bias = in.operand(kBias),
                residual = in.operand(kResidual), dst = in.result();
  return bound(2.0 * static_cast<double>(params.rows) * static_cast<double>(params.k) * static_cast<double>(params.n),
               [=](const ValueAddresses& at, KernelContext& context) {
                 matmul(params, at.read(src), at.read(weight), at.read(bias), at.read(residual), at.write(dst),
                        context);
               });
}

BoundOperation bind_batch_matmul(OperationBinder& in) {
  in.expect_values(2, 2);
  BatchMatmulParams params;
  params.batch = in.extent("batch");
  params.m = in.extent("m");
  params.k = in.positive("k");
  params.n = in.extent("n");
  params.transpose_b = in.flag("transpose_b");
  params.scale = in.number("scale", 1.0f);
  in.expect_floats(0, product({params.batch, params.m, params.k}), "a");
  in.expect_floats(1, product({params.batch, params.k, params.n}), "b");
  in.expect_result_floats(product({params.batch, params.m, params.n}));
  const int32_t a = in.operand(0), b = in.operand(1), dst = in.result();
  return bound(2.0 * static_cast<double>(params.batch) * static_cast<double>(params.m) * static_cast<double>(params.k) *
                   static_cast<double>(params.n),
               [=](const ValueAddresses& at, KernelContext& context) {
                 batch_matmul(params, at.read(a), at.read(b), at.write(dst), context);
               });
}

BoundOperation bind_deconv2x2(OperationBinder& in) {
  in.expect_values(2, 4);
  Deconv2x2Params params;
  params.h = in.positive("h");
  params.w = in.positive("w");
  params.in_c = in.positive("in_c");
  params.out_c = in.positive("out_c");
  params.activation = in.activation();
  const int64_t outputs = product({4, params.h, params.w, params.out_c});
  in.expect_floats(kSource, product({params.h, params.w, params.in_c}), "src");
  in.expect_weight(kWeight, WeightLayout::kPackedIByHwo, packed_floats(params.in_c, 4 * params.out_c),
                   "the packed weight");
  in.expect_optional_floats(kBias, params.out_c, "bias");
  in.expect_optional_floats(kResidual, outputs, "residual");
  in.expect_result_floats(outputs);
  const int32_t src = in.operand(kSource), weight = in.operand(kWeight), bias = in.operand(kBias),
                residual = in.operand(kResidual), dst = in.result();
  return bound(2.0 * static_cast<double>(outputs) * static_cast<double>(params.in_c), [=](const ValueAddresses& at,
                                                                                          KernelContext& context) {
    deconv2x2(params, at.read(src), at.read(weight), at.read(bias), at.read(residual), at.write(dst), context);
  });
}

constexpr std::array<KernelBinder, 3> kBinders = {
    {{"matmul", bind_matmul}, {"batch_matmul", bind_batch_matmul}, {"deconv2x2", bind_deconv2x2}}};

}  // namespace

std::span<const KernelBinder> gemm_binders() { return kBinders; }

}  // namespace samc
