#include "app/segmenter.h"

#include <utility>

#include "app/embedding_file.h"
#include "base/limits.h"

namespace samc {
namespace {

PredictOptions predict_options(const Job& job) {
  PredictOptions options;
  options.multimask_output = job.multimask;
  options.normalize_coords = !job.normalized;
  return options;
}

// Without its mask input.
ObjectPrompt object_prompt(const Prompt& prompt) {
  ObjectPrompt object;
  for (const PromptPoint& point : prompt.points)
    object.points.push_back({static_cast<float>(point.x), static_cast<float>(point.y), point.positive ? 1 : 0});
  if (const auto& box = prompt.box)
    object.box = BoxPrompt{static_cast<float>((*box)[0]), static_cast<float>((*box)[1]), static_cast<float>((*box)[2]),
                           static_cast<float>((*box)[3])};
  return object;
}

}  // namespace

Segmenter::Segmenter(ImagePredictor& predictor, Progress& progress, std::string embedding, Orientation orientation)
    : predictor_(predictor), progress_(progress), embedding_(std::move(embedding)), orientation_(orientation) {}

std::string Segmenter::place_of(const Job& job, size_t prompt) const {
  return job.prompts.size() > 1 ? fmt::format("{}: prompt {}", name_of(job), prompt) : name_of(job);
}

Status Segmenter::run(const Job& job, const OutputPaths& paths, ImageReport& report) {
  Image image;
  ImageSource source;
  int64_t width = 0, height = 0;
  if (!job.image.empty()) {
    SAMC_ASSIGN(image, read_image(job.image, &source, kMostPixels, orientation_));
    width = image.width;
    height = image.height;
    for (const std::string& warning : source.warnings)
      report.warnings.push_back(fmt::format("{}: {}", job.image, warning));
  }
  if (!embedding_.empty()) {
    SAMC_ASSIGN(StoredEmbedding stored, read_embedding(embedding_, predictor_.info()));
    ImageEmbedding& embedding = stored.embedding;
    if (!job.image.empty() && (embedding.width != width || embedding.height != height))
      return invalid_input(fmt::format("{} is of an image of {} x {}, and {} has {} x {}", embedding_, embedding.width,
                                       embedding.height, job.image, width, height));
    if (!job.image.empty() && !stored.image_id.empty() && stored.image_id != image_identity(image))
      return invalid_input(fmt::format("{} is of another image than {}", embedding_, job.image),
                           "name the image that was encoded, with --ignore-orientation if it was encoded so");
    width = embedding.width;
    height = embedding.height;
    if (embedding.encoder_id.empty() || predictor_.info().encoder_id.empty())
      report.warnings.push_back(fmt::format("{}: nothing tells whether {} made it; the model's name and the shapes fit",
                                            embedding_, predictor_.info().name));
    if (Status status = predictor_.set_embedding(std::move(stored.embedding)); !status.is_ok())
      return status.at(embedding_);
  }
  SAMC_TRY(check_prompts(job, width, height, paths));
  if (embedding_.empty()) {
    progress_.show(fmt::format("{}: encoding ...", job.image));
    if (const Status status = predictor_.set_image(image); !status.is_ok()) return status.at(job.image);
  }
  PictureOutputs outputs(job, paths, paths.overlay.empty() ? nullptr : &image, width, height);
  SAMC_TRY(predict(job, outputs));
  progress_.show(fmt::format("{}: writing ...", name_of(job)));
  SAMC_TRY(outputs.finish());
  if (paths.json) {
    nlohmann::ordered_json entry = {{"image", job.image}, {"width", width}, {"height", height}};
    if (!job.image.empty()) entry["orientation"] = source.orientation;
    entry["prompts"] = outputs.json();
    report.entries.push_back(std::move(entry));
  }
  report.summary = fmt::format(
      "{}: {} x {}{}\n{}", printable(name_of(job)), width, height,
      source.orientation == 1 ? "" : fmt::format(", turned upright (EXIF orientation {})", source.orientation),
      outputs.summary());
  for (const std::string& path : {paths.overlay, paths.npz})
    if (!path.empty()) report.summary += fmt::format("  {}\n", printable(path));
  return Status::ok();
}

// Everything that may be wrong with the prompts, before any of the work is done.
Status Segmenter::check_prompts(const Job& job, int64_t width, int64_t height, const OutputPaths& paths) const {
  constexpr double kMostNpzBytes = 4e9;
  const double masks_bytes = static_cast<double>(job.prompts.size()) * (job.multimask ? 3 : 1) *
                             static_cast<double>(width) * static_cast<double>(height);
  if (!paths.npz.empty() && masks_bytes > kMostNpzBytes)
    return invalid_input(fmt::format("{}: the masks would take {}", paths.npz, human_bytes(masks_bytes)),
                         "save fewer prompts at once");
  for (size_t i = 0; i < job.prompts.size(); ++i) {
    const double w = job.normalized ? 1 : static_cast<double>(width),
                 h = job.normalized ? 1 : static_cast<double>(height);
    Status status = check_prompt(job.prompts[i], w, h);
    if (status.is_ok()) status = predictor_.check(object_prompt(job.prompts[i]), predict_options(job));
    if (!status.is_ok()) return status.at(place_of(job, i));
  }
  return Status::ok();
}

Status Segmenter::predict(const Job& job, PictureOutputs& outputs) {
  const int64_t low = predictor_.info().image_size / 4;
  const PredictOptions options = predict_options(job);
  for (size_t i = 0; i < job.prompts.size(); ++i) {
    progress_.show(job.prompts.size() > 1
                       ? fmt::format("{}: prompt {} of {} ...", name_of(job), i + 1, job.prompts.size())
                       : fmt::format("{}: predicting ...", name_of(job)));
    const Prompt& prompt = job.prompts[i];
    ObjectPrompt object = object_prompt(prompt);
    Tensor mask_input;
    if (!prompt.mask_input.empty()) {
      Result<Tensor> read = read_mask_input(prompt.mask_input, low, i, job.prompts.size());
      if (!read.is_ok()) return read.status().at(place_of(job, i));
      mask_input = std::move(read).value();
      object.mask_input = mask_input.view();
    }
    Result<Prediction> prediction = predictor_.predict(object, options);
    if (!prediction.is_ok()) return prediction.status().at(place_of(job, i));
    SAMC_TRY(outputs.add(i, std::move(prediction).value()));
  }
  return Status::ok();
}

}  // namespace samc
