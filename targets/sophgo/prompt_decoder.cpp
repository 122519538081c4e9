#include "targets/sophgo/prompt_decoder.h"

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "model/decoder_parts.h"
#include "package/model_names.h"
#include "targets/sophgo/mask_scores.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// 0 for the output tokens and the points that are there, kExcluded for the others: (1, 1, 1, tokens).
mlir::Value token_mask(GraphBuilder& graph, mlir::Value labels, int64_t points, int64_t output_tokens) {
  const mlir::Value rows = graph.reshape("absent.labels", labels, {1, 1, 1, points});
  const mlir::Value absent = graph.compare_const("absent.is_absent", rows, kAbsentPoint, CompareMode::kEqual);
  const mlir::Value excluded = graph.mul_const("absent.excluded", absent, kExcluded);
  const mlir::Value none = graph.constant("absent.output_tokens", Tensor::zeros({1, 1, 1, output_tokens}));
  return graph.concat("absent.mask", {none, excluded}, 3);
}

// Attention over tokens is told from attention over the image by the number of keys.
Status check_tokens(int64_t tokens, int64_t side, int64_t max_points) {
  if (tokens != side * side) return Status::ok();
  return invalid_input(fmt::format("{} points make as many tokens as the image has", max_points),
                       "use another --max_points");
}

// The keys of the tokens' attention to each other, the only one with as many queries as keys; 0 when there is none.
int64_t find_tokens(mlir::Block& block) {
  int64_t tokens = 0;
  for (auto softmax : block.getOps<top::SoftmaxOp>()) {
    const Shape shape = shape_of(softmax.getOutput());
    if (shape.size() >= 2 && shape.back() == shape[shape.size() - 2]) tokens = shape.back();
  }
  return tokens;
}

}  // namespace

Status build_prompt_decoder(const ExportedModel& model, int64_t max_points, GraphBuilder& graph,
                            const std::string& name) {
  if (max_points < 2)
    return usage_error(
        fmt::format("--max_points {}: an export's decoder takes the pad point beside others", max_points),
        "give 2 or more");
  const auto mask_absent_points = [&](GraphBuilder& builder, mlir::Value labels) -> Status {
    mlir::Block& block = *labels.getParentBlock();
    const int64_t tokens = find_tokens(block);
    if (tokens <= max_points)
      return unsupported("no attention among its tokens was found", "samc reads what samexporter writes");
    SAMC_TRY(check_tokens(tokens, model.image_size / 16, max_points));
    mlir::Operation* last = &block.back();
    const mlir::Value mask = token_mask(builder, labels, max_points, tokens - max_points);
    if (!builder.is_ok()) return builder.status();
    // In front of all that reads it.
    mlir::Operation* place = labels.getDefiningOp();
    while (mlir::Operation* next = last->getNextNode()) {
      next->moveAfter(place);
      place = next;
    }
    return mask_scores(mask, tokens);
  };
  return build_mask_decoder_with_mask(model, max_points, graph, name, mask_absent_points);
}

Status build_prompt_decoder(const ModelConfig& config, int64_t max_points, bool for_video, GraphBuilder& graph,
                            const std::string& name) {
  SAMC_CHECK(max_points > 0, "{} points", max_points);
  const int64_t side = config.feature_size(16);
  const int64_t output_tokens = 1 + config.mask_decoder.num_mask_tokens() + (config.pred_obj_scores ? 1 : 0);
  const int64_t tokens = output_tokens + max_points;
  SAMC_TRY(check_tokens(tokens, side, max_points));
  const auto inputs = graph.begin_function(name, prompt_inputs(config, max_points));
  if (!graph.is_ok()) return graph.status();
  const mlir::Value mask = token_mask(graph, inputs[4], max_points, output_tokens);
  const mlir::Value has_mask = graph.reshape("has_mask", inputs[6], {1, 1, 1, 1});
  const mlir::Value of_mask = embed_mask(graph, config, inputs[5]);
  const mlir::Value of_none = embed_no_mask(graph, config);
  // none + has (mask - none): exact at 0 and, but for rounding, at 1.
  const mlir::Value difference = graph.sub("dense_embed.difference", of_mask, of_none);
  const mlir::Value dense = graph.add(kDenseEmbed, of_none, graph.mul("dense_embed.chosen", difference, has_mask));
  DecoderInputs decoder{inputs[0], inputs[1], inputs[2], dense, {}, max_points};
  decoder.sparse_embed = embed_points(graph, config, inputs[3], inputs[4], max_points);
  const DecoderOutputs outputs = mask_decoder(graph, config, decoder);
  if (!graph.is_ok()) return graph.status();
  SAMC_TRY(mask_scores(mask, tokens));
  std::vector<NamedValue> results = {{kLowResLogits, outputs.low_res_logits},
                                     {kIouPredictions, outputs.iou_predictions},
                                     {kObjectScore, outputs.object_score}};
  if (for_video) results.push_back({kMaskTokens, outputs.mask_tokens});
  return graph.end_function(results);
}

}  // namespace samc::sophgo
