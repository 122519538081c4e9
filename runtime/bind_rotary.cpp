// rotary, axial_attention: package/ops.def says what each operand and attribute is.

#include "kernels/axial_attention.h"
#include "kernels/rotary.h"
#include "runtime/operation_binder.h"

namespace samc {
namespace {

// Working memory of a kernel goes with these, which must not be much larger than what a model has.
constexpr int64_t kGreatestGrid = 1 << 12;  // positions along one side
constexpr int64_t kGreatestChannels = 1 << 12;

}  // namespace

BoundOperation bind_rotary(OperationBinder& in) {
  RotaryParams params;
  params.positions = in.integer("positions");
  params.heads = in.integer("heads");
  params.dim = in.integer("dim");
  const int64_t row = product({params.heads, params.dim}), count = in.count(in.operand(0));
  in.require(params.dim % 2 == 0, "a head of {} channels has no halves", params.dim);
  in.require(row > 0 && count >= 0 && count % product({row, params.positions}) == 0,
             "{} elements are no rows of {} positions", count, params.positions);
  if (!in.good()) return {};
  params.rows = count / row;
  in.expect_count(1, product({params.positions, params.dim / 2}));
  in.expect_count(2, product({params.positions, params.dim / 2}));
  in.expect_result_count(count);
  const int32_t src = in.operand(0), cosines = in.operand(1), sines = in.operand(2), dst = in.result();
  return bound(3.0 * static_cast<double>(count), [=](const ValueAddresses& at, KernelContext& context) {
    rotary(params, at.read(src), at.read(cosines), at.read(sines), at.write(dst), context);
  });
}

BoundOperation bind_axial_attention(OperationBinder& in) {
  enum Operand : size_t { kQ, kKeyWeight, kCosines, kSines, kKeys, kValues, kTokenKeys, kTokenValues };
  AxialAttentionParams params;
  params.grid_h = in.integer("grid_h");
  params.grid_w = in.integer("grid_w");
  params.dim = in.integer("dim");
  params.key_channels = in.integer("key_channels");
  params.value_channels = in.integer("value_channels");
  params.memories = in.integer("memories");
  params.tokens = in.integer("tokens");
  params.scale = in.number("scale");
  params.precision = in.precision();
  in.require(params.dim % 4 == 0, "{} channels of a query are no multiple of 4", params.dim);
  in.require(params.grid_h <= kGreatestGrid && params.grid_w <= kGreatestGrid && params.dim <= kGreatestChannels &&
                 params.key_channels <= kGreatestChannels && params.value_channels <= kGreatestChannels,
             "its grid or its channels are not sensible");
  const int64_t grid = product({params.grid_h, params.grid_w}),
                table = product({params.key_channels + 1, params.dim / 2});
  in.expect_count(kQ, product({grid, params.dim}));
  in.expect_count(kKeyWeight, product({2, table}));
  in.expect_count(kCosines, product({grid, params.dim / 2}));
  in.expect_count(kSines, product({grid, params.dim / 2}));
  in.expect_count(kKeys, product({grid, params.memories, params.key_channels}));
  in.expect_count(kValues, product({grid, params.memories, params.value_channels}));
  in.expect_count(kTokenKeys, product({params.tokens, params.dim}));
  in.expect_count(kTokenValues, product({params.tokens, params.value_channels}));
  in.expect_result_count(product({grid, params.value_channels}));
  const int32_t q = in.operand(kQ), key_weight = in.operand(kKeyWeight), cosines = in.operand(kCosines),
                sines = in.operand(kSines), keys = in.operand(kKeys), values = in.operand(kValues),
                token_keys = in.operand(kTokenKeys), token_values = in.operand(kTokenValues), dst = in.result();
  const auto number = [](int64_t value) { return static_cast<double>(value); };
  const double queries = number(grid), all_keys = number(grid) * number(params.memories);
  // Products with each channel's key, then with the angles of each distance from the middle.
  const int64_t distances = params.grid_h / 2 + params.grid_w / 2 + 6;
  const double multiplications = all_keys * number(params.key_channels + params.value_channels) +
                                 number(params.tokens) * number(params.dim + params.value_channels) +
                                 number(distances) * number(table) + 0.5 * number(grid) * number(params.key_channels);
  return bound(2.0 * queries * multiplications, [=](const ValueAddresses& at, KernelContext& context) {
    axial_attention(params,
                    {at.read(q), at.read(key_weight), at.read(cosines), at.read(sines), at.read(keys), at.read(values),
                     at.read(token_keys), at.read(token_values)},
                    at.write(dst), context);
  });
}

}  // namespace samc
