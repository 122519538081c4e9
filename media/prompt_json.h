#pragma once
// Inside media/: the parts of prompts that files of images (prompts.h) and of videos (track_prompts.h) share. Errors
// say which part: "points[3]: not a pair".

#include <array>
#include <set>
#include <string>
#include <vector>

#include "base/json_document.h"
#include "base/status.h"
#include "media/prompts.h"

namespace samc {

// json is an object.
Status check_keys(const JsonValue& json, const std::set<std::string>& known);
Result<double> number(const JsonValue& value);
Result<std::string> path_of(const JsonValue& value);
Result<bool> boolean(const JsonValue& value);

enum class PointForm {
  kPairs,           // [x, y]
  kPairsOrLabelled  // or [x, y, label]
};
Status parse_points(const JsonValue& json, PointForm form, std::vector<PromptPoint>& points);
// One label for each point.
Status parse_labels(const JsonValue& json, std::vector<PromptPoint>& points);
Result<std::array<double, 4>> parse_box_corners(const JsonValue& json);
// A box counts as two points.
Status check_point_count(const std::vector<PromptPoint>& points, bool has_box);

// The error of a key that stands twice; the place leaves out the first `steps` of its path.
Status repeated_key_error(const RepeatedKey& repeated, size_t steps);

}  // namespace samc
