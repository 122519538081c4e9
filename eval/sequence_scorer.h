#pragma once
// J and F of each object of a sequence, over the frames that a protocol counts. The two official evaluators measure
// frames alike (segmentation_metrics.h) and differ in which objects and frames count:
//
//                      kDavis                                   kSav
//   official source    davis2017-evaluation, semi-supervised    sam2, sav_dataset/utils/sav_benchmark.py
//   objects            1 to the largest number in the first     every number in the annotation of a counted frame
//                      annotation; later ones do not count
//   frames of one      all counted frames                       from the first counted frame that has its number, in
//                                                               the annotation or in the prediction
//   label 255          void: counts as background               a number like others
//   a predicted        an error                                 not looked at
//   number of no object
//
// Both leave out the first and the last frame: their caller does. An object that neither the annotation nor the
// prediction has in a frame scores 1 there.

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/status.h"

namespace samc {

enum class VosProtocol { kDavis, kSav };
constexpr uint8_t kVoidLabel = 255;

// Borrowed pixels, (height, width): each the number of its object, 0 the background.
struct LabelView {
  int width = 0;
  int height = 0;
  std::span<const uint8_t> labels;
};

// Of one number for each frame. davis2017-evaluation: db_statistics.
struct Measure {
  double mean = 0;
  double recall = 0;  // share of the frames above 0.5
  double decay = 0;   // mean of the first quarter of the frames less that of the last
};
// values: at least one. For more than 256 frames the official decay is of frames chosen by numbers that overflow; this
// one is not.
Measure measure_of(std::span<const double> values);

struct ObjectScore {
  int object = 0;
  int64_t frames = 0;
  Measure j, f;
  double j_and_f() const { return (j.mean + f.mean) / 2; }
};

class SequenceScorer {
 public:
  // first: the annotation of the sequence's first frame.
  SequenceScorer(VosProtocol protocol, const LabelView& first);

  // A counted frame, in order. Errors: the sizes differ; kDavis: the prediction has a number of no object.
  Status add(const LabelView& annotation, const LabelView& prediction);

  // By number. Of objects that were in no counted annotation there is none (kSav); empty before the first frame.
  std::vector<ObjectScore> scores() const;

 private:
  struct Object {
    bool annotated = false;
    std::vector<double> j, f;  // of each counted frame
  };
  Status note_objects(const LabelView& annotation, const LabelView& prediction);

  VosProtocol protocol_;
  std::map<int, Object> objects_;
};

}  // namespace samc
