#include "model/build.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "model/recognise.h"

namespace samc {
namespace {

ModelConfig pico() { return read_config(SAMC_SOURCE_DIR "/tests/data/pico/pico.yaml").value(); }

// A module under construction. Every weight shows the same zeros: only shapes are looked at.
struct Fixture {
  explicit Fixture(const ModelConfig& config) {
    load_dialects(context);
    module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
    const std::vector<TensorSpec> tensors = expected_tensors(config);
    int64_t most = 0;
    for (const TensorSpec& tensor : tensors) most = std::max(most, element_count(tensor.shape));
    zeros = Tensor::zeros({most});
    for (const TensorSpec& tensor : tensors)
      SAMC_CHECK(weights.add_view(tensor.name, {DType::kF32, tensor.shape, zeros.data()}).is_ok(), "{}", tensor.name);
  }

  // Shapes by name of the inputs and outputs of a function.
  std::map<std::string, Shape> interface_of(const std::string& name) {
    auto function = module->lookupSymbol<mlir::func::FuncOp>(name);
    SAMC_CHECK(function, "no function {}", name);
    std::map<std::string, Shape> shapes;
    const auto inputs = input_names(function);
    for (size_t i = 0; i < inputs.size(); ++i)
      shapes[inputs[i]] = shape_of(function.getArgument(static_cast<unsigned>(i)));
    const auto outputs = output_names(function);
    mlir::Operation* terminator = function.getBody().front().getTerminator();
    for (size_t i = 0; i < outputs.size(); ++i)
      shapes[outputs[i]] = shape_of(terminator->getOperand(static_cast<unsigned>(i)));
    return shapes;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  WeightStore weights;
  Tensor zeros;
};

void build_and_check(const ModelConfig& config) {
  SCOPED_TRACE(config.name);
  Fixture fixture(config);
  GraphBuilder graph(*fixture.module, fixture.weights);
  for (const Status& status :
       {build_image_encoder(config, graph), build_mask_encoder(config, graph), build_no_mask(config, graph),
        build_mask_decoder(config, 0, graph, "mask_decoder_0"), build_mask_decoder(config, 3, graph)})
    ASSERT_TRUE(status.is_ok()) << status.to_string();
  ASSERT_TRUE(mlir::succeeded(mlir::verify(*fixture.module)));
  const Status weights = verify_weights(*fixture.module, fixture.weights);
  ASSERT_TRUE(weights.is_ok()) << weights.to_string();

  using Shapes = std::map<std::string, Shape>;
  const int64_t s = config.image_size;
  const int64_t c = config.d_model();
  const Shape image_embed = {1, c, s / 16, s / 16};
  const Shape feats_0 = {1, c / 8, s / 4, s / 4};
  const Shape feats_1 = {1, c / 4, s / 8, s / 8};
  EXPECT_EQ(fixture.interface_of("image_encoder"), (Shapes{{"image", {1, 3, s, s}},
                                                           {"high_res_feats_0", feats_0},
                                                           {"high_res_feats_1", feats_1},
                                                           {"image_embed", image_embed}}));
  EXPECT_EQ(fixture.interface_of("mask_encoder"),
            (Shapes{{"mask_input", {1, 1, s / 4, s / 4}}, {"dense_embed", image_embed}}));
  EXPECT_EQ(fixture.interface_of("no_mask"), (Shapes{{"dense_embed", image_embed}}));
  Shapes decoder = {{"image_embed", image_embed},
                    {"high_res_feats_0", feats_0},
                    {"high_res_feats_1", feats_1},
                    {"dense_embed", image_embed},
                    {"low_res_logits", {1, 4, s / 4, s / 4}},
                    {"iou_predictions", {1, 4}},
                    {"object_score", {1, 1}},
                    {"mask_tokens", {1, 4, c}}};
  EXPECT_EQ(fixture.interface_of("mask_decoder_0"), decoder);
  decoder["point_coords"] = {1, 3, 2};
  decoder["point_labels"] = {1, 3};
  EXPECT_EQ(fixture.interface_of("mask_decoder"), decoder);
}

TEST(Build, Pico) { build_and_check(pico()); }

TEST(Build, EveryOfficialModel) {
  for (const ModelConfig& config : official_configs()) build_and_check(config);
}

TEST(Build, VariantsOfTheFlags) {
  ModelConfig config = pico();
  config.name = "without object scores";
  config.pred_obj_scores = config.pred_obj_scores_mlp = config.fixed_no_obj_ptr = false;
  config.iou_prediction_use_sigmoid = false;
  config.directly_add_no_mem_embed = false;
  ASSERT_TRUE(check_config(config).is_ok());
  build_and_check(config);

  config = pico();
  config.name = "a linear object score head, top-down at every level, no global attention";
  config.pred_obj_scores_mlp = false;
  config.neck.fpn_top_down_levels = {0, 1, 2, 3};
  config.trunk.global_att_blocks = {};
  ASSERT_TRUE(check_config(config).is_ok());
  build_and_check(config);

  config = pico();
  config.name = "global attention where queries are pooled, another picture size";
  config.trunk.global_att_blocks = {1, 2, 5};
  config.image_size = 320;
  ASSERT_TRUE(check_config(config).is_ok()) << check_config(config).to_string();
  build_and_check(config);
}

TEST(AddImageWeights, BorrowsFromTheCheckpoint) {
  const Checkpoint checkpoint = Checkpoint::open(SAMC_SOURCE_DIR "/tests/data/pico/pico.pt").value();
  WeightStore weights;
  ASSERT_TRUE(add_image_weights(pico(), checkpoint, weights).is_ok());
  const CheckpointTensor* tensor = checkpoint.find("image_encoder.trunk.blocks.0.attn.qkv.weight");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(weights.view(tensor->name).data, checkpoint.view_f32(*tensor).value().data);
  EXPECT_TRUE(weights.contains("no_mem_embed"));
  EXPECT_FALSE(weights.contains("maskmem_tpos_enc"));
}

}  // namespace
}  // namespace samc
