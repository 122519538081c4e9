#pragma once
// The command line of `samc track`, and what it asks for.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/model_opener.h"
#include "app/track_input.h"
#include "app/track_outputs.h"
#include "app/tracker.h"
#include "base/status.h"

namespace samc {

struct TrackArguments {
  TrackInputArguments input;
  ModelArguments model;
  std::string prompts;                                     // a JSON file
  std::vector<std::pair<std::string, std::string>> flags;  // "object", "point", "box", "mask" and values, as they stand
  FrameRange range;
  bool reverse = false, both = false;
  std::vector<std::string> out;
  TrackOutputPaths paths;
  int64_t fill_hole_area = 8;
  bool non_overlap_masks = false;
  bool allow_nonfinite = false;
  bool quiet = false;
};

// Everything but --model.
void add_track_options(CLI::App& command, TrackArguments& arguments);

// What can be said before anything is read. Sorts -o into paths.
Status check_track_arguments(TrackArguments& arguments);
// The prompts of the file, or of the flags: those are for the first frame.
Result<std::vector<TrackPrompt>> track_prompts(const TrackArguments& arguments);
// What is to be done with this source. Reads the masks; checks that each prompt fits the frames.
Result<TrackPlan> make_track_plan(const TrackArguments& arguments, std::vector<TrackPrompt> prompts,
                                  const FrameSource& source);

}  // namespace samc
