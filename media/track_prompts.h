#pragma once
// Prompts for tracking as JSON (docs/video.md):
//
//   [{"frame": 0, "object": 1, "points": [[210, 350, 1], [250, 220, 1]]},
//    {"frame": 0, "object": 2, "box": [300, 0, 500, 400]},
//    {"frame": 30, "object": 1, "points": [[90, 300, 0]], "clear_old_points": false},
//    {"frame": 0, "object": 3, "mask": "m.png"}]

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "media/prompts.h"

namespace samc {

// One call of the video predictor: points, a box with or without points, or a mask.
struct TrackPrompt {
  int64_t frame = 0;
  int64_t object = 0;
  Prompt prompt;     // without mask_input
  std::string mask;  // path of an image, as written in the file; empty: none
  bool clear_old_points = true;
  std::string where;  // for messages: "p.json: [2]", or the options it comes from
};

constexpr int64_t kMostTrackedFrame = int64_t{1} << 40;
constexpr int64_t kMostObjectNumber = 1'000'000'000;

// In the order of the file, which is that of the calls. At least one. Errors say where: `[2]: points[0]: not a finite
// number`. Whether points lie inside the frame is judged later (check_prompt).
Result<std::vector<TrackPrompt>> parse_track_prompts(std::string_view json);
// Paths of masks are from the file's folder on.
Result<std::vector<TrackPrompt>> read_track_prompts(const std::string& path);

}  // namespace samc
