#pragma once
// A function of top ops as TPU-MLIR's model_transform writes it: a .mlir and its weights in an .npz beside it.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "ir/weight_store.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "targets/sophgo/tools/preprocess.h"

namespace samc::sophgo {

// What an input of a written module says; absent when it is no picture.
std::optional<Preprocess> read_preprocess(mlir::Operation* input);

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
