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

// One image and its prompts.
struct Job {
  std::string image;  // empty: an embedding alone
  std::string stem;   // what its files are called, unlike every other job's (output_names.h)
  std::vector<Prompt> prompts;
  bool multimask = true;
  bool normalized = false;
  Status fault;  // why it cannot be done: no prompts for the image, a wrong entry in the file; the others can
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

// Folders become the images directly inside them (image_list.h; warnings gets what is left out). With --prompts each
// image takes the entries of its own path, or where there are none those of the same file by another path (a link). An
// image that is named twice is still done once for each of its entries. Without images the file's own list is done.
// Without --prompts every image gets the prompts given.
Result<std::vector<Job>> make_jobs(const std::vector<std::string>& images, const PromptArguments& arguments,
                                   std::vector<std::string>& warnings);

// The logits of a mask input: f32 (1, low, low), from a .npy of (low, low), (1, low, low) or (1, 1, low, low) in f16,
// f32 or f64, every value finite. With several prompts a file may hold one mask for each, (prompts, low, low) or
// (prompts, 1, low, low): prompt says which. Of a .npz, as --save-npz writes it, low_res_logits counts; an error where
// it has several masks of a prompt says how to choose one.
Result<Tensor> read_mask_input(const std::string& path, int64_t low, size_t prompt, size_t prompts);

}  // namespace samc
