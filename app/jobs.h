#pragma once
// What `samc segment` is to do: pictures and the prompts for each, from the command line or from a prompts file.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "media/prompts.h"

namespace samc {

// One picture and its prompts. label: for messages and for naming outputs.
struct Job {
  std::string image;  // empty: an embedding alone
  std::string stem;   // unique among the jobs
  std::vector<Prompt> prompts;
  bool multimask = true;
  bool normalized = false;
};

// "500,375", "500,375,0": x, y and 1 (belongs to the object; when left out) or 0 (does not).
Result<PromptPoint> parse_point(std::string_view text);
// "x0,y0,x1,y1"
Result<std::array<double, 4>> parse_box(std::string_view text);

struct PromptArguments {
  std::vector<std::string> points;
  std::vector<std::string> boxes;
  std::string mask_input;
  std::string file;  // --prompts
  bool multimask = true;
  bool normalized = false;
};

// Folders become the JPEGs and PNGs directly inside them, by name. With --prompts each picture takes the entry of the
// same file, and without pictures the file's own list is done. Otherwise every picture gets the prompts given.
Result<std::vector<Job>> make_jobs(const std::vector<std::string>& images, const PromptArguments& arguments);

// The logits of a mask input: f32 (1, low, low), from a .npy of (low, low), (1, low, low) or (1, 1, low, low) in f16,
// f32 or f64, every value finite. With several prompts a file may hold one mask for each, (prompts, low, low) or
// (prompts, 1, low, low): prompt says which.
Result<Tensor> read_mask_input(const std::string& path, int64_t low, size_t prompt, size_t prompts);

}  // namespace samc
