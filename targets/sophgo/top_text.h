#pragma once
// A function of top ops as TPU-MLIR's model_transform writes it: a .mlir and its weights in an .npz beside it.

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "ir/weight_store.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace samc::sophgo {

// What tpuc-opt's --fuse-preprocess reads. The graph's input is the normalised picture all the same.
struct Preprocess {
  std::vector<double> mean = {0, 0, 0};
  std::vector<double> scale = {1, 1, 1};
  std::string pixel_format = "bgr";     // bgr, rgb, gray, rgbd
  std::string channel_format = "nchw";  // nchw, nhwc, none
  std::vector<int64_t> resize_dims;     // empty: the input's height and width
  bool keep_aspect_ratio = false;
  std::string keep_ratio_mode = "letterbox";  // or short_side_scale
  int64_t pad_value = 0;
  std::string pad_type = "center";  // or normal
};

// "NAME_top_f32_all_weight.npz" in lower case, as model_transform calls it.
std::string weight_file_name(const std::string& model_name);

// The module that is written: a copy of the function as @main with the module's attributes, every value named, output
// values called like the function's outputs. Weights that get a new name by that are in `renamed` (new, old).
struct TopModule {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<std::pair<std::string, std::string>> renamed;
};
Result<TopModule> make_top_module(mlir::func::FuncOp function, const std::string& model_name,
                                  const std::string& platform, const Preprocess& preprocess);

std::string print_top_module(mlir::ModuleOp module);

// Writes PATH and the weights into its folder, each whole or not at all.
Status write_top_module(const TopModule& module, const WeightStore& weights, const std::string& path);

}  // namespace samc::sophgo
