#include "eval/sequence_scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "eval/segmentation_metrics.h"

namespace samc {
namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Which labels, 0 to 255, the pixels have.
std::array<bool, 256> labels_in(const LabelView& view) {
  std::array<bool, 256> found{};
  for (const uint8_t label : view.labels) found[label] = true;
  return found;
}

// 1 where the label is, into memory that is used again and again.
MaskView mask_of(const LabelView& view, int label, std::vector<uint8_t>& pixels) {
  pixels.resize(view.labels.size());
  std::transform(view.labels.begin(), view.labels.end(), pixels.begin(),
                 [label](uint8_t other) { return static_cast<uint8_t>(other == label ? 1 : 0); });
  return {view.width, view.height, pixels};
}

}  // namespace

Measure measure_of(std::span<const double> values) {
  SAMC_CHECK(!values.empty(), "a measure of no frames");
  Measure measure;
  measure.mean = mean_of(values);
  const auto above = std::ranges::count_if(values, [](double value) { return value > 0.5; });
  measure.recall = static_cast<double>(above) / static_cast<double>(values.size());
  // The ends of the four quarters, each end in both of its quarters. Halves are rounded up, as the official code's
  // 1e-10 makes of them.
  const auto end_of = [&](int quarter) {
    const double position = 1 + static_cast<double>(values.size() - 1) / 4 * quarter;
    return static_cast<size_t>(std::nearbyint(position + 1e-10)) - 1;
  };
  measure.decay = mean_of(values.first(end_of(1) + 1)) - mean_of(values.subspan(end_of(3)));
  return measure;
}

SequenceScorer::SequenceScorer(VosProtocol protocol, const LabelView& first) : protocol_(protocol) {
  if (protocol != VosProtocol::kDavis) return;
  int largest = 0;
  for (const uint8_t label : first.labels)
    if (label != kVoidLabel) largest = std::max(largest, int{label});
  for (int object = 1; object <= largest; ++object) objects_[object].annotated = true;
}

// The objects that count from this frame on.
Status SequenceScorer::note_objects(const LabelView& annotation, const LabelView& prediction) {
  const std::array<bool, 256> annotated = labels_in(annotation), predicted = labels_in(prediction);
  for (int label = 1; label <= 255; ++label) {
    const auto index = static_cast<size_t>(label);
    if (protocol_ == VosProtocol::kSav) {
      if (annotated[index] || predicted[index]) objects_[label].annotated |= annotated[index];
    } else if (predicted[index] && !objects_.contains(label)) {
      return invalid_input(fmt::format("object {} is predicted, and the first annotation has no number above {}", label,
                                       objects_.size()));
    }
  }
  return Status::ok();
}

Status SequenceScorer::add(const LabelView& annotation, const LabelView& prediction) {
  if (annotation.width != prediction.width || annotation.height != prediction.height)
    return invalid_input(fmt::format("the prediction is {} x {} pixels, the annotation {} x {}", prediction.width,
                                     prediction.height, annotation.width, annotation.height));
  SAMC_TRY(note_objects(annotation, prediction));
  std::vector<uint8_t> wanted, found;
  for (auto& [label, object] : objects_) {
    const MaskView wanted_mask = mask_of(annotation, label, wanted), found_mask = mask_of(prediction, label, found);
    object.j.push_back(region_similarity(wanted_mask, found_mask));
    object.f.push_back(boundary_measure(wanted_mask, found_mask));
  }
  return Status::ok();
}

std::vector<ObjectScore> SequenceScorer::scores() const {
  std::vector<ObjectScore> scores;
  for (const auto& [label, object] : objects_)
    if (object.annotated && !object.j.empty())
      scores.push_back({label, static_cast<int64_t>(object.j.size()), measure_of(object.j), measure_of(object.f)});
  return scores;
}

}  // namespace samc
