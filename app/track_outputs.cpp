#include "app/track_outputs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "app/console.h"
#include "app/json_lines.h"
#include "base/guard.h"
#include "media/npz.h"
#include "media/overlay.h"
#include "media/palette_png.h"
#include "media/rle.h"
#include "media/video_writer.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

Status make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return io_error(fmt::format("cannot make the folder {}: {}", path, error.message()));
  return Status::ok();
}

std::string counted(int64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class VideoOutput : public TrackOutput {
 public:
  VideoOutput(std::string path, const TrackedVideo& video) : path_(std::move(path)), video_(video) {}

  Status add(const MaskedFrame& frame) override {
    Image image = frame.tracked.frame->image;
    if (!writer_) {
      VideoWriterOptions options;
      options.width = image.width;
      options.height = image.height;
      options.rate = video_.info.rate;
      SAMC_ASSIGN(writer_, VideoWriter::create(path_, options));
      start_ = frame.tracked.seconds;
    }
    draw(frame, image);
    return writer_->write(image, frame.tracked.seconds - start_);
  }
  Status finish() override { return writer_ ? writer_->finish() : Status::ok(); }
  std::string summary() const override {
    return writer_ ? fmt::format("{}: {}", path_, counted(writer_->frames(), "frame")) : "";
  }

 private:
  void draw(const MaskedFrame& frame, Image& image) {
    std::vector<OverlayMask> masks;
    for (const ObjectMask& mask : frame.masks) masks.push_back({mask.mask, colour_of(mask.object), mask.object});
    std::vector<OverlayBox> boxes;
    std::vector<OverlayPoint> points;
    for (const TrackPrompt& prompt : video_.prompts) {
      if (prompt.frame != frame.tracked.index) continue;
      if (const auto& box = prompt.prompt.box)
        boxes.push_back({static_cast<float>((*box)[0]), static_cast<float>((*box)[1]), static_cast<float>((*box)[2]),
                         static_cast<float>((*box)[3]), colour_of(prompt.object)});
      for (const PromptPoint& point : prompt.prompt.points)
        points.push_back({static_cast<float>(point.x), static_cast<float>(point.y), point.positive});
    }
    draw_overlay(image, masks, boxes, points);
  }
  // In the order in which objects are prompted.
  int colour_of(int64_t object) {
    if (colours_.empty())
      for (const TrackPrompt& prompt : video_.prompts) colours_.try_emplace(prompt.object, colours_.size());
    return static_cast<int>(colours_.at(object));
  }

  std::string path_;
  const TrackedVideo& video_;
  std::unique_ptr<VideoWriter> writer_;
  double start_ = 0;
  std::map<int64_t, size_t> colours_;
};

// One PNG a frame, each pixel the number of its object. Where objects overlap the lowest number is in front, as
// sam2/tools/vos_inference.py has it.
class PaletteOutput : public TrackOutput {
 public:
  PaletteOutput(std::string folder, const TrackedVideo& video) : folder_(std::move(folder)), video_(video) {}

  Status add(const MaskedFrame& frame) override {
    if (!frame.tracked.masks) return Status::ok();
    if (files_ == 0) SAMC_TRY(make_folder(folder_));
    std::vector<const ObjectMask*> masks;
    for (const ObjectMask& mask : frame.masks) masks.push_back(&mask);
    std::sort(masks.begin(), masks.end(), [](const auto* a, const auto* b) { return a->object > b->object; });
    std::vector<uint8_t> indices(static_cast<size_t>(frame.width) * static_cast<size_t>(frame.height));
    for (const ObjectMask* mask : masks)
      for (size_t i = 0; i < indices.size(); ++i)
        if (mask->mask[i] != 0) indices[i] = static_cast<uint8_t>(mask->object);
    const fs::path path = fs::path(folder_) / (video_.name_of(frame.tracked.index) + ".png");
    SAMC_TRY(write_palette_png(path.string(), frame.width, frame.height, indices));
    ++files_;
    return Status::ok();
  }
  std::string summary() const override {
    return files_ > 0 ? fmt::format("{}: {}", folder_, counted(files_, "palette PNG")) : "";
  }

 private:
  std::string folder_;
  const TrackedVideo& video_;
  int64_t files_ = 0;
};

class ObjectsOutput : public TrackOutput {
 public:
  ObjectsOutput(std::string folder, const TrackedVideo& video) : folder_(std::move(folder)), video_(video) {}

  Status add(const MaskedFrame& frame) override {
    for (const ObjectMask& mask : frame.masks) {
      const fs::path folder = fs::path(folder_) / object_folder(mask.object);
      if (folders_.insert(mask.object).second) SAMC_TRY(make_folder(folder.string()));
      std::vector<uint8_t> grey(mask.mask.size());
      std::transform(mask.mask.begin(), mask.mask.end(), grey.begin(),
                     [](uint8_t value) { return static_cast<uint8_t>(value != 0 ? 255 : 0); });
      const fs::path path = folder / (video_.name_of(frame.tracked.index) + ".png");
      SAMC_TRY(write_png_grey(path.string(), frame.width, frame.height, grey));
      ++files_;
    }
    return Status::ok();
  }
  std::string summary() const override {
    return files_ > 0 ? fmt::format("{}: {}", folder_, counted(files_, "PNG")) : "";
  }

 private:
  std::string folder_;
  const TrackedVideo& video_;
  std::set<int64_t> folders_;
  int64_t files_ = 0;
};

class RleOutput : public TrackOutput {
 public:
  explicit RleOutput(const std::string& path) : path_(path), lines_(path) {}

  Status add(const MaskedFrame& frame) override {
    if (!frame.tracked.masks) return Status::ok();
    nlohmann::ordered_json objects = nlohmann::ordered_json::array();
    for (const ObjectMask& mask : frame.masks) {
      const Rle rle = encode_rle(mask.mask, frame.height, frame.width);
      nlohmann::ordered_json object{{"object", mask.object}};
      if (mask.output != nullptr) object["score"] = std::as_const(mask.output->object_score).f32()[0];
      object["segmentation"] = {{"size", {frame.height, frame.width}}, {"counts", compress_rle(rle)}};
      object["area"] = rle_area(rle);
      object["bbox"] = rle_box(rle);
      objects.push_back(std::move(object));
    }
    constexpr double kMicroseconds = 1e6;
    const nlohmann::ordered_json line{{"frame", frame.tracked.index},
                                      {"time", std::round(frame.tracked.seconds * kMicroseconds) / kMicroseconds},
                                      {"objects", std::move(objects)}};
    SAMC_TRY(lines_.write(line.dump()));
    ++written_;
    return Status::ok();
  }
  Status finish() override { return lines_.finish(); }
  std::string summary() const override {
    return written_ > 0 && path_ != "-" ? fmt::format("{}: {}", path_, counted(written_, "line")) : "";
  }

 private:
  std::string path_;
  LineWriter lines_;
  int64_t written_ = 0;
};

// Everything is kept until the end: for those who check results, not for long videos.
class NpzOutput : public TrackOutput {
 public:
  explicit NpzOutput(std::string path) : path_(std::move(path)) {}

  Status add(const MaskedFrame& frame) override {
    for (const ObjectMask& mask : frame.masks) {
      if (mask.output == nullptr) continue;
      const Tensor& logits = mask.output->low_res_logits;
      SAMC_ASSIGN(MemoryClaim claim, MemoryClaim::take(logits.bytes(), "what --save-npz keeps"));
      claims_.push_back(std::move(claim));
      kept_.emplace_back(fmt::format("frame{}.obj{}", frame.tracked.index, mask.object), mask.output);
    }
    return Status::ok();
  }
  Status finish() override {
    std::vector<std::pair<std::string, TensorView>> arrays;
    for (const auto& [name, output] : kept_) {
      TensorView logits = output->low_res_logits.view();
      logits.shape.erase(logits.shape.begin(), logits.shape.end() - 2);
      arrays.emplace_back(name + ".low_res", logits);
      arrays.emplace_back(name + ".object_score", output->object_score.view());
      arrays.emplace_back(name + ".obj_ptr", output->object_pointer.view());
    }
    return write_npz(path_, arrays);
  }
  std::string summary() const override { return path_; }

 private:
  std::string path_;
  std::vector<MemoryClaim> claims_;
  std::vector<std::pair<std::string, std::shared_ptr<const ObjectOutput>>> kept_;
};

}  // namespace

std::string object_folder(int64_t object) { return fmt::format("{:03}", object); }

std::string TrackedVideo::name_of(int64_t index) const {
  return names.empty() ? fmt::format("{:05}", index) : names[static_cast<size_t>(index)];
}

std::vector<std::unique_ptr<TrackOutput>> make_track_outputs(const TrackOutputPaths& paths, const TrackedVideo& video) {
  std::vector<std::unique_ptr<TrackOutput>> outputs;
  if (!paths.rle.empty()) outputs.push_back(std::make_unique<RleOutput>(paths.rle));
  if (!paths.masks_dir.empty()) outputs.push_back(std::make_unique<PaletteOutput>(paths.masks_dir, video));
  if (!paths.objects_dir.empty()) outputs.push_back(std::make_unique<ObjectsOutput>(paths.objects_dir, video));
  if (!paths.npz.empty()) outputs.push_back(std::make_unique<NpzOutput>(paths.npz));
  return outputs;
}

std::unique_ptr<TrackOutput> make_video_output(const std::string& path, const TrackedVideo& video) {
  return std::make_unique<VideoOutput>(path, video);
}

TrackWriter::TrackWriter(std::vector<std::unique_ptr<TrackOutput>> outputs, int width, int height)
    : outputs_(std::move(outputs)), width_(width), height_(height), queue_(2), thread_([this] { work(); }) {}

TrackWriter::~TrackWriter() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

void TrackWriter::work() {
  for (;;) {
    std::optional<TrackedFrame> frame;
    if (queue_.pop(frame) == BoundedQueue<TrackedFrame>::Pop::kEnd) return;
    if (const Status status = guarded([&] { return write(*frame); }); !status.is_ok()) {
      queue_.close(status);
      return;
    }
  }
}

Status TrackWriter::write(const TrackedFrame& frame) {
  MaskedFrame masked{frame, width_, height_, {}};
  if (frame.masks) {
    const size_t pixels = static_cast<size_t>(width_) * static_cast<size_t>(height_);
    for (size_t i = 0; i < frame.masks->objects.size(); ++i) {
      const std::span<const float> logits = std::as_const(frame.masks->logits).f32().subspan(i * pixels, pixels);
      ObjectMask mask{frame.masks->objects[i], std::vector<uint8_t>(pixels), frame.masks->outputs[i]};
      for (size_t k = 0; k < pixels; ++k) mask.mask[k] = logits[k] > 0 ? 1 : 0;
      masked.masks.push_back(std::move(mask));
    }
  }
  for (const auto& output : outputs_) SAMC_TRY(output->add(masked));
  return Status::ok();
}

Status TrackWriter::push(TrackedFrame frame) {
  const bool has_masks = frame.masks.has_value();
  if (!queue_.push(std::move(frame))) return queue_.reason();
  if (has_masks) ++tracked_;
  return Status::ok();
}

Status TrackWriter::finish() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
  Status status = queue_.reason();
  if (tracked_ == 0) return status;
  for (const auto& output : outputs_) {
    const Status finished = guarded([&] { return output->finish(); });
    if (finished.is_ok() || finished.to_string() == status.to_string()) continue;
    if (status.is_ok())
      status = finished;
    else
      warn(finished.to_string());
  }
  return status;
}

std::string TrackWriter::summary() const {
  std::string text;
  for (const auto& output : outputs_)
    if (const std::string line = output->summary(); !line.empty()) text += fmt::format("  {}\n", printable(line));
  return text;
}

}  // namespace samc
