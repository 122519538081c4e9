#pragma once
// How near a bmodel's outputs are to the reference, by TPU-MLIR's two measures.

#include <string>
#include <vector>

#include "base/named_tensors.h"
#include "base/status.h"

namespace samc::sophgo {

struct Similarity {
  double cosine = 0;
  double euclidean = 0;  // 1 - |a - b| / |(a + b) / 2|
  double largest_difference = 0;
};

struct OutputSimilarity {
  std::string name;  // the reference's
  Similarity similarity;
};

// Two tensors of zeros are equal. NaN and infinity in either make both measures 0 unless they stand in the same places.
Similarity compare(const TensorView& reference, const TensorView& actual);

// Every output of the reference against the one of the same name, or with the ending that lowering gives ("_f32",
// "_f16", "_bf16"). A missing output, another shape, or nothing to compare is an error.
Result<std::vector<OutputSimilarity>> compare_outputs(const NamedTensors& reference, const NamedTensors& actual);

}  // namespace samc::sophgo
