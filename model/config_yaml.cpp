// Reading the official YAML format. yaml-cpp throws; nothing it throws leaves this file.

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <exception>
#include <filesystem>
#include <set>
#include <sstream>
#include <vector>

#include "base/files.h"
#include "base/guard.h"
#include "base/quote.h"
#include "model/config.h"
#include "model/config_references.h"
#include "model/transformers_config.h"

namespace samc {
namespace {

constexpr size_t kLargestFile = 1 << 20;

struct ConfigError : std::exception {
  explicit ConfigError(Status given) : status(std::move(given)) {}
  Status status;
};

[[noreturn]] void fail(const std::string& key, const std::string& why) {
  throw ConfigError(invalid_input(fmt::format("config key {}: {}", key, why)));
}

[[noreturn]] void fail_unsupported(const std::string& key, const std::string& why) {
  throw ConfigError(unsupported(fmt::format("config key {}: {}", key, why)));
}

// A YAML map whose every key must be asked for: what nobody asked for is unknown.
class MapReader {
 public:
  MapReader(const YAML::Node& node, std::string path) : node_(node), path_(std::move(path)) {
    if (!node_.IsMap()) fail(path_, "must be a map");
    std::set<std::string> seen;
    for (const auto& entry : node_)
      if (!seen.insert(entry.first.Scalar()).second) fail(join(entry.first.Scalar()), "given twice");
  }

  // "model.image_size"; of the file's top the key alone.
  std::string join(const std::string& key) const { return path_.empty() ? quote(key) : path_ + "." + quote(key); }
  bool has(const std::string& key) {
    asked_.insert(key);
    const YAML::Node value = node_[key];
    return value.IsDefined() && !value.IsNull();
  }

  MapReader map(const std::string& key) {
    if (!has(key)) fail(join(key), "missing");
    return {node_[key], join(key)};
  }

  // The value at KEY, or the default of the official class.
  template <class T>
  void read(const std::string& key, T& value) {
    if (has(key)) value = convert<T>(node_[key], join(key));
  }
  template <class T>
  void require(const std::string& key, T& value) {
    if (!has(key)) fail(join(key), "missing");
    value = convert<T>(node_[key], join(key));
  }
  // Keys that matter for training only.
  void ignore(const std::string& key) { asked_.insert(key); }
  template <class T>
  void only(const std::string& key, const T& supported, const T& official_default) {
    T value = official_default;
    read(key, value);
    if (value != supported)
      fail_unsupported(join(key), fmt::format("{} given, only {} is supported", value, supported));
  }

  // _target_'s class, one of these, whatever package it is in: "sam2.modeling.backbones.hieradet.Hiera" is "Hiera".
  std::string target(const std::vector<std::string>& classes) {
    std::string name;
    require("_target_", name);
    std::string last = name.substr(name.rfind('.') + 1);
    for (const std::string& known : classes)
      if (last == known) return last;
    fail_unsupported(join("_target_"), fmt::format("class '{}' is unknown, {} expected", quote(name), classes[0]));
  }

  const YAML::Node& node() const { return node_; }

  void done() const {
    for (const auto& entry : node_)
      if (!asked_.contains(entry.first.Scalar())) fail_unsupported(join(entry.first.Scalar()), "unknown key");
  }

 private:
  template <class T>
  static T convert(const YAML::Node& node, const std::string& path);

  YAML::Node node_;
  std::string path_;
  std::set<std::string> asked_;
};

template <class T>
T scalar(const YAML::Node& node, const std::string& path, const char* type) {
  T value{};
  if (!node.IsScalar()) fail(path, fmt::format("must be {}", type));
  if (!YAML::convert<T>::decode(node, value)) fail(path, fmt::format("'{}' is not {}", quote(node.Scalar()), type));
  return value;
}

// No number of a model is near it; sums and small products of such numbers keep to 64 bits.
constexpr int64_t kGreatestInteger = int64_t{1} << 31;

int64_t integer(const YAML::Node& node, const std::string& path) {
  const auto value = scalar<int64_t>(node, path, "an integer");
  if (value < -kGreatestInteger || value > kGreatestInteger) fail(path, fmt::format("{} is out of range", value));
  return value;
}

template <>
int64_t MapReader::convert<int64_t>(const YAML::Node& node, const std::string& path) {
  return integer(node, path);
}
template <>
double MapReader::convert<double>(const YAML::Node& node, const std::string& path) {
  return scalar<double>(node, path, "a number");
}
template <>
bool MapReader::convert<bool>(const YAML::Node& node, const std::string& path) {
  return scalar<bool>(node, path, "true or false");
}
template <>
std::string MapReader::convert<std::string>(const YAML::Node& node, const std::string& path) {
  return scalar<std::string>(node, path, "a text");
}
template <>
std::vector<int64_t> MapReader::convert<std::vector<int64_t>>(const YAML::Node& node, const std::string& path) {
  if (!node.IsSequence()) fail(path, "must be a list of integers");
  if (node.size() > 1000) fail(path, "is too long");
  std::vector<int64_t> values;
  for (const YAML::Node& element : node) values.push_back(integer(element, path));
  return values;
}
template <>
std::array<int64_t, 2> MapReader::convert<std::array<int64_t, 2>>(const YAML::Node& node, const std::string& path) {
  const auto values = convert<std::vector<int64_t>>(node, path);
  if (values.size() != 2) fail(path, "must be a list of two integers");
  return {values[0], values[1]};
}

SinePositionConfig read_position(MapReader map) {
  SinePositionConfig position;
  map.target({"PositionEmbeddingSine"});
  map.require("num_pos_feats", position.num_pos_feats);
  map.read("temperature", position.temperature);
  map.only("normalize", true, true);
  if (map.has("scale")) fail_unsupported(map.join("scale"), "only null is supported");
  for (const char* key : {"warmup_cache", "image_size", "strides"}) map.ignore(key);
  map.done();
  return position;
}

HieraConfig read_trunk(MapReader map) {
  HieraConfig trunk;
  map.target({"Hiera"});
  map.read("embed_dim", trunk.embed_dim);
  map.read("num_heads", trunk.num_heads);
  map.read("q_pool", trunk.q_pool);
  map.read("q_stride", trunk.q_stride);
  map.read("stages", trunk.stages);
  map.read("dim_mul", trunk.dim_mul);
  map.read("head_mul", trunk.head_mul);
  map.read("window_pos_embed_bkg_spatial_size", trunk.window_pos_embed_bkg_spatial_size);
  map.read("window_spec", trunk.window_spec);
  map.read("global_att_blocks", trunk.global_att_blocks);
  map.only("return_interm_layers", true, true);
  for (const char* key : {"drop_path_rate", "weights_path"}) map.ignore(key);
  map.done();
  return trunk;
}

NeckConfig read_neck(MapReader map) {
  NeckConfig neck;
  map.target({"FpnNeck"});
  neck.position_encoding = read_position(map.map("position_encoding"));
  map.require("d_model", neck.d_model);
  map.require("backbone_channel_list", neck.backbone_channel_list);
  neck.fpn_top_down_levels = {0, 1, 2, 3};
  map.read("fpn_top_down_levels", neck.fpn_top_down_levels);
  map.only("kernel_size", int64_t{1}, int64_t{1});
  map.only("stride", int64_t{1}, int64_t{1});
  map.only("padding", int64_t{0}, int64_t{0});
  map.only("fpn_interp_model", std::string("nearest"), std::string("bilinear"));
  map.only("fuse_type", std::string("sum"), std::string("sum"));
  map.done();
  return neck;
}

RopeAttentionConfig read_rope_attention(MapReader map) {
  RopeAttentionConfig attention;
  map.target({"RoPEAttention"});
  map.require("embedding_dim", attention.embedding_dim);
  map.require("num_heads", attention.num_heads);
  map.read("downsample_rate", attention.downsample_rate);
  attention.kv_in_dim = attention.embedding_dim;
  map.read("kv_in_dim", attention.kv_in_dim);
  map.read("rope_theta", attention.rope_theta);
  map.read("feat_sizes", attention.feat_sizes);
  map.read("rope_k_repeat", attention.rope_k_repeat);
  map.ignore("dropout");
  map.done();
  return attention;
}

MemoryAttentionConfig read_memory_attention(MapReader map) {
  MemoryAttentionConfig attention;
  map.target({"MemoryAttention"});
  map.require("d_model", attention.d_model);
  map.require("pos_enc_at_input", attention.pos_enc_at_input);
  map.require("num_layers", attention.num_layers);
  map.only("batch_first", true, true);
  MapReader layer = map.map("layer");
  layer.target({"MemoryAttentionLayer"});
  layer.require("activation", attention.activation);
  layer.require("dim_feedforward", attention.dim_feedforward);
  layer.only("d_model", attention.d_model, attention.d_model);
  layer.require("pos_enc_at_attn", attention.pos_enc_at_attn);
  layer.require("pos_enc_at_cross_attn_keys", attention.pos_enc_at_cross_attn_keys);
  layer.require("pos_enc_at_cross_attn_queries", attention.pos_enc_at_cross_attn_queries);
  attention.self_attention = read_rope_attention(layer.map("self_attention"));
  attention.cross_attention = read_rope_attention(layer.map("cross_attention"));
  layer.ignore("dropout");
  layer.done();
  map.done();
  return attention;
}

MemoryEncoderConfig read_memory_encoder(MapReader map) {
  MemoryEncoderConfig encoder;
  map.target({"MemoryEncoder"});
  map.require("out_dim", encoder.out_dim);
  map.read("in_dim", encoder.in_dim);
  encoder.position_encoding = read_position(map.map("position_encoding"));

  MapReader mask = map.map("mask_downsampler");
  mask.target({"MaskDownSampler"});
  mask.read("embed_dim", encoder.mask_embed_dim);
  mask.read("kernel_size", encoder.mask_kernel_size);
  mask.read("stride", encoder.mask_stride);
  mask.read("padding", encoder.mask_padding);
  mask.read("total_stride", encoder.mask_total_stride);
  mask.done();

  MapReader fuser = map.map("fuser");
  fuser.target({"Fuser"});
  fuser.require("num_layers", encoder.fuser_layers);
  fuser.read("input_projection", encoder.fuser_input_projection);
  fuser.ignore("dim");
  MapReader layer = fuser.map("layer");
  layer.target({"CXBlock"});
  layer.require("dim", encoder.fuser_dim);
  layer.read("kernel_size", encoder.fuser_kernel_size);
  layer.read("padding", encoder.fuser_padding);
  double layer_scale = 1e-6;
  layer.read("layer_scale_init_value", layer_scale);
  encoder.fuser_layer_scale = layer_scale > 0.0;
  layer.read("use_dwconv", encoder.fuser_depthwise);
  layer.ignore("drop_path");
  layer.done();
  fuser.done();
  map.done();
  return encoder;
}

void read_extra_args(MapReader map, MaskDecoderConfig& decoder) {
  map.read("dynamic_multimask_via_stability", decoder.dynamic_multimask_via_stability);
  map.read("dynamic_multimask_stability_delta", decoder.dynamic_multimask_stability_delta);
  map.read("dynamic_multimask_stability_thresh", decoder.dynamic_multimask_stability_thresh);
  map.done();
}

ModelConfig read_model(MapReader map) {
  ModelConfig config;
  const bool is_training =
      map.target({"SAM2Base", "SAM2VideoPredictor", "SAM2VideoPredictorVOS", "SAM2Train"}) == "SAM2Train";
  MapReader image_encoder = map.map("image_encoder");
  image_encoder.target({"ImageEncoder"});
  image_encoder.only("scalp", int64_t{1}, int64_t{0});
  config.trunk = read_trunk(image_encoder.map("trunk"));
  config.neck = read_neck(image_encoder.map("neck"));
  image_encoder.done();
  config.memory_attention = read_memory_attention(map.map("memory_attention"));
  config.memory_encoder = read_memory_encoder(map.map("memory_encoder"));
  if (map.has("sam_mask_decoder_extra_args"))
    read_extra_args(map.map("sam_mask_decoder_extra_args"), config.mask_decoder);

  map.read("image_size", config.image_size);
  map.read("backbone_stride", config.backbone_stride);
  map.read("num_maskmem", config.num_maskmem);
  map.read("sigmoid_scale_for_mem_enc", config.sigmoid_scale_for_mem_enc);
  map.read("sigmoid_bias_for_mem_enc", config.sigmoid_bias_for_mem_enc);
  map.read("binarize_mask_from_pts_for_mem_enc", config.binarize_mask_from_pts_for_mem_enc);
  map.read("use_mask_input_as_output_without_sam", config.use_mask_input_as_output_without_sam);
  map.read("max_cond_frames_in_attn", config.max_cond_frames_in_attn);
  map.read("directly_add_no_mem_embed", config.directly_add_no_mem_embed);
  map.read("use_high_res_features_in_sam", config.use_high_res_features_in_sam);
  map.read("multimask_output_in_sam", config.multimask_output_in_sam);
  map.read("multimask_min_pt_num", config.multimask_min_pt_num);
  map.read("multimask_max_pt_num", config.multimask_max_pt_num);
  map.read("multimask_output_for_tracking", config.multimask_output_for_tracking);
  map.read("use_multimask_token_for_obj_ptr", config.use_multimask_token_for_obj_ptr);
  map.read("iou_prediction_use_sigmoid", config.iou_prediction_use_sigmoid);
  map.read("memory_temporal_stride_for_eval", config.memory_temporal_stride_for_eval);
  map.read("non_overlap_masks_for_mem_enc", config.non_overlap_masks_for_mem_enc);
  map.read("use_obj_ptrs_in_encoder", config.use_obj_ptrs_in_encoder);
  map.read("max_obj_ptrs_in_encoder", config.max_obj_ptrs_in_encoder);
  map.read("add_tpos_enc_to_obj_ptrs", config.add_tpos_enc_to_obj_ptrs);
  map.read("proj_tpos_enc_in_obj_ptrs", config.proj_tpos_enc_in_obj_ptrs);
  map.read("use_signed_tpos_enc_to_obj_ptrs", config.use_signed_tpos_enc_to_obj_ptrs);
  map.read("only_obj_ptrs_in_the_past_for_eval", config.only_obj_ptrs_in_the_past_for_eval);
  map.read("pred_obj_scores", config.pred_obj_scores);
  map.read("pred_obj_scores_mlp", config.pred_obj_scores_mlp);
  map.read("fixed_no_obj_ptr", config.fixed_no_obj_ptr);
  map.read("soft_no_obj_ptr", config.soft_no_obj_ptr);
  map.read("use_mlp_for_obj_ptr_proj", config.use_mlp_for_obj_ptr_proj);
  map.read("no_obj_embed_spatial", config.no_obj_embed_spatial);
  map.ignore("compile_image_encoder");
  // Of SAM2Train beyond SAM2Base: how prompts are drawn while it trains.
  for (const char* key :
       {"prob_to_use_pt_input_for_train", "prob_to_use_pt_input_for_eval", "prob_to_use_box_input_for_train",
        "prob_to_use_box_input_for_eval", "num_frames_to_correct_for_train", "num_frames_to_correct_for_eval",
        "rand_frames_to_correct_for_train", "rand_frames_to_correct_for_eval", "num_init_cond_frames_for_train",
        "num_init_cond_frames_for_eval", "rand_init_cond_frames_for_train", "rand_init_cond_frames_for_eval",
        "add_all_frames_to_correct_as_cond", "num_correction_pt_per_frame", "pt_sampling_for_eval",
        "prob_to_sample_from_gt_for_train", "use_act_ckpt_iterative_pt_sampling", "forward_backbone_per_frame_for_eval",
        "freeze_image_encoder"})
    if (is_training) map.ignore(key);
  map.done();
  return config;
}

// Hydra takes in other files by "defaults", which samc does not look for.
void check_defaults(const YAML::Node& defaults) {
  if (!defaults.IsDefined() || defaults.IsNull()) return;
  for (const YAML::Node& entry : defaults)
    if (!entry.IsScalar() || entry.Scalar() != "_self_")
      fail_unsupported("defaults",
                       "takes in other files, which samc does not; give the YAML that training has written");
}

// "model" of the official configs, "trainer.model" of those that it is trained by.
Result<ModelConfig> read_document(const YAML::Node& document) {
  const bool is_training = !document["model"].IsDefined() && document["trainer"].IsDefined();
  if (!is_training) {
    MapReader top(document, "");
    SAMC_ASSIGN(const YAML::Node model, resolve_references(document, top.map("model").node(), "model"));
    top.done();
    return read_model({model, "model"});
  }
  check_defaults(document["defaults"]);
  MapReader trainer(document["trainer"], "trainer");
  SAMC_ASSIGN(const YAML::Node model, resolve_references(document, trainer.map("model").node(), "trainer.model"));
  return read_model({model, "trainer.model"});
}

class NothingIsKept : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Not by YAML::LoadAll: a comma at the start of a line makes it find empty documents without end.
bool has_second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  NothingIsKept nothing;
  return parser.HandleNextDocument(nothing) && parser.HandleNextDocument(nothing);
}

}  // namespace

static Result<ModelConfig> parse_config_unguarded(const std::string& text, const std::string& name) {
  try {
    if (has_second_document(text))
      return invalid_input("more than one document in the YAML file, one is taken",
                           "leave out the lines of '---' and what does not belong to the model");
    const YAML::Node document = YAML::Load(text);
    if (!document.IsMap() || !(document["model"].IsDefined() || document["trainer"].IsDefined()))
      return invalid_input("no key 'model' at the top of the YAML file, nor 'trainer'",
                           "a SAM 2 config file is needed, as in sam2/configs/sam2.1/ or sam2.1_training/");
    SAMC_ASSIGN(ModelConfig config, read_document(document));
    config.name = name;
    SAMC_TRY(check_config(config));
    return config;
  } catch (const ConfigError& error) {
    return error.status;
  } catch (const YAML::Exception& error) {
    return invalid_input(fmt::format("line {}, column {}: {}", error.mark.line + 1, error.mark.column + 1, error.msg),
                         "a valid YAML file is needed");
  }
}

Result<ModelConfig> parse_config(const std::string& text, const std::string& name) {
  return guarded([&] { return parse_config_unguarded(text, name); });
}

static Result<ModelConfig> read_config_unguarded(const std::string& path) {
  SAMC_ASSIGN(const std::string text, read_text_file(path, kLargestFile));
  const std::filesystem::path place(path);
  // A config.json has the same name in every folder.
  Result<ModelConfig> config =
      place.extension() == ".json"
          ? parse_transformers_config(text, std::filesystem::absolute(place).parent_path().filename().string())
          : parse_config(text, place.stem().string());
  if (!config.is_ok()) return config.status().at(path);
  return config;
}

Result<ModelConfig> read_config(const std::string& path) {
  return guarded([&] { return read_config_unguarded(path); });
}

}  // namespace samc
