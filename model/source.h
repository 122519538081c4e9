#pragma once
// The one door to a model, whatever it comes as: a checkpoint with its config, or the folder of an ONNX export. Opened
// once, it says what is known of the model and what is to be said of it, and builds its functions. Targets see no
// difference between the two, but where they wrap the decoder in one of their own.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "model/build.h"
#include "model/config.h"
#include "model/exported_model.h"
#include "package/plan.h"

namespace samc {

struct SourceOptions {
  // A checkpoint (checkpoint/checkpoint.h: .pt, .safetensors), or a folder with encoder.onnx and decoder.onnx.
  std::string model = {};
  // Of a checkpoint: official-format YAML or transformers' config.json; else what config_file() finds beside it, else
  // it is recognised by its tensors.
  std::optional<std::string> config = {};
  std::optional<int64_t> image_size = {};  // of a checkpoint, instead of the config's
  std::optional<std::string> state_dict =
      {};  // of a PyTorch checkpoint that holds several: the keys of the one to take
  std::function<void(const std::string& warning)> warn = {};  // gets each of ModelSource::warnings()
};

// What a model is opened for: what it will be written as.
enum class Format { kModule, kOnnxExport, kEncoderMlir, kDecoderMlir, kMemoryMlir, kBmodels };

class ModelSource {
 public:
  // Everything else than a checkpoint or an export's folder is an error that says what is needed, as are options that
  // are for another kind of model.
  static Result<ModelSource> open(const SourceOptions& options, Format format);

  // All that a predictor has to know beside the functions. build_id and notes are the compiler's: empty.
  const ModelInfo& info() const { return info_; }
  const std::string& why() const { return why_; }  // how it was recognised, one line for people
  // Lines for people: weights that are not finite, what was assumed, and what the format cannot keep (lost_facts).
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Whether functions of build_video.h can be built: info().video is there; the error says why it is not.
  Status check_video() const;

  // The functions of model/README.md. They borrow weights from the mapped files: the source must outlive the builder's
  // weight store.
  Status build_image_encoder(GraphBuilder& graph, const std::string& name = kImageEncoder) const {
    return build(graph, [&](const auto& model) { return samc::build_image_encoder(model, graph, name); });
  }
  Status build_mask_encoder(GraphBuilder& graph, const std::string& name = kMaskEncoder) const {
    return build(graph, [&](const auto& model) { return samc::build_mask_encoder(model, graph, name); });
  }
  Status build_no_mask(GraphBuilder& graph, const std::string& name = kNoMask) const {
    return build(graph, [&](const auto& model) { return samc::build_no_mask(model, graph, name); });
  }
  // points: with the pad point, which is the caller's; at least 2 (an export has no other).
  Status build_mask_decoder(int64_t points, GraphBuilder& graph, const std::string& name = kMaskDecoder) const {
    return build(graph, [&](const auto& model) { return samc::build_mask_decoder(model, points, graph, name); });
  }
  // For a function of the caller's own: build(model) gets a ModelConfig, whose weights are in the graph's store, or an
  // ExportedModel.
  template <class Build>
  Status build(GraphBuilder& graph, const Build& build) const {
    if (const auto* exported = std::get_if<ExportedModel>(&model_)) return build(*exported);
    SAMC_TRY(add_weights(graph.weights()));
    return build(std::get<OfCheckpoint>(model_).config);
  }
  // For functions that only a checkpoint's model has: those of build_video.h where info().video is there.
  template <class Build>
  Status build_of_config(GraphBuilder& graph, const Build& build) const {
    SAMC_CHECK(std::holds_alternative<OfCheckpoint>(model_), "{} is an export", info_.name);
    SAMC_TRY(add_weights(graph.weights()));
    return build(std::get<OfCheckpoint>(model_).config);
  }

 private:
  struct OfCheckpoint {
    Checkpoint checkpoint;
    ModelConfig config;
  };
  explicit ModelSource(std::variant<OfCheckpoint, ExportedModel> model) : model_(std::move(model)) {}
  static Result<ModelSource> open_checkpoint(const SourceOptions& options);
  static Result<ModelSource> open_export(const SourceOptions& options);
  Status add_weights(WeightStore& weights) const;  // once

  std::variant<OfCheckpoint, ExportedModel> model_;
  ModelInfo info_;
  std::string why_;
  std::vector<std::string> warnings_;
};

// The files that open() reads.
Result<std::vector<std::string>> source_files(const SourceOptions& options);

// An error where one of the options that are for checkpoints is given with a model that holds its architecture.
Status check_no_architecture(const SourceOptions& options);

// Which of a model's facts differ from what a predictor takes where it is told nothing, and cannot be kept in this
// format: a line for people each, with the fact's key.
std::vector<std::string> lost_facts(const ModelInfo& info, Format format);

}  // namespace samc
