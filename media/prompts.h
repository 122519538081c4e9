#pragma once
// Prompts for one or many pictures as JSON (docs/prompts_json.md).

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace samc {

struct PromptPoint {
  double x = 0, y = 0;
  bool positive = true;
};

// What names one object: points, a box, the logits of an earlier call, or several of these.
struct Prompt {
  std::vector<PromptPoint> points;
  std::optional<std::array<double, 4>> box;  // x0, y0, x1, y1 with x0 < x1, y0 < y1
  std::string mask_input;                    // path of a .npy, as written in the file; empty: none
};

struct PicturePrompts {
  std::string image;  // path, as written in the file; its bytes, whether they are UTF-8 or not
  std::vector<Prompt> prompts;
  std::optional<bool> multimask;
  std::optional<bool> normalized;  // coordinates from 0 to 1 instead of pixels
  Status fault;                    // why this entry cannot be used; image is then empty where it cannot be read
};

constexpr size_t kLargestPromptFile = size_t{64} << 20;

// An error in one entry is that entry's `fault`, and the others are good. Errors say where:
// `pictures[2]: prompts[0]: labels: ...`. Whether points lie inside the picture is judged later, when its size is known
// (check_prompt). Names of files are bytes: what is no UTF-8 in the file, and a lone "\udcXX" as Python's json writes
// it, is a byte of the name.
Result<std::vector<PicturePrompts>> parse_prompts(std::string_view json);
Result<std::vector<PicturePrompts>> read_prompts(const std::string& path);

// The rules for coordinates that hold for the command line and the file alike: every number finite, points inside the
// picture (edges included), a box with x0 < x1 and y0 < y1 that overlaps the picture, at least one prompt given.
// width and height are 1 for normalised coordinates.
Status check_prompt(const Prompt& prompt, double width, double height);

}  // namespace samc
