#include "model/config.h"

#include <gtest/gtest.h>

#include <string>

#include "base/files.h"

namespace samc {
namespace {

std::string pico_text() { return read_text_file(SAMC_SOURCE_DIR "/tests/data/pico/pico.yaml", 1 << 20).value(); }

// The pico config with one text in it replaced.
Result<ModelConfig> parse_with(const std::string& from, const std::string& to) {
  std::string text = pico_text();
  const size_t at = text.find(from);
  SAMC_CHECK(at != std::string::npos, "'{}' is not in pico.yaml", from);
  return parse_config(text.replace(at, from.size(), to), "changed");
}

void expect_error(const Result<ModelConfig>& result, const std::string& part) {
  ASSERT_FALSE(result.is_ok());
  EXPECT_NE(result.status().to_string().find(part), std::string::npos) << result.status().to_string();
  EXPECT_EQ(result.status().to_string().find('\n'), std::string::npos);
}

TEST(Config, OfficialConfigsAreEightAndValid) {
  ASSERT_EQ(official_configs().size(), 8u);
  for (const ModelConfig& config : official_configs()) EXPECT_TRUE(check_config(config).is_ok()) << config.name;
  ASSERT_NE(find_official_config("sam2.1_hiera_base_plus"), nullptr);
  EXPECT_EQ(find_official_config("sam2.1_hiera_base_plus")->trunk.depth(), 24);
  EXPECT_EQ(find_official_config("sam2_hiera_huge"), nullptr);
}

TEST(Config, BlocksOfTiny) {
  const auto blocks = find_official_config("sam2_hiera_tiny")->trunk.blocks();
  ASSERT_EQ(blocks.size(), 12u);
  const int64_t windows[] = {8, 8, 4, 4, 14, 0, 14, 0, 14, 0, 14, 7};
  const int64_t heads[] = {1, 2, 2, 4, 4, 4, 4, 4, 4, 4, 8, 8};
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i].window_size, windows[i]) << i;
    EXPECT_EQ(blocks[i].num_heads, heads[i]) << i;
    EXPECT_EQ(blocks[i].q_pool, i == 1 || i == 3 || i == 10) << i;
    EXPECT_EQ(blocks[i].ends_stage, i == 0 || i == 2 || i == 9 || i == 11) << i;
  }
}

TEST(Config, ReadsPico) {
  const Result<ModelConfig> result = read_config(SAMC_SOURCE_DIR "/tests/data/pico/pico.yaml");
  ASSERT_TRUE(result.is_ok()) << result.status().to_string();
  const ModelConfig& config = result.value();
  EXPECT_EQ(config.name, "pico");
  EXPECT_EQ(config.image_size, 256);
  EXPECT_EQ(config.d_model(), 64);
  EXPECT_EQ(config.memory_dim(), 16);
  EXPECT_EQ(config.trunk.window_spec, (std::vector<int64_t>{8, 4, 14, 7}));
  EXPECT_EQ(config.memory_attention.cross_attention.kv_in_dim, 16);
  EXPECT_TRUE(config.no_obj_embed_spatial);
  EXPECT_TRUE(config.mask_decoder.dynamic_multimask_via_stability);
}

TEST(Config, NamesTheKeyAtFault) {
  expect_error(parse_with("num_heads: 1", "num_haeds: 1"), "model.image_encoder.trunk.num_haeds: unknown key");
  expect_error(parse_with("num_maskmem: 7", "num_maskmem: seven"), "model.num_maskmem: 'seven' is not an integer");
  expect_error(parse_with("num_maskmem: 7", "num_maskmem: [7]"), "model.num_maskmem: must be an integer");
  expect_error(parse_with("scalp: 1", "scalp: 0"), "model.image_encoder.scalp: 0 given, only 1 is supported");
  expect_error(parse_with("fpn_interp_model: nearest", "fpn_interp_model: bilinear"),
               "fpn_interp_model: bilinear given");
  expect_error(parse_with("      fpn_interp_model: nearest\n", ""), "fpn_interp_model: bilinear given");
  expect_error(parse_with("hieradet.Hiera", "vit.ViT"), "model.image_encoder.trunk._target_");
  expect_error(parse_with("[256, 128, 64, 32]", "[256, 128, 64]"), "backbone_channel_list");
  expect_error(parse_with("image_size: 256", "image_size: 250"), "model.image_size");
  expect_error(parse_with("image_size: 256", "image_size: ${scratch.resolution}"), "model.image_size");
  expect_error(parse_with("stages: [1, 1, 3, 1]", "stages: [1, 1, 3]"), "model.image_encoder.trunk.stages");
  expect_error(parse_with("num_maskmem: 7", "num_maskmem: 7\n  num_maskmem: 6"), "model.num_maskmem: given twice");
  expect_error(parse_with("use_high_res_features_in_sam: true", "use_high_res_features_in_sam: false"),
               "model.use_high_res_features_in_sam");
}

TEST(Config, BadYaml) {
  expect_error(parse_config("model: [1, 2", "x"), "line ");
  expect_error(parse_config("", "x"), "no key 'model'");
  expect_error(parse_config("trainer: {}", "x"), "trainer.model: missing");
  expect_error(parse_config("model: 3", "x"), "model: must be a map");
  expect_error(parse_config("? [a, b]\n: 3\n", "x"), "no key 'model'");
  expect_error(parse_config("model:\n  ? [a, b]\n  : 3\n", "x"), "key");
  expect_error(read_config("/nowhere/x.yaml"), "/nowhere/x.yaml");
  // What stands beside the model, or twice, or in a second document, is not lost in silence.
  const std::string pico = pico_text();
  expect_error(parse_config(pico + pico, "x"), "config key model: given twice");
  expect_error(parse_config(pico + "sam_mask_decoder_extra_args:\n  dynamic_multimask_via_stability: false\n", "x"),
               "config key sam_mask_decoder_extra_args: unknown key");
  expect_error(parse_config("defaults: [other]\n" + pico, "x"), "config key defaults: unknown key");
  expect_error(parse_config(pico + "---\n" + pico, "x"), "more than one document in the YAML file");
  expect_error(parse_config("\n     model:\n,    x: y", "x"), "more than one document in the YAML file");
}

// pico's model as a config of training has it: under trainer.model, with a reference and keys of SAM2Train.
std::string training_text(const std::string& image_size) {
  std::string model;
  const std::string pico = pico_text();
  for (size_t from = pico.find("model:"); from < pico.size();) {
    const size_t end = std::min(pico.find('\n', from), pico.size());
    model += "  " + pico.substr(from, end - from) + "\n";
    from = end + 1;
  }
  const auto replace = [&](const std::string& part, const std::string& by) {
    const size_t at = model.find(part);
    SAMC_CHECK(at != std::string::npos, "no {}", part);
    model.replace(at, part.size(), by);
  };
  replace("sam2.modeling.sam2_base.SAM2Base", "training.model.sam2.SAM2Train");
  replace("image_size: 256", "image_size: " + image_size);
  return "scratch:\n  resolution: 256\n  again: ${scratch.resolution}\n  circle: ${scratch.circle}\n  nothing: null\n"
         "dataset:\n  folder: /data\ntrainer:\n  _target_: training.trainer.Trainer\n"
         "  max_epochs: ${times:${scratch.resolution},2}\n" +
         model +
         "    freeze_image_encoder: true\n    pt_sampling_for_eval: center\n    num_correction_pt_per_frame: 7\n"
         "  optim:\n    lr: 1\nlauncher:\n  num_nodes: 1\n";
}

TEST(Config, OfTraining) {
  const ModelConfig pico = parse_config(pico_text(), "x").value();
  for (const char* size : {"256", "${scratch.resolution}", "${scratch.again}", "'${scratch.resolution}'"}) {
    const Result<ModelConfig> config = parse_config(training_text(size), "x");
    ASSERT_TRUE(config.is_ok()) << config.status().to_string();
    EXPECT_EQ(config.value(), pico) << size;
  }
  EXPECT_TRUE(parse_config("defaults: [_self_]\n" + training_text("256"), "x").is_ok());
  expect_error(parse_config("defaults: [other]\n" + training_text("256"), "x"), "config key defaults: takes in other");
  expect_error(parse_config(training_text("${scratch.width}"), "x"),
               "config key trainer.model.image_size: '${scratch.width}' leads nowhere");
  expect_error(parse_config(training_text("${scratch.resolution.x}"), "x"), "leads nowhere");
  expect_error(parse_config(training_text("${scratch.circle}"), "x"), "trainer.model.image_size: maps or references");
  expect_error(parse_config(training_text("${dataset}"), "x"), "trainer.model.image_size: must be an integer");
  for (const char* computed : {"${times:${scratch.resolution},2}", "${.resolution}", "x${scratch.resolution}", "${}",
                               "${scratch.resolution}${scratch.resolution}", "${scratch[0]}", "${oc.env:HOME}"})
    expect_error(parse_config(training_text(computed), "x"), "is no plain reference");
  // The keys of training are SAM2Train's alone.
  expect_error(parse_with("num_maskmem: 7", "num_maskmem: 7\n  freeze_image_encoder: true"), "unknown key");
  // A reference in a config for inference; and to what grows without end.
  EXPECT_EQ(parse_with("image_size: 256", "image_size: ${model.memory_encoder.out_dim}").status().message(),
            "config key model.image_size: 16 is not a multiple of 32 from 32 to 4096");
  std::string bomb = "l0: [1, 1]\n";
  for (int i = 1; i < 25; ++i) bomb += fmt::format("l{}: [\"${{l{}}}\", \"${{l{}}}\"]\n", i, i - 1, i - 1);
  expect_error(parse_config(bomb + training_text("${l24}"), "x"), "more of the file than samc reads");
}

// docs/limits.md. What a config allows, a compiled module may have: one constant.
TEST(ConfigLimits, ImageSizeAndIntegers) {
  EXPECT_TRUE(parse_with("image_size: 256", "image_size: 4096").is_ok());
  expect_error(parse_with("image_size: 256", "image_size: 4128"), "4128 is not a multiple of 32 from 32 to 4096");
  expect_error(parse_with("image_size: 256", "image_size: 9223372036854775807"), "9223372036854775807 is out of range");
  expect_error(parse_with("image_size: 256", fmt::format("image_size: {}", std::string(100'000, '9'))),
               "is not an integer");
  EXPECT_LT(
      parse_with("image_size: 256", fmt::format("image_size: {}", std::string(100'000, '9'))).status().message().size(),
      300u);
}

}  // namespace
}  // namespace samc
