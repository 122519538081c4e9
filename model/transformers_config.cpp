#include "model/transformers_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/guard.h"
#include "base/json_document.h"
#include "base/memory_budget.h"
#include "base/quote.h"

namespace samc {
namespace {

constexpr int64_t kMemoryPerByte = 64;           // of the JSON
constexpr double kGreatestInteger = 2147483648;  // as in the YAML
constexpr size_t kLongestList = 1000;
constexpr const char* kHint = "give the official-format YAML of the model with --config FILE.yaml";

// An object of the file, and the first thing in it that is wrong.
class Section {
 public:
  Section(const JsonValue* object, std::string path, Status& status)
      : object_(object), path_(std::move(path)), status_(status) {}

  Section section(const char* key) const {
    const JsonValue* value = find(key);
    if (value != nullptr && value->object() == nullptr) fail(key, "must be an object");
    return {value, join(key), status_};
  }

  void read(const char* key, bool& value) const {
    const JsonValue* found = find(key);
    if (found == nullptr) return;
    if (found->boolean() == nullptr) return fail(key, "must be true or false");
    value = *found->boolean();
  }
  void read(const char* key, double& value) const {
    const JsonValue* found = find(key);
    if (found == nullptr) return;
    if (found->number() == nullptr) return fail(key, "must be a number");
    value = *found->number();
  }
  void read(const char* key, std::string& value) const {
    const JsonValue* found = find(key);
    if (found == nullptr) return;
    if (found->string() == nullptr) return fail(key, "must be a text");
    value = *found->string();
  }
  void read(const char* key, int64_t& value) const {
    if (const JsonValue* found = find(key); found != nullptr && !integer(*found, value))
      fail(key, "must be an integer");
  }
  void read(const char* key, std::vector<int64_t>& values) const {
    const JsonValue* found = find(key);
    if (found == nullptr) return;
    if (found->list() == nullptr || found->list()->size() > kLongestList)
      return fail(key, "must be a list of integers");
    values.clear();
    for (const JsonValue& element : *found->list())
      if (!integer(element, values.emplace_back())) return fail(key, "must be a list of integers");
  }
  // Two integers, or one for both.
  void read(const char* key, std::array<int64_t, 2>& values) const {
    const JsonValue* found = find(key);
    if (found == nullptr) return;
    std::vector<int64_t> both(1);
    if (found->list() == nullptr)
      read(key, both[0]);
    else
      read(key, both);
    if (both.size() > 2 || both.empty()) return fail(key, "must be one integer or two");
    values = {both.front(), both.back()};
  }
  // What samc has no other of.
  template <class T>
  void only(const char* key, const T& supported) const {
    T value = supported;
    read(key, value);
    if (value != supported)
      fail(key, fmt::format("{} given, only {} is supported", text_of(value), text_of(supported)));
  }

  void fail(const char* key, const std::string& why) const {
    if (status_.is_ok()) status_ = unsupported(fmt::format("config key {}: {}", join(key), why), kHint);
  }

 private:
  template <class T>
  static std::string text_of(const T& value) {
    return quote(fmt::format("{}", value));
  }
  static bool integer(const JsonValue& value, int64_t& result) {
    const double* number = value.number();
    if (number == nullptr || !(std::abs(*number) <= kGreatestInteger) || std::floor(*number) != *number) return false;
    result = static_cast<int64_t>(*number);
    return true;
  }
  std::string join(const char* key) const { return path_.empty() ? key : fmt::format("{}.{}", path_, key); }
  const JsonValue* find(const char* key) const {
    const JsonValue* found = object_ == nullptr ? nullptr : object_->member(key);
    return found == nullptr || found->is_null() ? nullptr : found;
  }

  const JsonValue* object_;  // null: it is left out
  std::string path_;
  Status& status_;
};

// Each stage's width or heads must be the one before times a factor, as the official trunk has it.
void read_stages(const Section& trunk, const char* key, int64_t first, double& factor) {
  std::vector<int64_t> stages;
  trunk.read(key, stages);
  if (stages.size() < 2) return;
  factor = static_cast<double>(stages[1]) / static_cast<double>(stages[0]);
  double expected = static_cast<double>(first);
  for (const int64_t stage : stages) {
    if (static_cast<double>(stage) != expected)
      return trunk.fail(key, fmt::format("{} do not grow by one factor from {}", stages, first));
    expected *= factor;
  }
}

void read_trunk(const Section& section, ModelConfig& config) {
  HieraConfig& trunk = config.trunk;
  section.read("hidden_size", trunk.embed_dim);
  section.read("num_attention_heads", trunk.num_heads);
  std::array<int64_t, 2> size = {config.image_size, config.image_size};
  section.read("image_size", size);
  if (size[0] != size[1]) section.fail("image_size", "only squares are supported");
  config.image_size = size[0];
  section.only("patch_kernel_size", std::array<int64_t, 2>{7, 7});
  section.only("patch_stride", std::array<int64_t, 2>{4, 4});
  section.only("patch_padding", std::array<int64_t, 2>{3, 3});
  section.read("query_stride", trunk.q_stride);
  section.read("window_positional_embedding_background_size", trunk.window_pos_embed_bkg_spatial_size);
  section.read("num_query_pool_stages", trunk.q_pool);
  section.read("blocks_per_stage", trunk.stages);
  read_stages(section, "embed_dim_per_stage", trunk.embed_dim, trunk.dim_mul);
  read_stages(section, "num_attention_heads_per_stage", trunk.num_heads, trunk.head_mul);
  section.read("window_size_per_stage", trunk.window_spec);
  section.read("global_attention_blocks", trunk.global_att_blocks);
  section.read("mlp_ratio", trunk.mlp_ratio);
  section.only("hidden_act", std::string("gelu"));
  section.only("layer_norm_eps", 1e-6);
}

void read_vision(const Section& section, ModelConfig& config) {
  read_trunk(section.section("backbone_config"), config);
  NeckConfig& neck = config.neck;
  section.read("backbone_channel_list", neck.backbone_channel_list);
  section.read("fpn_hidden_size", neck.d_model);
  section.read("fpn_top_down_levels", neck.fpn_top_down_levels);
  section.only("fpn_kernel_size", int64_t{1});
  section.only("fpn_stride", int64_t{1});
  section.only("fpn_padding", int64_t{0});
  section.only("num_feature_levels", int64_t{3});
  neck.position_encoding.num_pos_feats = neck.d_model;
}

void read_prompts_and_masks(const Section& top, ModelConfig& config) {
  const Section prompts = top.section("prompt_encoder_config");
  prompts.only("hidden_size", config.d_model());
  prompts.only("image_size", std::array<int64_t, 2>{config.image_size, config.image_size});
  prompts.only("patch_size", std::array<int64_t, 2>{16, 16});
  prompts.only("mask_input_channels", config.mask_decoder.mask_in_chans);
  prompts.only("num_point_embeddings", int64_t{4});
  prompts.only("hidden_act", std::string("gelu"));
  prompts.only("layer_norm_eps", 1e-6);

  const Section masks = top.section("mask_decoder_config");
  MaskDecoderConfig& decoder = config.mask_decoder;
  masks.only("hidden_size", config.d_model());
  masks.only("hidden_act", std::string("gelu"));
  masks.only("mlp_dim", decoder.mlp_dim);
  masks.only("num_hidden_layers", decoder.depth);
  masks.only("num_attention_heads", decoder.num_heads);
  masks.only("attention_downsample_rate", decoder.attention_downsample_rate);
  masks.only("num_multimask_outputs", decoder.num_multimask_outputs);
  masks.only("iou_head_depth", decoder.iou_head_depth);
  masks.only("iou_head_hidden_dim", decoder.iou_head_hidden_dim);
  masks.read("dynamic_multimask_via_stability", decoder.dynamic_multimask_via_stability);
  masks.read("dynamic_multimask_stability_delta", decoder.dynamic_multimask_stability_delta);
  masks.read("dynamic_multimask_stability_thresh", decoder.dynamic_multimask_stability_thresh);
}

void read_memory_attention(const Section& top, ModelConfig& config) {
  MemoryAttentionConfig& attention = config.memory_attention;
  top.read("memory_attention_hidden_size", attention.d_model);
  top.read("memory_attention_num_layers", attention.num_layers);
  top.read("memory_attention_feed_forward_hidden_size", attention.dim_feedforward);
  top.read("memory_attention_feed_forward_hidden_act", attention.activation);
  for (RopeAttentionConfig* part : {&attention.self_attention, &attention.cross_attention}) {
    part->embedding_dim = attention.d_model;
    top.read("memory_attention_num_attention_heads", part->num_heads);
    top.read("memory_attention_downsample_rate", part->downsample_rate);
    top.read("memory_attention_rope_feat_sizes", part->feat_sizes);
    top.read("memory_attention_rope_theta", part->rope_theta);            // transformers 4
    top.section("rope_parameters").read("rope_theta", part->rope_theta);  // transformers 5
  }
  attention.self_attention.kv_in_dim = attention.d_model;
  attention.cross_attention.kv_in_dim = config.memory_dim();
}

void read_memory_encoder(const Section& top, ModelConfig& config) {
  MemoryEncoderConfig& encoder = config.memory_encoder;
  top.read("memory_encoder_hidden_size", encoder.in_dim);
  top.read("memory_encoder_output_channels", encoder.out_dim);
  encoder.position_encoding.num_pos_feats = encoder.out_dim;
  encoder.projects_same_dim = encoder.in_dim == encoder.out_dim;
  top.read("mask_downsampler_embed_dim", encoder.mask_embed_dim);
  top.read("mask_downsampler_kernel_size", encoder.mask_kernel_size);
  top.read("mask_downsampler_stride", encoder.mask_stride);
  top.read("mask_downsampler_padding", encoder.mask_padding);
  top.read("mask_downsampler_total_stride", encoder.mask_total_stride);
  top.only("mask_downsampler_hidden_act", std::string("gelu"));
  top.read("memory_fuser_num_layers", encoder.fuser_layers);
  top.read("memory_fuser_embed_dim", encoder.fuser_dim);
  top.only("memory_fuser_intermediate_dim", 4 * encoder.fuser_dim);
  top.read("memory_fuser_kernel_size", encoder.fuser_kernel_size);
  top.read("memory_fuser_padding", encoder.fuser_padding);
  double layer_scale = 1e-6;
  top.read("memory_fuser_layer_scale_init_value", layer_scale);
  encoder.fuser_layer_scale = layer_scale > 0;
  top.only("memory_fuser_hidden_act", std::string("gelu"));
}

void read_video(const Section& top, ModelConfig& config) {
  top.read("num_maskmem", config.num_maskmem);
  top.only("image_size", std::array<int64_t, 2>{config.image_size, config.image_size});
  top.read("sigmoid_scale_for_mem_enc", config.sigmoid_scale_for_mem_enc);
  top.read("sigmoid_bias_for_mem_enc", config.sigmoid_bias_for_mem_enc);
  top.read("enable_occlusion_spatial_embedding", config.no_obj_embed_spatial);
  bool pointer_times = true;
  top.read("enable_temporal_pos_encoding_for_object_pointers", pointer_times);
  config.add_tpos_enc_to_obj_ptrs = pointer_times;
  config.proj_tpos_enc_in_obj_ptrs = pointer_times;
  config.use_signed_tpos_enc_to_obj_ptrs = pointer_times;
  top.read("multimask_output_in_sam", config.multimask_output_in_sam);
  top.read("multimask_min_pt_num", config.multimask_min_pt_num);
  top.read("multimask_max_pt_num", config.multimask_max_pt_num);
  top.read("multimask_output_for_tracking", config.multimask_output_for_tracking);
  top.read("max_object_pointers_in_encoder", config.max_obj_ptrs_in_encoder);
  top.read("max_cond_frame_num", config.max_cond_frames_in_attn);
  read_memory_encoder(top, config);
  read_memory_attention(top, config);
}

// A Sam2Model has no memory: what is said of it only has to fit.
void fit_memory(ModelConfig& config) {
  const int64_t c = config.d_model();
  config.memory_attention.d_model = c;
  config.memory_attention.self_attention.embedding_dim = c;
  config.memory_attention.self_attention.kv_in_dim = c;
  config.memory_attention.cross_attention.embedding_dim = c;
  config.memory_encoder.in_dim = c;
  config.memory_encoder.mask_embed_dim = c;
  config.memory_encoder.fuser_dim = c;
}

// The official name of this architecture, whatever its image size.
std::string name_of(ModelConfig config, const std::string& otherwise) {
  for (const ModelConfig& official : official_configs()) {
    config.name = official.name;
    config.image_size = official.image_size;
    if (config == official) return official.name;
  }
  return otherwise;
}

}  // namespace

Result<ModelConfig> parse_transformers_config(const std::string& text, const std::string& name) {
  return guarded([&]() -> Result<ModelConfig> {
    SAMC_TRY(check_memory(static_cast<int64_t>(text.size()) * kMemoryPerByte, "the config"));
    SAMC_ASSIGN(const JsonDocument document, parse_json(text));
    if (!document.repeated.empty())
      return invalid_input(fmt::format("config key {}: given twice", quote(document.repeated[0].key)));
    const JsonValue* type = document.value.member("model_type");
    const std::string kind = type == nullptr || type->string() == nullptr ? "" : *type->string();
    if (kind != "sam2" && kind != "sam2_video")
      return unsupported(kind.empty() ? "no \"model_type\": it is no config of Hugging Face's transformers"
                                      : fmt::format("it is of a model of type {}, not sam2 or sam2_video", quote(kind)),
                         kHint);
    Status status;
    const Section top(&document.value, "", status);
    ModelConfig config = *find_official_config("sam2.1_hiera_tiny");
    read_vision(top.section("vision_config"), config);
    read_prompts_and_masks(top, config);
    kind == "sam2_video" ? read_video(top, config) : fit_memory(config);
    SAMC_TRY(status);
    config.name = name_of(config, name);
    SAMC_TRY(check_config(config));
    return config;
  });
}

}  // namespace samc
