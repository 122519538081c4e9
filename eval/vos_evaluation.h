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

// predictions: the folder that holds SEQUENCE/FRAME.png, or SEQUENCE/OBJECT/FRAME.png where the annotations are laid
// out so. Needed for all annotated frames but the first and the last; others are not looked at.
// Errors name the file: one that is missing or no palette PNG, sizes that differ, a predicted number that the first
// annotation does not have (kDavis), fewer than three annotated frames; kDavis: a frame without annotation, a first
// annotation without objects, folders of objects.
Result<SequenceScore> evaluate_sequence(const VosDataset& dataset, const VosSequence& sequence,
                                        const std::string& predictions, VosProtocol protocol);

// An error where no sequence has an object.
Result<TotalScore> total_of(std::span<const SequenceScore> sequences);

// What evaluate_sequence asks of a sequence's annotations, before a model has tracked them.
Status check_annotations(const VosDataset& dataset, const VosSequence& sequence, VosProtocol protocol);

}  // namespace samc
