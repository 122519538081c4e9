#include "eval/vos_evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/guard.h"
#include "base/quote.h"

namespace samc {
namespace {

LabelView view_of(const PaletteImage& image) { return {image.width, image.height, image.indices}; }

// davis2017-evaluation opens an annotation for each image.
Status check_davis(const VosDataset& dataset, const VosSequence& sequence) {
  const VosAnnotations& annotations = sequence.annotations[0];
  if (annotations.object)
    return invalid_input(fmt::format("{}: each object has a folder of its own, as in SA-V", sequence.name),
                         "use --protocol sav");
  for (const std::string& image : sequence.images) {
    const std::string frame = std::filesystem::path(image).stem().string();
    if (std::ranges::find(annotations.frames, frame) == annotations.frames.end())
      return invalid_input(fmt::format("no annotation {}, and DAVIS's protocol wants one for each frame",
                                       label_path(dataset.annotation_root, annotations, frame)),
                           "--protocol sav takes those that are there");
  }
  return Status::ok();
}

Status check_annotations(const VosDataset& dataset, const VosSequence& sequence, VosProtocol protocol) {
  for (const VosAnnotations& annotations : sequence.annotations)
    if (annotations.frames.size() < 3)
      return invalid_input(fmt::format("{}: {} annotated {}, and the first and the last do not count",
                                       annotations.folder, annotations.frames.size(),
                                       annotations.frames.size() == 1 ? "frame" : "frames"));
  return protocol == VosProtocol::kDavis ? check_davis(dataset, sequence) : Status::ok();
}

bool has_object(const PaletteImage& image) {
  return std::ranges::any_of(image.indices, [](uint8_t label) { return label != 0 && label != kVoidLabel; });
}

Result<SequenceScore> evaluate_unguarded(const VosDataset& dataset, const VosSequence& sequence,
                                         const std::string& predictions, VosProtocol protocol) {
  SAMC_ASSIGN(SequenceEvaluation evaluation, SequenceEvaluation::begin(dataset, sequence, protocol));
  for (size_t part = 0; part < sequence.annotations.size(); ++part) {
    const VosAnnotations& annotations = sequence.annotations[part];
    for (size_t i = 1; i + 1 < annotations.frames.size(); ++i) {
      const std::string& frame = annotations.frames[i];
      SAMC_ASSIGN(const PaletteImage found, read_labels(predictions, annotations, frame));
      SAMC_TRY(evaluation.add(part, frame, view_of(found), label_path(predictions, annotations, frame)));
    }
  }
  return evaluation.finish();
}

}  // namespace

Result<SequenceEvaluation> SequenceEvaluation::begin(const VosDataset& dataset, const VosSequence& sequence,
                                                     VosProtocol protocol) {
  return guarded([&]() -> Result<SequenceEvaluation> {
    SAMC_TRY(check_annotations(dataset, sequence, protocol));
    SequenceEvaluation evaluation(dataset, sequence);
    for (const VosAnnotations& annotations : sequence.annotations) {
      SAMC_ASSIGN(const PaletteImage first, read_labels(dataset.annotation_root, annotations, annotations.frames[0]));
      if (protocol == VosProtocol::kDavis && !has_object(first))
        return invalid_input(fmt::format("no object in the first annotation, {}",
                                         label_path(dataset.annotation_root, annotations, annotations.frames[0])),
                             "--protocol sav counts objects that come later");
      evaluation.parts_.push_back({SequenceScorer(protocol, view_of(first))});
    }
    return evaluation;
  });
}

Status SequenceEvaluation::add(size_t part, const std::string& frame, const LabelView& prediction,
                               const std::string& where) {
  const VosAnnotations& annotations = sequence_->annotations[part];
  Part& state = parts_[part];
  if (state.next + 1 >= annotations.frames.size() || annotations.frames[state.next] != frame) return Status::ok();
  ++state.next;
  return guarded([&]() -> Status {
    SAMC_ASSIGN(const PaletteImage wanted, read_labels(dataset_->annotation_root, annotations, frame));
    return state.scorer.add(view_of(wanted), prediction).at(where);
  });
}

SequenceScore SequenceEvaluation::finish() const {
  SequenceScore result;
  result.name = sequence_->name;
  for (size_t part = 0; part < parts_.size(); ++part) {
    const VosAnnotations& annotations = sequence_->annotations[part];
    SAMC_CHECK(parts_[part].next + 1 == annotations.frames.size(), "{}: no prediction of frame {}", annotations.folder,
               annotations.frames[parts_[part].next]);
    std::vector<ObjectScore> scores = parts_[part].scorer.scores();
    if (scores.empty())
      result.warnings.push_back(fmt::format(
          "{}: no object is annotated between the first and the last frame: not counted", annotations.folder));
    for (ObjectScore& score : scores) {
      if (annotations.object) score.object = *annotations.object;
      result.objects.push_back(score);
    }
  }
  return result;
}

Result<SequenceScore> evaluate_sequence(const VosDataset& dataset, const VosSequence& sequence,
                                        const std::string& predictions, VosProtocol protocol) {
  return guarded([&] { return evaluate_unguarded(dataset, sequence, predictions, protocol); });
}

Result<TotalScore> total_of(std::span<const SequenceScore> sequences) {
  TotalScore total;
  const auto add = [](Measure& sum, const Measure& measure) {
    sum.mean += measure.mean;
    sum.recall += measure.recall;
    sum.decay += measure.decay;
  };
  for (const SequenceScore& sequence : sequences)
    for (const ObjectScore& object : sequence.objects) {
      add(total.j, object.j);
      add(total.f, object.f);
      ++total.objects;
    }
  if (total.objects == 0) return invalid_input("no sequence has an object that counts");
  for (Measure* measure : {&total.j, &total.f})
    for (double* value : {&measure->mean, &measure->recall, &measure->decay})
      *value /= static_cast<double>(total.objects);
  return total;
}

}  // namespace samc
