#include "model/source.h"

#include <fmt/ranges.h>

#include "base/files.h"
#include "base/guard.h"
#include "model/build_video.h"
#include "model/identity.h"
#include "model/recognise.h"
#include "model/tensor_names.h"
#include "package/reader.h"

namespace samc {
namespace {

constexpr size_t kMostNamed = 5;  // tensors that are not finite

// By Format.
constexpr const char* kFormatNames[] = {"a module",           "an ONNX export",     "the MLIR of a part",
                                        "the MLIR of a part", "the MLIR of a part", "a folder of bmodels"};

// What is no checkpoint, but known.
Status check_checkpoint(const std::string& path) {
  if (path.ends_with(".onnx"))
    return invalid_input(path + " is one ONNX file, a part of a model",
                         "give the folder that holds encoder.onnx and decoder.onnx, or the checkpoint (.pt)");
  SAMC_ASSIGN(const bool is_module, is_module_file(path));
  return is_module ? invalid_input(path + " is already compiled", "give the checkpoint it was made from")
                   : Status::ok();
}

ModelInfo info_of(const ModelConfig& config) {
  const MaskDecoderConfig& decoder = config.mask_decoder;
  ModelInfo info;
  info.name = config.name;
  info.image_size = config.image_size;
  info.dynamic_multimask_via_stability = decoder.dynamic_multimask_via_stability;
  info.stability_delta = static_cast<float>(decoder.dynamic_multimask_stability_delta);
  info.stability_threshold = static_cast<float>(decoder.dynamic_multimask_stability_thresh);
  if (check_video(config).is_ok()) info.video = video_facts(config);
  return info;
}

}  // namespace

Result<ModelSource> ModelSource::open(const SourceOptions& options, Format format) {
  return guarded([&]() -> Result<ModelSource> {
    SAMC_ASSIGN(ModelSource source, is_folder(options.model) ? open_export(options) : open_checkpoint(options));
    const bool is_checkpoint = std::holds_alternative<OfCheckpoint>(source.model_);
    if (format == Format::kModule && is_checkpoint && !source.info_.video.has_value())
      source.warnings_.push_back(source.check_video().message());
    const std::vector<std::string> lost = lost_facts(source.info_, format);
    source.warnings_.insert(source.warnings_.end(), lost.begin(), lost.end());
    for (const std::string& warning : source.warnings_)
      if (options.warn) options.warn(warning);
    return source;
  });
}

Result<ModelSource> ModelSource::open_checkpoint(const SourceOptions& options) {
  SAMC_TRY(check_checkpoint(options.model));
  SAMC_ASSIGN(NamedCheckpoint named, open_with_official_names(options.model, options.state_dict));
  SAMC_ASSIGN(Recognition found,
              find_model(options.model, tensor_specs(named.checkpoint), options.config, options.image_size));
  ModelSource source(OfCheckpoint{std::move(named.checkpoint), std::move(found.config)});
  const auto& [opened, config] = std::get<OfCheckpoint>(source.model_);
  source.info_ = info_of(config);
  SAMC_ASSIGN(source.info_.encoder_id, encoder_identity(config, opened));
  source.why_ = std::move(found.why);
  if (!named.renamed_as.empty()) source.why_ += "; " + named.renamed_as;
  if (const std::string others = other_weights(opened); !others.empty()) source.warnings_.push_back(others);
  SAMC_ASSIGN(const std::vector<NonFiniteTensor> non_finite, opened.find_non_finite(kMostNamed));
  for (const NonFiniteTensor& tensor : non_finite) source.warnings_.push_back(tensor.to_string());
  if (!found.assumed.empty()) source.warnings_.push_back(std::move(found.assumed));
  return source;
}

Result<ModelSource> ModelSource::open_export(const SourceOptions& options) {
  SAMC_TRY(check_no_architecture(options));
  SAMC_ASSIGN(ExportedModel exported, ExportedModel::load(options.model));
  ModelSource source(std::move(exported));
  const auto& opened = std::get<ExportedModel>(source.model_);
  source.info_.name = opened.name;
  source.info_.image_size = opened.image_size;
  source.info_.mask_threshold = static_cast<float>(opened.cuts.mask_threshold);
  SAMC_ASSIGN(source.info_.encoder_id, opened.encoder_identity());
  source.why_ = opened.description();
  for (const NonFiniteTensor& tensor : opened.find_non_finite(kMostNamed))
    source.warnings_.push_back(tensor.to_string());
  return source;
}

Status ModelSource::check_video() const {
  if (const auto* checkpoint = std::get_if<OfCheckpoint>(&model_)) return samc::check_video(checkpoint->config);
  return unsupported(fmt::format("{} is an ONNX export, which holds no parts for video", info_.name),
                     "give the checkpoint (.pt) that it was made from");
}

Status ModelSource::add_weights(WeightStore& weights) const {
  const auto& [checkpoint, config] = std::get<OfCheckpoint>(model_);
  const bool are_there = weights.contains("image_encoder.trunk.pos_embed");  // every model has it
  if (are_there) return Status::ok();
  SAMC_TRY(add_image_weights(config, checkpoint, weights));
  return info_.video.has_value() ? add_video_weights(config, checkpoint, weights) : Status::ok();
}

Result<std::vector<std::string>> source_files(const SourceOptions& options) {
  if (is_folder(options.model)) return ExportedModel::files(options.model);
  SAMC_ASSIGN(std::vector<std::string> files, Checkpoint::files(options.model));
  if (const auto config = config_file(options.model, options.config)) files.push_back(*config);
  return files;
}

Status check_no_architecture(const SourceOptions& options) {
  const char* given = options.config       ? "--config"
                      : options.image_size ? "--image-size"
                      : options.state_dict ? "--state-dict"
                                           : nullptr;
  if (given == nullptr) return Status::ok();
  return usage_error(fmt::format("{} is for checkpoints, and {} holds its architecture", given, options.model),
                     "leave it out");
}

std::vector<std::string> lost_facts(const ModelInfo& info, Format format) {
  if (format == Format::kModule) return {};
  const ModelInfo usual;
  std::vector<std::string> lost;
  const auto fact = [&](const char* key, const auto& value, const auto& otherwise, bool is_kept) {
    if (!is_kept && value != otherwise)
      lost.push_back(fmt::format("{} cannot hold {} {}: who runs it takes {}",
                                 kFormatNames[static_cast<size_t>(format)], key, value, otherwise));
  };
  // A new fact does not compile until it has a line below. Names, the image size (in the shapes) and the identity (of
  // the new encoder) are in every format.
  const auto& [name, build_id, encoder_id, image_size, pixel_mean, pixel_std, mask_threshold, via_stability,
               stability_delta, stability_threshold, video, notes] = info;
  const bool no_encoder = format == Format::kDecoderMlir || format == Format::kMemoryMlir;
  const bool no_decoder = format == Format::kEncoderMlir || format == Format::kMemoryMlir;
  const bool in_manifest = format == Format::kBmodels;  // targets/sophgo/device/manifest.h
  fact("pixel_mean", pixel_mean, usual.pixel_mean, no_encoder);
  fact("pixel_std", pixel_std, usual.pixel_std, no_encoder);
  fact("mask_threshold", mask_threshold, usual.mask_threshold, no_decoder || in_manifest);
  fact("sam_mask_decoder_extra_args.dynamic_multimask_via_stability", via_stability,
       usual.dynamic_multimask_via_stability, no_decoder || in_manifest);
  fact("sam_mask_decoder_extra_args.dynamic_multimask_stability_delta", stability_delta, usual.stability_delta,
       no_decoder || in_manifest);
  fact("sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh", stability_threshold, usual.stability_threshold,
       no_decoder || in_manifest);
  return lost;
}

}  // namespace samc
