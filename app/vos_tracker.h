#pragma once
// Tracks a sequence's objects from their masks in the annotations: semi-supervised, as tools/vos_inference.py of the
// official repository does with --track_object_appearing_later_in_video. Each object is given its mask on the first
// frame that has one, and tracked from there on.

#include <functional>
#include <memory>
#include <string>

#include "app/console.h"
#include "base/status.h"
#include "eval/sequence_scorer.h"
#include "eval/vos_dataset.h"
#include "runtime/module.h"

namespace samc {

// Gets sequence.annotations[part] of a frame as predicted, laid out as read_labels gives it.
using LabelsHandler = std::function<Status(size_t part, const std::string& frame, const LabelView& labels)>;

class VosTracker {
 public:
  // Of the module: its functions for video. threads as in VideoOptions.
  VosTracker(std::shared_ptr<const Module> module, int threads) : module_(std::move(module)), threads_(threads) {}

  // Every frame, in order. Where several objects claim a pixel it is that of the greatest logit; with a folder for each
  // object they may overlap. kDavis: numbers that the protocol does not count are not tracked; warnings names them.
  // Errors name the file: no images, an annotation without image or of another size, an image that cannot be read.
  Status track(const VosDataset& dataset, const VosSequence& sequence, VosProtocol protocol, Progress& progress,
               const LabelsHandler& handle, std::vector<std::string>& warnings) const;

  // Of sequence.annotations and sequence.images: what track() needs of the names alone.
  static Status check(const VosDataset& dataset, const VosSequence& sequence);

 private:
  std::shared_ptr<const Module> module_;
  int threads_;
};

}  // namespace samc
