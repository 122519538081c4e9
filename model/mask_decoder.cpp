// The mask decoder: a two-way transformer between tokens and image, upscaling, and the heads. All four masks come out;
// which of them count is the caller's choice.

#include <fmt/format.h>

#include "model/layers.h"

namespace samc {
namespace {

const std::string kPrefix = "sam_mask_decoder.";
constexpr double kNormEps = 1e-5;

// One sequence of rows: (1, count, C).
struct Rows {
  mlir::Value value;
  int64_t count = 0;
};

mlir::Value projected_attention(GraphBuilder& graph, const ModelConfig& config, const std::string& name, const Rows& q,
                                const Rows& k, mlir::Value v, int64_t internal_dim) {
  const int64_t heads = config.mask_decoder.num_heads;
  const int64_t head_dim = internal_dim / heads;
  const auto project = [&](const char* which, mlir::Value x, int64_t rows) {
    const std::string projection = fmt::format("{}.{}_proj", name, which);
    return graph.reshape(projection + ".heads", linear(graph, projection, x), {1, rows, heads, head_dim});
  };
  const mlir::Value mixed =
      attention(graph, name, project("q", q.value, q.count), project("k", k.value, k.count), project("v", v, k.count),
                {.queries = q.count, .heads = heads, .head_dim = head_dim});
  return linear(graph, name + ".out_proj", mixed);
}

struct TwoWayResult {
  mlir::Value tokens;
  mlir::Value image;
};

// token_pe are the tokens as they came in; image_pe the positions of the image.
TwoWayResult two_way_transformer(GraphBuilder& graph, const ModelConfig& config, const Rows& tokens, const Rows& image,
                                 mlir::Value image_pe) {
  const std::string prefix = kPrefix + "transformer.";
  const MaskDecoderConfig& decoder = config.mask_decoder;
  const int64_t c = config.d_model();
  const int64_t cross_dim = c / decoder.attention_downsample_rate;
  const mlir::Value token_pe = tokens.value;
  Rows queries = tokens;
  Rows keys = image;
  const auto with_pe = [&](const std::string& name, const Rows& rows, mlir::Value pe) {
    return Rows{graph.add(name, rows.value, pe), rows.count};
  };

  for (int64_t i = 0; i < decoder.depth; ++i) {
    const std::string name = fmt::format("{}layers.{}.", prefix, i);
    const std::string self = name + "self_attn";
    if (i == 0) {  // the first layer takes the tokens bare and has no residual
      queries.value = projected_attention(graph, config, self, queries, queries, queries.value, c);
    } else {
      const Rows q = with_pe(self + ".q", queries, token_pe);
      const mlir::Value mixed = projected_attention(graph, config, self, q, q, queries.value, c);
      queries.value = graph.add(self + ".residual", queries.value, mixed);
    }
    queries.value = layer_norm(graph, name + "norm1", queries.value, kNormEps);

    const std::string to_image = name + "cross_attn_token_to_image";
    const Rows keys_pe = with_pe(to_image + ".k", keys, image_pe);
    mlir::Value mixed = projected_attention(graph, config, to_image, with_pe(to_image + ".q", queries, token_pe),
                                            keys_pe, keys.value, cross_dim);
    queries.value = graph.add(to_image + ".residual", queries.value, mixed);
    queries.value = layer_norm(graph, name + "norm2", queries.value, kNormEps);

    queries.value = graph.add(name + "mlp.residual", queries.value, mlp(graph, name + "mlp", queries.value, 2));
    queries.value = layer_norm(graph, name + "norm3", queries.value, kNormEps);

    const std::string to_tokens = name + "cross_attn_image_to_token";
    mixed = projected_attention(graph, config, to_tokens, keys_pe, with_pe(to_tokens + ".k", queries, token_pe),
                                queries.value, cross_dim);
    keys.value = graph.add(to_tokens + ".residual", keys.value, mixed);
    keys.value = layer_norm(graph, name + "norm4", keys.value, kNormEps);
  }

  const std::string final = prefix + "final_attn_token_to_image";
  const mlir::Value mixed = projected_attention(graph, config, final, with_pe(final + ".q", queries, token_pe),
                                                with_pe(final + ".k", keys, image_pe), keys.value, cross_dim);
  queries.value = graph.add(final + ".residual", queries.value, mixed);
  return {layer_norm(graph, prefix + "norm_final_attn", queries.value, kNormEps), keys.value};
}

// The learned tokens in front of the prompts': object score (if there is one), IoU, masks.
mlir::Value output_tokens(GraphBuilder& graph, const ModelConfig& config) {
  return constant_once(graph, kPrefix + "output_tokens", [&] {
    std::vector<std::string> names = {"iou_token", "mask_tokens"};
    if (config.pred_obj_scores) names.insert(names.begin(), "obj_score_token");
    std::vector<float> rows;
    for (const std::string& name : names) {
      const auto part = graph.weights().view(kPrefix + name + ".weight");
      rows.insert(rows.end(), part.f32().begin(), part.f32().end());
    }
    Tensor tokens({1, static_cast<int64_t>(rows.size()) / config.d_model(), config.d_model()});
    std::copy(rows.begin(), rows.end(), tokens.f32().begin());
    return tokens;
  });
}

// One row of the tokens as (1, C).
mlir::Value token_row(GraphBuilder& graph, const std::string& name, mlir::Value tokens, int64_t row) {
  return graph.squeeze(name, graph.slice(name + ".slice", tokens, 1, row, row + 1), {1});
}

mlir::Value object_score(GraphBuilder& graph, const ModelConfig& config, mlir::Value tokens) {
  // Without the head every object counts as present.
  if (!config.pred_obj_scores)
    return constant_once(graph, kPrefix + "object_score", [] {
      Tensor score({1, 1});
      score.f32()[0] = 10.0f;
      return score;
    });
  const std::string head = kPrefix + "pred_obj_score_head";
  const mlir::Value token = token_row(graph, kPrefix + "obj_score_token_out", tokens, 0);
  return config.pred_obj_scores_mlp ? mlp(graph, head, token, 3) : linear(graph, head, token);
}

}  // namespace

DecoderOutputs mask_decoder(GraphBuilder& graph, const ModelConfig& config, const DecoderInputs& inputs) {
  const MaskDecoderConfig& decoder = config.mask_decoder;
  const int64_t c = config.d_model();
  const int64_t side = config.feature_size(16);
  const int64_t first_mask = config.pred_obj_scores ? 2 : 1;  // the IoU token stands before it
  const int64_t masks = decoder.num_mask_tokens();

  Rows tokens{output_tokens(graph, config), first_mask + masks + inputs.points};
  if (inputs.points > 0) tokens.value = graph.concat(kPrefix + "tokens", {tokens.value, inputs.sparse_embed}, 1);

  const auto rows_of = [&](const std::string& name, mlir::Value map) {  // (1, C, side, side) -> (1, side side, C)
    return graph.permute(name + ".rows", graph.reshape(name + ".flat", map, {1, c, side * side}), {0, 2, 1});
  };
  const mlir::Value source = graph.add(kPrefix + "src", inputs.image_embed, inputs.dense_embed);
  const Rows image{rows_of(kPrefix + "src", source), side * side};
  const mlir::Value image_pe = rows_of(kPrefix + "image_pe", dense_position(graph, config));
  const TwoWayResult result = two_way_transformer(graph, config, tokens, image, image_pe);

  mlir::Value map = graph.permute(kPrefix + "image_out.flat", result.image, {0, 2, 1});
  map = graph.reshape(kPrefix + "image_out", map, {1, c, side, side});
  const std::string up = kPrefix + "output_upscaling.";
  map = graph.add(up + "0.residual", deconv_2x2(graph, up + "0", map), inputs.high_res_feats_1);
  map = graph.gelu(up + "2", layer_norm_2d(graph, up + "1", map));
  map = graph.add(up + "3.residual", deconv_2x2(graph, up + "3", map), inputs.high_res_feats_0);
  map = graph.gelu(up + "4", map);
  const int64_t out_side = 4 * side;
  const mlir::Value upscaled = graph.reshape(kPrefix + "upscaled", map, {1, c / 8, out_side * out_side});

  DecoderOutputs outputs;
  outputs.mask_tokens = graph.slice(kPrefix + "mask_tokens_out", result.tokens, 1, first_mask, first_mask + masks);
  std::vector<mlir::Value> hyper;
  for (int64_t i = 0; i < masks; ++i) {
    const std::string name = fmt::format("{}output_hypernetworks_mlps.{}", kPrefix, i);
    const mlir::Value row = mlp(graph, name, token_row(graph, name + ".token", outputs.mask_tokens, i), 3);
    hyper.push_back(graph.unsqueeze(name + ".row", row, {1}));
  }
  const mlir::Value hyper_in = graph.concat(kPrefix + "hyper_in", hyper, 1);  // (1, masks, C/8)
  outputs.low_res_logits = graph.reshape(
      kPrefix + "low_res_logits", graph.matmul(kPrefix + "masks", hyper_in, upscaled), {1, masks, out_side, out_side});

  const std::string iou = kPrefix + "iou_prediction_head";
  const mlir::Value iou_token = token_row(graph, kPrefix + "iou_token_out", result.tokens, first_mask - 1);
  outputs.iou_predictions = mlp(graph, iou, iou_token, decoder.iou_head_depth);
  if (config.iou_prediction_use_sigmoid)
    outputs.iou_predictions = graph.sigmoid(iou + ".sigmoid", outputs.iou_predictions);
  outputs.object_score = object_score(graph, config, result.tokens);
  return outputs;
}

}  // namespace samc
