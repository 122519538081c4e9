// matmul, batch_matmul, deconv2x2: package/ops.def says what each operand and attribute is.

#include <cstring>

#include "base/rounding.h"
#include "kernels/batch_matmul.h"
#include "kernels/deconv2x2.h"
#include "kernels/matmul.h"
#include "runtime/operation_binder.h"

namespace samc {
namespace {

enum GemmOperand : size_t { kSource, kWeight, kBias, kResidual };

// What a product computes in, and how its rows and its result are stored.
template <class Params>
void read_types(const OperationBinder& in, Params& params) {
  params.precision = in.precision();
  params.src_dtype = in.dtype(in.operand(kSource));
  params.dst_dtype = in.dtype(in.result());
}

// Of more rows a product reads its weights often enough to have them in the cache.
constexpr int64_t kFewRows = 32;

struct Matmul {
  int32_t src, weight, bias, residual, dst;
};

// The rows of several runs of a product, one below the other. What a row gives does not depend on the others.
class RowsTogether {
 public:
  RowsTogether(const MatmulParams& params, bool has_residual)
      : params_(params),
        src_(params.rows * params.k * dtype_size(params.src_dtype)),
        dst_(params.rows * params.n * dtype_size(params.dst_dtype)),
        residual_(has_residual ? params.rows * params.n * dtype_size(DType::kF32) : 0) {}

  // Of one run; in places that suit any kernel.
  int64_t bytes() const { return padded(src_) + padded(dst_) + padded(residual_); }

  void multiply(std::span<const ValueAddresses* const> runs, std::byte* memory, const Matmul& operation,
                KernelContext& context) const {
    const auto count = static_cast<int64_t>(runs.size());
    std::byte* const src = memory;
    std::byte* const dst = src + count * padded(src_);
    std::byte* const residual = dst + count * padded(dst_);
    for (int64_t run = 0; run < count; ++run) {
      const ValueAddresses& at = *runs[static_cast<size_t>(run)];
      std::memcpy(src + run * src_, at.bytes(operation.src), static_cast<size_t>(src_));
      if (residual_ > 0)
        std::memcpy(residual + run * residual_, at.bytes(operation.residual), static_cast<size_t>(residual_));
    }
    MatmulParams all = params_;
    all.rows *= count;
    matmul(all, src, runs[0]->bytes(operation.weight), runs[0]->read(operation.bias),
           residual_ > 0 ? reinterpret_cast<const float*>(residual) : nullptr, dst, context);
    for (int64_t run = 0; run < count; ++run)
      std::memcpy(runs[static_cast<size_t>(run)]->bytes(operation.dst), dst + run * dst_, static_cast<size_t>(dst_));
  }

 private:
  static int64_t padded(int64_t bytes) { return round_up(bytes, int64_t{64}); }
  MatmulParams params_;
  int64_t src_, dst_, residual_;  // bytes of one run
};

}  // namespace

BoundOperation bind_matmul(OperationBinder& in) {
  MatmulParams params;
  params.k = in.integer("k");
  params.n = in.integer("n");
  params.normalise = in.flag("norm");
  params.eps = in.number("eps");
  params.activation = in.activation();
  read_types(in, params);
  in.require(!params.normalise || params.src_dtype == DType::kF32, "it normalises rows of {}",
             dtype_name(params.src_dtype));
  const int64_t source = in.count(in.operand(kSource));
  in.require(source >= 0 && source % params.k == 0, "the source's {} elements are no rows of {}", source, params.k);
  params.rows = source / params.k;
  in.expect_count(kSource, source);
  in.expect_panels(kWeight, WeightLayout::kPackedKByN, params.k, params.n);
  in.expect_count(kBias, params.n);
  in.expect_count(kResidual, product({params.rows, params.n}));
  in.expect_result_count(product({params.rows, params.n}));
  const int32_t src = in.operand(kSource), weight = in.operand(kWeight), bias = in.operand(kBias),
                residual = in.operand(kResidual), dst = in.result();
  BoundOperation product =
      bound(2.0 * static_cast<double>(params.rows) * static_cast<double>(params.k) * static_cast<double>(params.n),
            [=](const ValueAddresses& at, KernelContext& context) {
              matmul(params, at.bytes(src), at.bytes(weight), at.read(bias), at.read(residual), at.bytes(dst), context);
            });
  // Every run has the same weight, and the same bias where that is one.
  const bool is_shared = in.is_weight(kWeight) && (!in.has(kBias) || in.is_weight(kBias));
  if (in.good() && params.rows <= kFewRows && is_shared) {
    const RowsTogether rows(params, in.has(kResidual));
    const Matmul operation{src, weight, bias, residual, dst};
    product.together = {rows.bytes(), [=](std::span<const ValueAddresses* const> runs, std::byte* memory,
                                          KernelContext& context) { rows.multiply(runs, memory, operation, context); }};
  }
  return product;
}

BoundOperation bind_batch_matmul(OperationBinder& in) {
  BatchMatmulParams params;
  params.batch = in.integer("batch");
  params.m = in.integer("m");
  params.k = in.integer("k");
  params.n = in.integer("n");
  params.transpose_b = in.flag("transpose_b");
  params.scale = in.number("scale");
  in.expect_count(0, product({params.batch, params.m, params.k}));
  in.expect_count(1, product({params.batch, params.k, params.n}));
  in.expect_result_count(product({params.batch, params.m, params.n}));
  const int32_t a = in.operand(0), b = in.operand(1), dst = in.result();
  return bound(2.0 * static_cast<double>(params.batch) * static_cast<double>(params.m) * static_cast<double>(params.k) *
                   static_cast<double>(params.n),
               [=](const ValueAddresses& at, KernelContext& context) {
                 batch_matmul(params, at.read(a), at.read(b), at.write(dst), context);
               });
}

BoundOperation bind_deconv2x2(OperationBinder& in) {
  enum FinishOperand : size_t { kNormWeight = kResidual + 1, kNormBias, kMix };
  Deconv2x2Params params;
  params.h = in.integer("h");
  params.w = in.integer("w");
  params.in_c = in.integer("in_c");
  params.out_c = in.integer("out_c");
  params.activation = in.activation();
  read_types(in, params);
  Deconv2x2Finish finish;
  finish.norm = in.flag("norm");
  finish.eps = in.number("eps");
  in.require(finish.norm || (!in.has(kNormWeight) && !in.has(kNormBias)), "it has the norm's operands and no norm");
  if (!in.good()) return {};
  const int64_t mix_count = in.has(kMix) ? in.count(in.operand(kMix)) : 0;
  in.require(mix_count % params.out_c == 0 && (mix_count > 0 || !in.has(kMix)), "mix's {} elements are no rows of {}",
             mix_count, params.out_c);
  finish.mixes = mix_count / params.out_c;
  in.require(!finish.is_there() || params.out_c % kDeconv2x2FinishChannels == 0, "{} channels are no multiple of {}",
             params.out_c, kDeconv2x2FinishChannels);
  in.require(!finish.is_there() || params.dst_dtype == DType::kF32, "with norm or mix it gives {}",
             dtype_name(params.dst_dtype));
  const int64_t pixels = product({4, params.h, params.w});
  const int64_t outputs = product({pixels, params.out_c});
  in.expect_count(kSource, product({params.h, params.w, params.in_c}));
  in.expect_panels(kWeight, WeightLayout::kPackedIByHwo, params.in_c, 4 * params.out_c);
  in.expect_count(kBias, params.out_c);
  in.expect_count(kResidual, outputs);
  in.expect_count(kNormWeight, params.out_c);
  in.expect_count(kNormBias, params.out_c);
  in.expect_count(kMix, product({finish.mixes, params.out_c}));
  in.expect_result_count(finish.mixes > 0 ? product({finish.mixes, pixels}) : outputs);
  const int32_t src = in.operand(kSource), weight = in.operand(kWeight), bias = in.operand(kBias),
                residual = in.operand(kResidual), norm_weight = in.operand(kNormWeight),
                norm_bias = in.operand(kNormBias), mix = in.operand(kMix), dst = in.result();
  return bound(2.0 * static_cast<double>(outputs) * static_cast<double>(params.in_c + finish.mixes),
               [=](const ValueAddresses& at, KernelContext& context) {
                 Deconv2x2Finish now = finish;
                 now.norm_weight = at.read(norm_weight);
                 now.norm_bias = at.read(norm_bias);
                 now.mix = at.read(mix);
                 deconv2x2(params, at.bytes(src), at.bytes(weight), at.read(bias), at.read(residual), at.bytes(dst),
                           context, now);
               });
}

}  // namespace samc
