#include "app/vos_tracker.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>
#include <optional>
#include <set>

#include "base/guard.h"
#include "media/image.h"
#include "runtime/video_stream.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

// One sequence on its way through a stream.
class SequenceTracking {
 public:
  SequenceTracking(VideoStream& stream, const VosDataset& dataset, const VosSequence& sequence, VosProtocol protocol,
                   std::vector<std::string>& warnings)
      : stream_(stream), dataset_(dataset), sequence_(sequence), protocol_(protocol), warnings_(warnings) {}

  // Each frame in order. Gives the masks of all objects that have been seen until then.
  Result<VideoMasks> next(const std::string& image_file) {
    const std::string path = (fs::path(sequence_.image_folder) / image_file).string();
    SAMC_ASSIGN(const Image image, read_image(path, nullptr, kMostPixels, Orientation::kAsStored));
    width_ = image.width, height_ = image.height;
    Result<VideoMasks> masks = stream_.push(image);
    if (!masks.is_ok()) return masks.status().at(path);
    const std::string frame = fs::path(image_file).stem().string();
    for (const VosAnnotations& annotations : sequence_.annotations)
      SAMC_TRY(add_objects(annotations, frame, masks.value()));
    return masks;
  }

  // The labels of sequence.annotations[part] that the masks make.
  LabelView labels_of(size_t part, const VideoMasks& masks) {
    labels_.assign(static_cast<size_t>(width_) * static_cast<size_t>(height_), 0);
    std::vector<float> greatest(labels_.size(), 0.0f);  // what is not above 0 is no mask
    const std::optional<int> only = sequence_.annotations[part].object;
    std::vector<size_t> order(masks.objects.size());
    std::iota(order.begin(), order.end(), size_t{0});
    // Of equal logits the lower number counts.
    std::ranges::sort(order, {}, [&](size_t index) { return masks.objects[index]; });
    for (const size_t index : order) {
      const int64_t object = masks.objects[index];
      if (only && object != *only) continue;
      const auto logits = masks.logits.f32().subspan(index * labels_.size(), labels_.size());
      for (size_t i = 0; i < logits.size(); ++i)
        if (logits[i] > greatest[i]) {
          greatest[i] = logits[i];
          labels_[i] = static_cast<uint8_t>(only ? 1 : object);
        }
    }
    return {width_, height_, labels_};
  }

 private:
  // Prompts the objects whose first annotation this is. masks: replaced by those with them.
  Status add_objects(const VosAnnotations& annotations, const std::string& frame, VideoMasks& masks) {
    if (std::ranges::find(annotations.frames, frame) == annotations.frames.end()) return Status::ok();
    SAMC_ASSIGN(const PaletteImage image, read_labels(dataset_.annotation_root, annotations, frame));
    const std::string path = label_path(dataset_.annotation_root, annotations, frame);
    if (image.width != width_ || image.height != height_)
      return invalid_input(fmt::format("{} has {} x {} pixels, and its frame {} x {}", path, image.width, image.height,
                                       width_, height_));
    std::array<bool, 256> found{};
    for (const uint8_t label : image.indices) found[label] = true;
    if (frame == annotations.frames.front())
      for (int label = 1; label < kVoidLabel; ++label)
        if (found[static_cast<size_t>(label)]) largest_first_ = label;
    for (int label = 1; label < 256; ++label) {
      const int64_t object = annotations.object.value_or(label);
      if (!found[static_cast<size_t>(label)] || !counts(label) || !seen_.insert(object).second) continue;
      std::vector<uint8_t> mask(image.indices.size());
      std::ranges::transform(image.indices, mask.begin(),
                             [label](uint8_t other) { return static_cast<uint8_t>(other == label ? 1 : 0); });
      Result<VideoMasks> added = stream_.add_new_mask(object, {DType::kU8, {height_, width_}, mask.data()});
      if (!added.is_ok()) return added.status().at(path);
      masks = std::move(added).value();
    }
    return Status::ok();
  }

  // As SequenceScorer counts.
  bool counts(int label) {
    if (protocol_ != VosProtocol::kDavis || label <= largest_first_) return true;
    if (label != kVoidLabel && left_out_.insert(label).second)
      warnings_.push_back(fmt::format("{}: object {} is not tracked: the first annotation has no number above {}",
                                      sequence_.name, label, largest_first_));
    return false;
  }

  VideoStream& stream_;
  const VosDataset& dataset_;
  const VosSequence& sequence_;
  VosProtocol protocol_;
  std::vector<std::string>& warnings_;
  int width_ = 0, height_ = 0;
  int largest_first_ = 0;        // number of an object in the first annotation
  std::set<int64_t> seen_;       // objects that are tracked
  std::set<int> left_out_;       // numbers that are not
  std::vector<uint8_t> labels_;  // (height, width)
};

}  // namespace

Status VosTracker::check(const VosDataset& dataset, const VosSequence& sequence) {
  if (sequence.images.empty())
    return invalid_input(fmt::format("{} has no frames to track through", sequence.name),
                         "JPEGs belong in JPEGImages/480p/SEQUENCE or JPEGImages/SEQUENCE: docs/eval.md");
  std::set<std::string> frames;
  for (const std::string& image : sequence.images) frames.insert(fs::path(image).stem().string());
  for (const VosAnnotations& annotations : sequence.annotations)
    for (const std::string& frame : annotations.frames)
      if (!frames.contains(frame))
        return invalid_input(fmt::format("no frame {} in {} for the annotation {}", frame, sequence.image_folder,
                                         label_path(dataset.annotation_root, annotations, frame)));
  return Status::ok();
}

Status VosTracker::track(const VosDataset& dataset, const VosSequence& sequence, VosProtocol protocol,
                         Progress& progress, const LabelsHandler& handle, std::vector<std::string>& warnings) const {
  return guarded([&]() -> Status {
    VideoOptions options;
    options.threads = threads_;
    options.fill_hole_area = 0;  // the official tool fills none unless it is told to
    StreamOptions stream_options;
    stream_options.num_frames = static_cast<int64_t>(sequence.images.size());
    SAMC_ASSIGN(VideoStream stream, VideoStream::create(module_, options, stream_options));
    SequenceTracking tracking(stream, dataset, sequence, protocol, warnings);
    for (size_t index = 0; index < sequence.images.size(); ++index) {
      progress.show(fmt::format("{}: frame {} of {} ...", sequence.name, index + 1, sequence.images.size()));
      SAMC_ASSIGN(const VideoMasks masks, tracking.next(sequence.images[index]));
      const std::string frame = fs::path(sequence.images[index]).stem().string();
      for (size_t part = 0; part < sequence.annotations.size(); ++part)
        SAMC_TRY(handle(part, frame, tracking.labels_of(part, masks)));
    }
    return Status::ok();
  });
}

}  // namespace samc
