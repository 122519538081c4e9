#pragma once
// A folder of predicted masks against the annotations of a data set.

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "eval/sequence_scorer.h"
#include "eval/vos_dataset.h"

namespace samc {

struct SequenceScore {
  std::string name;
  std::vector<ObjectScore> objects;   // empty: none is annotated in a counted frame (kSav)
  std::vector<std::string> warnings;  // objects that do not count, and why
};

// Means over all objects of all sequences, as both official evaluators have them.
struct TotalScore {
  int64_t objects = 0;
  Measure j, f;
  double j_and_f() const { return (j.mean + f.mean) / 2; }
};

// Takes the predictions of one sequence, frame by frame.
class SequenceEvaluation {
 public:
  // Both must live as long as this. Errors name the file: an annotation that is no palette PNG, fewer than three
  // annotated frames; kDavis: a frame without annotation, a first annotation without objects, folders of objects.
  static Result<SequenceEvaluation> begin(const VosDataset& dataset, const VosSequence& sequence, VosProtocol protocol);

  // The prediction of one frame for sequence.annotations[part], as read_labels gives it. In the order of frames; each
  // annotated frame but the first and the last must come, the others are not looked at. where: for messages. Errors:
  // the annotation is no palette PNG or of another size; kDavis: a number that the first annotation does not have.
  Status add(size_t part, const std::string& frame, const LabelView& prediction, const std::string& where);

  SequenceScore finish() const;

 private:
  SequenceEvaluation(const VosDataset& dataset, const VosSequence& sequence)
      : dataset_(&dataset), sequence_(&sequence) {}
  struct Part {
    SequenceScorer scorer;
    size_t next = 1;  // of its annotated frames
  };
  const VosDataset* dataset_;
  const VosSequence* sequence_;
  std::vector<Part> parts_;  // one of each VosAnnotations
};

// predictions: the folder that holds SEQUENCE/FRAME.png, or SEQUENCE/OBJECT/FRAME.png where the annotations are laid
// out so. Needed for all annotated frames but the first and the last. Errors: a file that is missing or no palette
// PNG, and those of SequenceEvaluation.
Result<SequenceScore> evaluate_sequence(const VosDataset& dataset, const VosSequence& sequence,
                                        const std::string& predictions, VosProtocol protocol);

// An error where no sequence has an object.
Result<TotalScore> total_of(std::span<const SequenceScore> sequences);

}  // namespace samc
