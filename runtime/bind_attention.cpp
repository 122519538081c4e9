// attention, token_attention: package/ops.def says what each operand and attribute is.

#include "base/rounding.h"
#include "kernels/attention.h"
#include "kernels/token_attention.h"
#include "runtime/operation_binder.h"

namespace samc {

BoundOperation bind_attention(OperationBinder& in) {
  AttentionParams params;
  params.batch = in.integer("batch");
  params.heads = in.integer("heads");
  params.dim = in.integer("dim");
  params.value_dim = in.integer("value_dim");
  params.q_offset = in.integer("q_offset");
  params.k_offset = in.integer("k_offset");
  params.v_offset = in.integer("v_offset");
  params.grid_q_h = in.integer("grid_q_h");
  params.grid_q_w = in.integer("grid_q_w");
  params.window_q_h = in.integer("window_q_h");
  params.window_q_w = in.integer("window_q_w");
  params.grid_k_h = in.integer("grid_k_h");
  params.grid_k_w = in.integer("grid_k_w");
  params.window_k_h = in.integer("window_k_h");
  params.window_k_w = in.integer("window_k_w");
  params.scale = in.number("scale");
  params.precision = in.precision();
  params.q_dtype = in.dtype(in.operand(0));
  params.k_dtype = in.dtype(in.operand(1));
  params.v_dtype = in.dtype(in.operand(2));
  params.dst_dtype = in.dtype(in.result());
  const auto pitch = [&](size_t position) {
    const Shape shape = in.shape(in.operand(position));
    return shape.empty() ? 0 : shape.back();
  };
  params.q_pitch = pitch(0);
  params.k_pitch = pitch(1);
  params.v_pitch = pitch(2);
  const int64_t queries = product({params.batch, params.grid_q_h, params.grid_q_w});
  const int64_t keys = product({params.batch, params.grid_k_h, params.grid_k_w});
  in.expect_count(0, product({queries, params.q_pitch}));
  in.expect_count(1, product({keys, params.k_pitch}));
  in.expect_count(2, product({keys, params.v_pitch}));
  in.expect_count(3, product({params.heads, params.dim}));
  in.expect_count(4, product({params.heads, params.value_dim}));
  in.expect_count(5, product({keys, params.k_pitch}));
  in.expect_result_count(product({queries, params.heads, params.value_dim}));
  in.require(params.q_offset + params.heads * params.dim <= params.q_pitch &&
                 params.k_offset + params.heads * params.dim <= params.k_pitch &&
                 params.v_offset + params.heads * params.value_dim <= params.v_pitch,
             "its heads reach beyond a row");
  in.require(divide_up(params.grid_q_h, params.window_q_h) == divide_up(params.grid_k_h, params.window_k_h) &&
                 divide_up(params.grid_q_w, params.window_q_w) == divide_up(params.grid_k_w, params.window_k_w),
             "q and k have different numbers of windows");
  // Scratch memory and running time go with the windows, so these must not be much larger than the grids.
  in.require(params.window_q_h <= 2 * params.grid_q_h + 64 && params.window_q_w <= 2 * params.grid_q_w + 64 &&
                 params.window_k_h <= 2 * params.grid_k_h + 64 && params.window_k_w <= 2 * params.grid_k_w + 64,
             "its windows are far larger than its grids");
  in.require(in.has(3) == in.has(4), "pad_k and pad_v go together");
  in.require(in.has(3) || (params.grid_k_h % params.window_k_h == 0 && params.grid_k_w % params.window_k_w == 0),
             "its windows reach over the grid and there is no pad_k");
  in.require(!in.has(5) || (!in.has(3) && params.k_dtype == DType::kF32), "it has positions beside pads or k of {}",
             dtype_name(params.k_dtype));
  const int32_t q = in.operand(0), k = in.operand(1), v = in.operand(2), pad_k = in.operand(3), pad_v = in.operand(4),
                position = in.operand(5), dst = in.result();
  return bound(2.0 * static_cast<double>(queries) * static_cast<double>(params.window_k_h) *
                   static_cast<double>(params.window_k_w) * static_cast<double>(params.heads) *
                   static_cast<double>(params.dim + params.value_dim),
               [=](const ValueAddresses& at, KernelContext& context) {
                 attention(params, at.bytes(q), at.bytes(k), at.bytes(v), at.read(pad_k), at.read(pad_v), at.bytes(dst),
                           context, at.read(position));
               });
}

BoundOperation bind_token_attention(OperationBinder& in) {
  enum Operand : size_t {
    kSource,
    kKeys,
    kValues,
    kKeyBias,
    kBias,
    kResidual,
    kPosition,
    kNormWeight,
    kNormBias,
  };
  TokenAttentionParams params;
  params.k = in.integer("k");
  params.n = in.integer("n");
  params.heads = in.integer("heads");
  params.scale = in.number("scale");
  params.norm = in.flag("norm");
  params.eps = in.number("eps");
  in.require(params.norm || (!in.has(kNormWeight) && !in.has(kNormBias)), "it has the norm's operands and no norm");
  in.require(params.scale > 0, "its scale is {}", params.scale);
  if (!in.good()) return {};
  in.require(16 % params.heads == 0, "{} heads, a divisor of 16 expected", params.heads);
  const int64_t source = in.count(in.operand(kSource)), keys = in.count(in.operand(kKeys));
  const int64_t key_row = product({params.heads, params.k});
  in.require(source >= 0 && source % params.k == 0, "the source's {} elements are no rows of {}", source, params.k);
  in.require(keys > 0 && keys % key_row == 0, "the keys' {} elements are no rows of {}", keys, key_row);
  params.rows = source / params.k;
  params.tokens = keys / key_row;
  in.expect_count(kSource, source);
  in.expect_count(kKeys, keys);
  in.expect_count(kValues, product({params.heads, params.tokens, params.n}));
  in.expect_count(kKeyBias, product({params.heads, params.tokens}));
  in.expect_count(kBias, params.n);
  in.expect_count(kResidual, product({params.rows, params.n}));
  in.expect_count(kPosition, source);
  in.expect_count(kNormWeight, params.n);
  in.expect_count(kNormBias, params.n);
  in.expect_result_count(product({params.rows, params.n}));
  const int32_t src = in.operand(kSource), k = in.operand(kKeys), v = in.operand(kValues),
                key_bias = in.operand(kKeyBias), bias = in.operand(kBias), residual = in.operand(kResidual),
                position = in.operand(kPosition), norm_weight = in.operand(kNormWeight),
                norm_bias = in.operand(kNormBias), dst = in.result();
  return bound(2.0 * static_cast<double>(params.rows) * static_cast<double>(params.heads) *
                   static_cast<double>(params.tokens) * static_cast<double>(params.k + params.n),
               [=](const ValueAddresses& at, KernelContext& context) {
                 token_attention(params,
                                 {at.read(src), at.read(k), at.read(v), at.write(dst), at.read(key_bias), at.read(bias),
                                  at.read(residual), at.read(position), at.read(norm_weight), at.read(norm_bias)},
                                 context);
               });
}

}  // namespace samc
