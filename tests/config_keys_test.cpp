// Every key of the official YAML, changed one at a time: the module changes, or it is an error, or docs/config_keys.md
// says that the key has no meaning. Nothing that is read may be dropped without a word, in no format.

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <set>
#include <sstream>

#include "base/files.h"
#include "base/test_folder.h"
#include "checkpoint/checkpoint.h"
#include "model/recognise.h"
#include "targets/cpu/compile_model.h"
#include "targets/onnx/export_model.h"
#include "targets/sophgo/transform.h"
#include "tests/support/official_yaml.h"

namespace samc::test {
namespace {

const std::string kPico = SAMC_SOURCE_DIR "/tests/data/pico/";

enum class Effect {
  kModule,  // in each format
  kVideo,   // in a module, and nothing for images
  kError,
  kNothing,  // docs/config_keys.md says so
};

struct Change {
  const char* key;  // below "model"
  const char* value;
  Effect effect;
};

constexpr Change kChanges[] = {
    {"_target_", "sam2.modeling.other.Other", Effect::kError},
    {"image_encoder._target_", "Other", Effect::kError},
    {"image_encoder.scalp", "2", Effect::kError},
    {"image_encoder.trunk._target_", "Other", Effect::kError},
    {"image_encoder.trunk.embed_dim", "64", Effect::kError},
    {"image_encoder.trunk.num_heads", "2", Effect::kModule},
    {"image_encoder.trunk.q_pool", "2", Effect::kError},
    {"image_encoder.trunk.q_stride", "[1, 1]", Effect::kError},
    {"image_encoder.trunk.stages", "[1, 1, 2, 2]", Effect::kError},
    {"image_encoder.trunk.dim_mul", "3.0", Effect::kError},
    {"image_encoder.trunk.head_mul", "1.0", Effect::kModule},
    {"image_encoder.trunk.window_pos_embed_bkg_spatial_size", "[8, 8]", Effect::kError},
    {"image_encoder.trunk.window_spec", "[8, 4, 6, 7]", Effect::kModule},
    {"image_encoder.trunk.global_att_blocks", "[4]", Effect::kModule},
    {"image_encoder.neck._target_", "Other", Effect::kError},
    {"image_encoder.neck.position_encoding._target_", "Other", Effect::kError},
    {"image_encoder.neck.position_encoding.num_pos_feats", "32", Effect::kVideo},
    {"image_encoder.neck.position_encoding.normalize", "false", Effect::kError},
    {"image_encoder.neck.position_encoding.scale", "2.0", Effect::kError},
    {"image_encoder.neck.position_encoding.temperature", "5000", Effect::kVideo},
    {"image_encoder.neck.d_model", "128", Effect::kError},
    {"image_encoder.neck.backbone_channel_list", "[128, 64, 32, 16]", Effect::kError},
    {"image_encoder.neck.fpn_top_down_levels", "[3]", Effect::kModule},
    {"image_encoder.neck.fpn_interp_model", "bilinear", Effect::kError},
    {"memory_attention._target_", "Other", Effect::kError},
    {"memory_attention.d_model", "128", Effect::kError},
    {"memory_attention.pos_enc_at_input", "false", Effect::kVideo},
    {"memory_attention.num_layers", "3", Effect::kError},
    {"memory_attention.layer._target_", "Other", Effect::kError},
    {"memory_attention.layer.activation", "gelu", Effect::kError},
    {"memory_attention.layer.dim_feedforward", "128", Effect::kError},
    {"memory_attention.layer.dropout", "0.2", Effect::kNothing},
    {"memory_attention.layer.d_model", "128", Effect::kError},
    {"memory_attention.layer.pos_enc_at_attn", "true", Effect::kVideo},
    {"memory_attention.layer.pos_enc_at_cross_attn_keys", "false", Effect::kVideo},
    {"memory_attention.layer.pos_enc_at_cross_attn_queries", "true", Effect::kVideo},
    {"memory_attention.layer.self_attention._target_", "Other", Effect::kError},
    {"memory_attention.layer.self_attention.embedding_dim", "128", Effect::kError},
    {"memory_attention.layer.self_attention.num_heads", "2", Effect::kVideo},
    {"memory_attention.layer.self_attention.downsample_rate", "2", Effect::kError},
    {"memory_attention.layer.self_attention.kv_in_dim", "32", Effect::kError},
    {"memory_attention.layer.self_attention.rope_theta", "5000", Effect::kVideo},
    {"memory_attention.layer.self_attention.feat_sizes", "[8, 32]", Effect::kVideo},
    {"memory_attention.layer.self_attention.rope_k_repeat", "true", Effect::kNothing},
    {"memory_attention.layer.self_attention.dropout", "0.2", Effect::kNothing},
    {"memory_attention.layer.cross_attention._target_", "Other", Effect::kError},
    {"memory_attention.layer.cross_attention.embedding_dim", "128", Effect::kError},
    {"memory_attention.layer.cross_attention.num_heads", "2", Effect::kVideo},
    {"memory_attention.layer.cross_attention.downsample_rate", "2", Effect::kError},
    {"memory_attention.layer.cross_attention.kv_in_dim", "32", Effect::kError},
    {"memory_attention.layer.cross_attention.rope_theta", "5000", Effect::kVideo},
    {"memory_attention.layer.cross_attention.feat_sizes", "[8, 32]", Effect::kVideo},
    {"memory_attention.layer.cross_attention.rope_k_repeat", "false", Effect::kVideo},
    {"memory_attention.layer.cross_attention.dropout", "0.2", Effect::kNothing},
    {"memory_encoder._target_", "Other", Effect::kError},
    {"memory_encoder.out_dim", "8", Effect::kError},
    {"memory_encoder.in_dim", "32", Effect::kError},
    {"memory_encoder.position_encoding._target_", "Other", Effect::kError},
    {"memory_encoder.position_encoding.num_pos_feats", "32", Effect::kVideo},
    {"memory_encoder.position_encoding.normalize", "false", Effect::kError},
    {"memory_encoder.position_encoding.scale", "2.0", Effect::kError},
    {"memory_encoder.position_encoding.temperature", "5000", Effect::kVideo},
    {"memory_encoder.mask_downsampler._target_", "Other", Effect::kError},
    {"memory_encoder.mask_downsampler.embed_dim", "32", Effect::kError},
    {"memory_encoder.mask_downsampler.kernel_size", "5", Effect::kError},
    {"memory_encoder.mask_downsampler.stride", "4", Effect::kError},
    {"memory_encoder.mask_downsampler.padding", "0", Effect::kVideo},
    {"memory_encoder.mask_downsampler.total_stride", "8", Effect::kError},
    {"memory_encoder.fuser._target_", "Other", Effect::kError},
    {"memory_encoder.fuser.num_layers", "1", Effect::kError},
    {"memory_encoder.fuser.input_projection", "true", Effect::kError},
    {"memory_encoder.fuser.layer._target_", "Other", Effect::kError},
    {"memory_encoder.fuser.layer.dim", "32", Effect::kError},
    {"memory_encoder.fuser.layer.kernel_size", "5", Effect::kError},
    {"memory_encoder.fuser.layer.padding", "2", Effect::kError},
    {"memory_encoder.fuser.layer.layer_scale_init_value", "0", Effect::kError},
    {"memory_encoder.fuser.layer.use_dwconv", "false", Effect::kError},
    {"sam_mask_decoder_extra_args.dynamic_multimask_via_stability", "false", Effect::kModule},
    {"sam_mask_decoder_extra_args.dynamic_multimask_stability_delta", "0.1", Effect::kModule},
    {"sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh", "0.9", Effect::kModule},
    {"image_size", "128", Effect::kModule},
    {"backbone_stride", "8", Effect::kError},
    {"num_maskmem", "6", Effect::kError},
    {"sigmoid_scale_for_mem_enc", "10.0", Effect::kVideo},
    {"sigmoid_bias_for_mem_enc", "-5.0", Effect::kVideo},
    {"binarize_mask_from_pts_for_mem_enc", "false", Effect::kVideo},
    {"use_mask_input_as_output_without_sam", "false", Effect::kVideo},
    {"max_cond_frames_in_attn", "4", Effect::kVideo},
    {"directly_add_no_mem_embed", "false", Effect::kModule},
    {"use_high_res_features_in_sam", "false", Effect::kError},
    {"multimask_output_in_sam", "false", Effect::kVideo},
    {"multimask_min_pt_num", "1", Effect::kVideo},
    {"multimask_max_pt_num", "2", Effect::kVideo},
    {"multimask_output_for_tracking", "false", Effect::kVideo},
    {"use_multimask_token_for_obj_ptr", "false", Effect::kVideo},
    {"iou_prediction_use_sigmoid", "false", Effect::kModule},
    {"memory_temporal_stride_for_eval", "2", Effect::kVideo},
    {"non_overlap_masks_for_mem_enc", "true", Effect::kVideo},
    {"use_obj_ptrs_in_encoder", "false", Effect::kError},
    {"max_obj_ptrs_in_encoder", "8", Effect::kVideo},
    {"add_tpos_enc_to_obj_ptrs", "false", Effect::kError},
    {"proj_tpos_enc_in_obj_ptrs", "false", Effect::kError},
    {"use_signed_tpos_enc_to_obj_ptrs", "false", Effect::kVideo},
    {"only_obj_ptrs_in_the_past_for_eval", "false", Effect::kVideo},
    {"pred_obj_scores", "false", Effect::kError},
    {"pred_obj_scores_mlp", "false", Effect::kError},
    {"fixed_no_obj_ptr", "false", Effect::kVideo},
    {"soft_no_obj_ptr", "true", Effect::kVideo},
    {"use_mlp_for_obj_ptr_proj", "false", Effect::kError},
    {"no_obj_embed_spatial", "false", Effect::kError},
    {"compile_image_encoder", "true", Effect::kNothing},
};

// Paths of everything in the map that is no map itself, joined by dots.
void collect_keys(const YAML::Node& node, const std::string& path, std::set<std::string>& keys) {
  if (!node.IsMap()) {
    keys.insert(path);
    return;
  }
  for (const auto& entry : node)
    collect_keys(entry.second, path.empty() ? entry.first.Scalar() : path + "." + entry.first.Scalar(), keys);
}

// Adds what only the other has.
void merge(YAML::Node target, const YAML::Node& other) {
  for (const auto& entry : other) {
    const std::string key = entry.first.Scalar();
    if (!target[key].IsDefined())
      target[key] = entry.second;
    else if (entry.second.IsMap())
      merge(target[key], entry.second);
  }
}

class ConfigKeys : public testing::Test {
 protected:
  // pico's YAML as its authors' are written, and every key beside that a config has a field for.
  static YAML::Node whole() {
    YAML::Node root = YAML::LoadFile(kPico + "pico.yaml");
    merge(root["model"], YAML::Load(official_yaml(read_config(kPico + "pico.yaml").value()))["model"]);
    return root;
  }
  static void set(const YAML::Node& root, const std::string& path, const std::string& value) {
    YAML::Node at = root["model"];
    std::stringstream parts(path);
    std::string key;
    for (std::getline(parts, key, '.'); !parts.eof();) {
      at.reset(at[key]);
      std::getline(parts, key, '.');
    }
    at[key] = YAML::Load(value);
  }
  static std::string text_of(const YAML::Node& root) {
    std::stringstream text;
    text << root;
    return text.str();
  }

  // The bytes of pico's module by this YAML.
  Result<std::string> compile(const YAML::Node& root) const {
    const std::string config = folder_.path("config.yaml"), module = folder_.path("pico.samc");
    SAMC_TRY(write_file(config, text_of(root)));
    CompileOptions options;
    options.model = kPico + "pico.pt";
    options.config = config;
    SAMC_TRY(compile_model(options, module).status());
    return read_text_file(module, size_t{1} << 30);
  }

  struct Written {
    std::string bytes;
    std::string warnings;
  };
  // The options of pico by this YAML, its warnings kept.
  template <class Options>
  Options options_of(const YAML::Node& root, Written& written) const {
    const std::string config = folder_.path("config.yaml");
    EXPECT_TRUE(write_file(config, text_of(root)).is_ok());
    Options options;
    options.model = kPico + "pico.pt";
    options.config = config;
    options.warn = [&](const std::string& warning) { written.warnings += warning + "\n"; };
    return options;
  }
  std::string bytes_of(const std::string& name) const {
    return read_text_file(folder_.path(name), size_t{1} << 30).value();
  }
  Written write_onnx(const YAML::Node& root) const {
    Written written;
    const Status status =
        onnx_target::export_model(options_of<onnx_target::ExportOptions>(root, written), folder_.path("x")).status();
    EXPECT_TRUE(status.is_ok()) << status.to_string();
    written.bytes = bytes_of("x/encoder.onnx") + bytes_of("x/decoder.onnx");
    return written;
  }
  // Both parts.
  Written write_mlir(const YAML::Node& root) const {
    Written written;
    auto options = options_of<sophgo::TransformOptions>(root, written);
    options.model_name = "part";
    for (const auto part : {sophgo::ModelPart::kEncoder, sophgo::ModelPart::kDecoder}) {
      options.part = part;
      const auto model = sophgo::TransformedModel::make(options);
      EXPECT_TRUE(model.is_ok()) << model.status().to_string();
      if (!model.is_ok()) continue;
      EXPECT_TRUE(model.value()->write(folder_.path("part.mlir")).is_ok());
      written.bytes += bytes_of("part.mlir") + bytes_of(sophgo::weight_file_name("part"));
    }
    return written;
  }

  const TestFolder folder_;
};

TEST_F(ConfigKeys, TheTableHasEveryKey) {
  std::set<std::string> keys, listed;
  collect_keys(whole()["model"], "", keys);
  for (const Change& change : kChanges) EXPECT_TRUE(listed.insert(change.key).second) << change.key;
  EXPECT_EQ(keys, listed);
}

TEST_F(ConfigKeys, WhatIsReadReachesTheModuleOrIsAnError) {
  const Result<std::string> unchanged = compile(whole());
  ASSERT_TRUE(unchanged.is_ok()) << unchanged.status().to_string();
  for (const Change& change : kChanges) {
    SCOPED_TRACE(fmt::format("{}: {}", change.key, change.value));
    YAML::Node root = whole();
    set(root, change.key, change.value);
    const Result<std::string> changed = compile(root);
    EXPECT_EQ(changed.is_ok(), change.effect != Effect::kError) << changed.status().to_string();
    if (!changed.is_ok()) continue;
    const bool has_meaning = change.effect != Effect::kNothing;
    EXPECT_EQ(changed.value() != unchanged.value(), has_meaning) << "the module is another one, or the same";
  }
}

// What is in the module is in the other formats as well, or a warning names the key.
TEST_F(ConfigKeys, OtherFormatsKeepTheSameOrSayThatTheyCannot) {
  const auto expect_kept_or_said = [](const char* format, const std::string& key, const Written& unchanged,
                                      const Written& changed) {
    EXPECT_EQ(unchanged.warnings, "");
    EXPECT_NE(changed.bytes != unchanged.bytes, changed.warnings.find(key) != std::string::npos)
        << format << " " << key << " " << changed.warnings;
  };
  const Written onnx = write_onnx(whole()), mlir = write_mlir(whole());
  YAML::Node for_video = whole();
  for (const Change& change : kChanges) {
    if (change.effect == Effect::kVideo) set(for_video, change.key, change.value);
    if (change.effect != Effect::kModule) continue;
    YAML::Node root = whole();
    set(root, change.key, change.value);
    expect_kept_or_said("ONNX", change.key, onnx, write_onnx(root));
    expect_kept_or_said("MLIR", change.key, mlir, write_mlir(root));
  }
  for (const auto& [unchanged, changed] : {std::pair{onnx, write_onnx(for_video)}, {mlir, write_mlir(for_video)}}) {
    EXPECT_EQ(changed.bytes, unchanged.bytes) << "a key of tracking changes what images need";
    EXPECT_EQ(changed.warnings, "");
  }
}

// A model that segments images, but whose memory samc cannot build, says so once.
TEST_F(ConfigKeys, AModelThatCannotTrackSaysWhy) {
  YAML::Node root = whole();
  set(root, "memory_attention.layer.cross_attention.rope_k_repeat", "false");
  Written written;
  const auto options = options_of<CompileOptions>(root, written);
  ASSERT_TRUE(compile_model(options, folder_.path("pico.samc")).is_ok());
  EXPECT_NE(written.warnings.find("cross_attention.rope_k_repeat is false cannot track objects"), std::string::npos)
      << written.warnings;
}

TEST_F(ConfigKeys, TheDocumentListsWhatHasNoMeaningForImages) {
  const std::string document = read_text_file(SAMC_SOURCE_DIR "/docs/config_keys.md", 1 << 20).value();
  for (const Change& change : kChanges) {
    if (change.effect != Effect::kVideo && change.effect != Effect::kNothing) continue;
    const std::string key = change.key;
    const std::string name = key.substr(key.rfind('.') + 1);
    EXPECT_NE(document.find("`" + name + "`"), std::string::npos) << key;
  }
}

TEST_F(ConfigKeys, TheFallbackIsKeptAsItIsWritten) {
  YAML::Node root = whole();
  set(root, "sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh", ".nan");
  const Result<std::string> result = compile(root);
  ASSERT_FALSE(result.is_ok());
  EXPECT_NE(result.status().message().find("dynamic_multimask_stability_thresh"), std::string::npos)
      << result.status().to_string();
}

}  // namespace
}  // namespace samc::test
