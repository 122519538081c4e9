#pragma once
// For the runtime's tests and fuzz target: modules written by hand.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "runtime/bound_function.h"
#include "runtime/executor.h"
#include "runtime/testing.h"

namespace samc {

constexpr int64_t kTinyModelSize = 16;
constexpr int64_t kTinyModelLow = 4;

// A model of the shape that predictors want, in which all can be followed.
//   image_encoder  image_embed: the upper left 4 x 4 corners of red, red, green, blue; feats_1: four pixels of red
//   mask_encoder   dense_embed: 2 mask
//   no_mask        dense_embed: 0.25
//   mask_decoder   low_res_logits: image_embed + dense_embed + sum over points of label (x + y); IoU: feats_1
inline PlanModule tiny_model() {
  PlanBuilder plan;
  plan.module.info.image_size = kTinyModelSize;
  plan.module.info.pixel_mean = {0, 0, 0};
  plan.module.info.pixel_std = {1.0f / 255.0f, 1.0f / 255.0f, 1.0f / 255.0f};  // pixels stay 0..255

  plan.function("image_encoder");
  const int32_t image = plan.input("image", {1, 3, kTinyModelSize, kTinyModelSize});
  const int32_t red = plan.arena({1, 1, kTinyModelLow, kTinyModelLow}),
                all = plan.arena({1, 3, kTinyModelLow, kTinyModelLow});
  plan.operation("slice", {image}, red).set("starts", Extents{0, 0, 0, 0}).set("steps", Extents{1, 1, 1, 1});
  plan.operation("slice", {image}, all).set("starts", Extents{0, 0, 0, 0}).set("steps", Extents{1, 1, 1, 1});
  plan.operation("concat", {red, all}, plan.output("image_embed", {1, 4, kTinyModelLow, kTinyModelLow})).set("axis", 1);
  plan.operation("slice", {image}, plan.output("high_res_feats_1", {1, 1, 1, 4}))
      .set("starts", Extents{0, 0, 0, 0})
      .set("steps", Extents{1, 1, 1, 1});
  plan.operation("slice", {image}, plan.output("high_res_feats_0", {1, 1, 1, 1}))
      .set("starts", Extents{0, 0, 0, 0})
      .set("steps", Extents{1, 1, 1, 1});

  plan.function("mask_encoder");
  const int32_t mask = plan.input("mask_input", {1, 1, kTinyModelLow, kTinyModelLow});
  plan.operation("unary", {mask}, plan.output("dense_embed", {1, 1, kTinyModelLow, kTinyModelLow}))
      .set_string("op", "affine")
      .set_float("alpha", 2)
      .set_float("beta", 0);

  plan.function("no_mask");
  const int32_t quarter =
      plan.weight(std::vector<float>(kTinyModelLow * kTinyModelLow, 0.25f), {1, 1, kTinyModelLow, kTinyModelLow});
  plan.operation("concat", {quarter}, plan.output("dense_embed", {1, 1, kTinyModelLow, kTinyModelLow})).set("axis", 1);

  plan.function("mask_decoder", 0, 100);
  const Extent points(0, 1);
  const int32_t embed = plan.input("image_embed", {1, 4, kTinyModelLow, kTinyModelLow});
  plan.input("high_res_feats_0", {1, 1, 1, 1});
  const int32_t feats_1 = plan.input("high_res_feats_1", {1, 1, 1, 4});
  const int32_t dense = plan.input("dense_embed", {1, 1, kTinyModelLow, kTinyModelLow});
  const int32_t coords = plan.input("point_coords", {1, points, 2});
  const int32_t labels = plan.input("point_labels", {1, points});
  const int32_t labels_column = plan.alias(labels, {1, points, 1});
  const int32_t products = plan.arena({1, points, 2}), sum = plan.arena({1}),
                with_dense = plan.arena({1, 4, kTinyModelLow, kTinyModelLow});
  plan.operation("binary", {coords, labels_column}, products).set_string("op", "mul");
  plan.operation("reduce", {products}, sum).set("axes", Extents{0, 1, 2}).set_string("op", "sum");
  plan.operation("binary", {embed, dense}, with_dense).set_string("op", "add");
  plan.operation("binary", {with_dense, sum}, plan.output("low_res_logits", {1, 4, kTinyModelLow, kTinyModelLow}))
      .set_string("op", "add");
  plan.operation("concat", {feats_1}, plan.output("iou_predictions", {1, 4})).set("axis", 3);
  return plan.module;
}

// The same with its decoder also in parts, cut where the picture and the dense embedding are known.
inline PlanModule tiny_model_in_parts() {
  PlanBuilder plan;
  plan.module = tiny_model();
  const Extents maps = {1, 4, kTinyModelLow, kTinyModelLow};
  plan.function("mask_decoder_picture");
  plan.operation("concat", {plan.input("image_embed", maps)}, plan.output("picture", maps)).set("axis", 0);
  plan.operation("concat", {plan.input("high_res_feats_1", {1, 1, 1, 4})}, plan.output("scores", {1, 1, 1, 4}))
      .set("axis", 3);

  plan.function("mask_decoder_dense");
  const int32_t picture = plan.input("picture", maps),
                dense = plan.input("dense_embed", {1, 1, kTinyModelLow, kTinyModelLow});
  plan.operation("binary", {picture, dense}, plan.output("with_dense", maps)).set_string("op", "add");

  plan.function("mask_decoder_prompt", 0, 100);
  const Extent points(0, 1);
  const int32_t with_dense = plan.input("with_dense", maps), scores = plan.input("scores", {1, 1, 1, 4}),
                coords = plan.input("point_coords", {1, points, 2}), labels = plan.input("point_labels", {1, points}),
                labels_column = plan.alias(labels, {1, points, 1}), products = plan.arena({1, points, 2}),
                sum = plan.arena({1});
  plan.operation("binary", {coords, labels_column}, products).set_string("op", "mul");
  plan.operation("reduce", {products}, sum).set("axes", Extents{0, 1, 2}).set_string("op", "sum");
  plan.operation("binary", {with_dense, sum}, plan.output("low_res_logits", maps)).set_string("op", "add");
  plan.operation("concat", {scores}, plan.output("iou_predictions", {1, 4})).set("axis", 3);
  return plan.module;
}

// One function for each kernel of docs/plan_ops.md, f0, f1, ...; the first takes points.
inline PlanModule every_kernel() {
  PlanBuilder plan;
  const auto numbers = [](int64_t count) { return std::vector<float>(static_cast<size_t>(count), 0.5f); };
  auto function = [&, index = 0](int64_t greatest_points = 0) mutable {
    plan.function(fmt::format("f{}", index++), 0, greatest_points);
  };
  const auto in = [&](Extents shape) {
    return plan.input(fmt::format("in{}", plan.current().inputs.size()), std::move(shape));
  };
  const auto out = [&](Extents shape) { return plan.output("out", std::move(shape)); };

  function(20);
  const Extent tokens(2, 1);
  plan.operation("attention", {in({tokens, 4}), in({5, 8}), in({5, 8}), kAbsent, kAbsent, in({5, 8})}, out({tokens, 4}))
      .set("batch", 1)
      .set("heads", 2)
      .set("dim", 2)
      .set("value_dim", 2)
      .set("q_offset", 0)
      .set("k_offset", 0)
      .set("v_offset", 4)
      .set("grid_q_h", 1)
      .set("grid_q_w", tokens)
      .set("window_q_h", 1)
      .set("window_q_w", tokens)
      .set("grid_k_h", 1)
      .set("grid_k_w", 5)
      .set("window_k_h", 1)
      .set("window_k_w", 5)
      .set_float("scale", 0.7);
  function();
  const int32_t rows = in({9, 12}), pad = plan.weight(numbers(4));
  plan.operation("attention", {rows, rows, rows, pad, pad}, out({9, 4}))
      .set("batch", 1)
      .set("heads", 2)
      .set("dim", 2)
      .set("value_dim", 2)
      .set("q_offset", 0)
      .set("k_offset", 4)
      .set("v_offset", 8)
      .set("grid_q_h", 3)
      .set("grid_q_w", 3)
      .set("window_q_h", 2)
      .set("window_q_w", 2)
      .set("grid_k_h", 3)
      .set("grid_k_w", 3)
      .set("window_k_h", 2)
      .set("window_k_w", 2)
      .set_float("scale", 0.7);
  function();
  plan.operation("rotary", {in({6, 2, 4}), plan.weight(numbers(6), {3, 2}), plan.weight(numbers(6), {3, 2})},
                 out({6, 2, 4}))
      .set("positions", 3)
      .set("heads", 2)
      .set("dim", 4);
  function(20);
  plan.operation(
          "axial_attention",
          {in({6, 8}), plan.weight(numbers(2 * 3 * 4), {2, 3, 4}), plan.weight(numbers(24), {6, 4}),
           plan.weight(numbers(24), {6, 4}), in({6, tokens, 2}), in({6, tokens, 3}), in({tokens, 8}), in({tokens, 3})},
          out({6, 3}))
      .set("grid_h", 2)
      .set("grid_w", 3)
      .set("dim", 8)
      .set("key_channels", 2)
      .set("value_channels", 3)
      .set("memories", tokens)
      .set("tokens", tokens)
      .set_float("scale", 0.7);
  function(20);
  const int32_t token_columns = plan.weight(numbers(3));
  plan.operation("token_attention",
                 {in({6, 5}), in({2, tokens, 5}), in({2, tokens, 3}), in({2, tokens}), token_columns, in({6, 3}),
                  in({6, 5}), token_columns, token_columns},
                 out({6, 3}))
      .set("norm", 1)
      .set_float("eps", 1e-6)
      .set("k", 5)
      .set("n", 3)
      .set("heads", 2)
      .set_float("scale", 0.7);
  function();
  plan.operation("matmul", {in({6, 5}), plan.packed_weight(numbers(5 * 7), 5, 7), plan.weight(numbers(7)), in({6, 7})},
                 out({6, 7}))
      .set("k", 5)
      .set("n", 7)
      .set("norm", 1)
      .set_float("eps", 1e-6)
      .set_string("activation", "gelu");
  function();
  plan.operation("batch_matmul", {in({2, 3, 4}), in({2, 4, 5})}, out({2, 3, 5}))
      .set("batch", 2)
      .set("m", 3)
      .set("k", 4)
      .set("n", 5)
      .set("transpose_b", 0)
      .set_float("scale", 0.5);
  for (const int64_t nchw : {0, 1}) {
    function();
    const int32_t weight = plan.packed_weight(numbers(18 * 4), 18, 4,
                                              nchw == 1 ? WeightLayout::kPackedIhwByO : WeightLayout::kPackedHwiByO);
    plan.operation("conv", {in({5, 6, 2}), weight, plan.weight(numbers(4))}, out({3, 3, 4}))
        .set("in_h", 5)
        .set("in_w", 6)
        .set("in_c", 2)
        .set("out_h", 3)
        .set("out_w", 3)
        .set("out_c", 4)
        .set("kernel_h", 3)
        .set("kernel_w", 3)
        .set("stride_h", 2)
        .set("stride_w", 2)
        .set("pad_top", 1)
        .set("pad_left", 1)
        .set("src_nchw", nchw);
  }
  function();
  plan.operation("depthwise_conv", {in({4, 5, 3}), plan.weight(numbers(27), WeightLayout::kHwc)}, out({4, 5, 3}))
      .set("in_h", 4)
      .set("in_w", 5)
      .set("in_c", 3)
      .set("out_h", 4)
      .set("out_w", 5)
      .set("kernel_h", 3)
      .set("kernel_w", 3)
      .set("stride_h", 1)
      .set("stride_w", 1)
      .set("pad_top", 1)
      .set("pad_left", 1);
  function();
  plan.operation("deconv2x2", {in({2, 3, 3}), plan.packed_weight(numbers(24), 3, 8, WeightLayout::kPackedIByHwo)},
                 out({4, 6, 2}))
      .set("h", 2)
      .set("w", 3)
      .set("in_c", 3)
      .set("out_c", 2);
  for (const bool mixed : {false, true}) {
    function();
    const int32_t channels = plan.weight(numbers(8));
    plan.operation("deconv2x2",
                   {in({2, 3, 3}), plan.packed_weight(numbers(96), 3, 32, WeightLayout::kPackedIByHwo), channels,
                    in({4, 6, 8}), channels, channels, mixed ? in({2, 8}) : kAbsent},
                   mixed ? out({2, 4, 6}) : out({4, 6, 8}))
        .set("h", 2)
        .set("w", 3)
        .set("in_c", 3)
        .set("out_c", 8)
        .set("norm", 1)
        .set_float("eps", 1e-6)
        .set_string("activation", "gelu");
  }
  function();
  plan.operation("layer_norm", {in({3, 6}), plan.weight(numbers(6)), plan.weight(numbers(6))}, out({3, 6}))
      .set_float("eps", 1e-5);
  function();
  plan.operation("softmax", {in({3, 6})}, out({3, 6})).set_float("scale", 2.0);
  function();
  plan.operation("binary", {in({2, 1, 4}), in({3, 1})}, out({2, 3, 4})).set_string("op", "div");
  function();
  const int32_t middle = plan.arena({7});
  plan.operation("unary", {in({7})}, middle).set_string("op", "affine").set_float("alpha", 3).set_float("beta", -1);
  plan.operation("unary", {plan.alias(middle, {1, 7})}, out({1, 7})).set_string("op", "erf");
  function();
  plan.operation("compare", {in({9}), in({1})}, out({9})).set_string("op", "less");
  function();
  plan.operation("where", {in({3, 1}), in({4}), in({1})}, out({3, 4}));
  function();
  plan.operation("max_pool", {in({4, 4, 5})}, out({2, 2, 3}))
      .set("in_h", 4)
      .set("in_w", 4)
      .set("c", 3)
      .set("offset", 1)
      .set("kernel_h", 2)
      .set("kernel_w", 2)
      .set("stride_h", 2)
      .set("stride_w", 2);
  function();
  plan.operation("upsample_nearest", {in({2, 3, 2}), in({4, 6, 2})}, out({4, 6, 2}))
      .set("h", 2)
      .set("w", 3)
      .set("c", 2)
      .set("scale", 2);
  function();
  plan.operation("interp_linear", {in({2, 3, 4})}, out({2, 5, 7}))
      .set("planes", 2)
      .set("in_h", 3)
      .set("in_w", 4)
      .set("out_h", 5)
      .set("out_w", 7)
      .set("c", 1);
  function();
  plan.operation("permute", {in({2, 3, 4})}, out({4, 2, 3})).set("order", Extents{2, 0, 1});
  function();
  plan.operation("slice", {in({4, 6})}, out({2, 3})).set("starts", Extents{3, 1}).set("steps", Extents{-2, 2});
  function();
  plan.operation("concat", {in({2, 1}), in({2, 3})}, out({2, 4})).set("axis", 1);
  function();
  plan.operation("reduce", {in({2, 3, 4})}, out({3})).set("axes", Extents{0, 2}).set_string("op", "mean");
  function();
  plan.operation("gather", {in({3, 2}), plan.weight({2, 0})}, out({2, 2})).set("axis", 0);
  return plan.module;
}

// What stays f32 although the schema lets it be bf16: keys that positions are added to, and what a deconvolution
// normalises or mixes.
inline bool is_positioned(const Operation& operation, size_t operand) {
  return operation.kernel == "attention" && operation.operands.size() > 5 && operand == 1;
}
inline bool is_finished(const Operation& operation) {
  return operation.kernel == "deconv2x2" && operation.operands.size() > 4;
}

// Those of every_kernel() that can compute in bf16 or in int8, doing so, and all that may be bf16 stored so.
inline PlanModule every_kernel_in(Precision precision) {
  PlanModule module = every_kernel();
  std::erase_if(module.functions, [&](const PlanFunction& function) {
    return !find_operation(function.operations[0].kernel)->computes_in(precision);
  });
  for (PlanFunction& function : module.functions) {
    Operation& operation = function.operations[0];
    const OperationSchema& schema = *find_operation(operation.kernel);
    operation.precision = precision;
    const auto number = [&](const char* name) {
      const auto found = std::ranges::find(operation.integers, name, &IntegerAttribute::name);
      return found == operation.integers.end() ? 0 : found->values[0].base;
    };
    const auto value = [&](int32_t index) -> Value& { return function.values[static_cast<size_t>(index)]; };
    for (size_t position = 0; position < operation.operands.size(); ++position) {
      Value& operand = value(operation.operands[position]);
      if (schema.operand(position).may_be_bf16 && number("norm") == 0 && !is_positioned(operation, position))
        operand.dtype = DType::kBF16;
      if (schema.operand(position).need != OperandNeed::kPacked) continue;
      int64_t count = packed_elements(precision, number("k"), number("n"));
      if (operation.kernel == "conv")
        count = packed_bf16(number("kernel_h") * number("kernel_w") * number("in_c"), number("out_c"));
      if (operation.kernel == "deconv2x2") count = packed_bf16(number("in_c"), 4 * number("out_c"));
      operand.dtype = precision == Precision::kBf16 ? DType::kBF16 : DType::kI8;
      operand.shape = {count};
      WeightData& weight = module.weights[static_cast<size_t>(operand.weight)];
      auto halves =
          std::make_shared<std::vector<uint16_t>>(static_cast<size_t>(count * dtype_size(operand.dtype) / 2),
                                                  precision == Precision::kBf16 ? f32_to_bf16(0.5f) : uint16_t{0});
      weight.dtype = operand.dtype;
      weight.bytes = std::as_bytes(std::span<const uint16_t>(*halves));
      weight.owner = halves;
    }
    if (schema.result_may_be_bf16 && !is_finished(operation)) value(operation.results[0]).dtype = DType::kBF16;
  }
  return module;
}

// Runs each function on zeros at two choices of sizes, where that takes little memory and time: a module that loads
// must run without reading or writing anything but its own values, whatever its plan says.
inline void run_what_is_small(const std::shared_ptr<Module>& module) {
  constexpr double kMostArithmetic = 1e6;
  constexpr int64_t kMostBytes = 1 << 20;
  for (const PlanFunction& function : module->plan().functions) {
    Sizes larger = function.least();
    for (size_t i = 0; i < function.sizes.size(); ++i) larger[i] = std::min(larger[i] + 7, function.sizes[i].greatest);
    for (const Sizes& sizes : {function.least(), larger}) {
      const auto bound = module->bind(function.name, name_sizes(function, sizes));
      if (!bound.is_ok()) continue;
      double arithmetic = 0;
      for (const BoundOperation& operation : bound.value()->operations) arithmetic += operation.arithmetic;
      int64_t largest = bound.value()->arena.bytes;
      for (const Value& value : function.values) largest = std::max(largest, value.bytes(sizes));
      if (arithmetic > kMostArithmetic || largest > kMostBytes) continue;
      std::deque<Tensor> memory;
      std::vector<NamedInput> inputs;
      for (const int32_t index : function.inputs) {
        const Value& value = function.values[static_cast<size_t>(index)];
        Tensor& tensor = memory.emplace_back(value.dtype, value.shape_at(sizes));
        std::memset(tensor.data(), 0, static_cast<size_t>(tensor.bytes()));
        inputs.push_back({value.name, tensor.view()});
      }
      auto executor = Executor::create(module, 1);
      if (executor.status().code() == StatusCode::kUnsupported) return;  // bf16, on a machine without it
      SAMC_CHECK(executor.is_ok(), "{}", executor.status().to_string());
      (void)executor.value().run(function.name, name_sizes(function, sizes), inputs, {}).is_ok();
    }
  }
}

}  // namespace samc
