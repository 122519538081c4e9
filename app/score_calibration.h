#pragma once
// How large the scores of a model's memory attention get, measured on images: whether their exponentials need no shift.

#include <string>
#include <vector>

#include "app/console.h"
#include "base/status.h"
#include "model/source.h"

namespace samc {

// The largest magnitude of a score of what was remembered, of any layer, query and key, over these images taken as
// frames of a video: an object in the middle of the first is tracked through them by the CPU target. At least two
// images.
Result<double> largest_score(const SourceOptions& model, const std::vector<std::string>& images, int threads,
                             Progress& progress);

}  // namespace samc
