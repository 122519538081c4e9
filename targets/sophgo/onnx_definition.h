#pragma once
// An .onnx file as one function of top ops: onnx/ in three steps, each reported, so that one sees what vanishes.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "ir/graph_builder.h"
#include "onnx/graph.h"

namespace samc::sophgo {

struct OnnxDefinition {
  std::string path;
  std::vector<Shape> input_shapes = {};        // in the order of the model's inputs; empty: as the file says
  std::vector<std::string> output_names = {};  // empty: the model's outputs
  std::string function = "main";
};

// Called after each step with its name, the operators that are left, and a remark.
using StepObserver = std::function<void(const std::string& step, int64_t operations, const std::string& remark)>;

// model receives the file and must outlive the builder's weight store.
Status build_from_onnx(const OnnxDefinition& definition, GraphBuilder& graph, onnx::Model& model,
                       const StepObserver& step = {});

// "Add 71, Mul 51": the most frequent first.
std::string list_counts(const std::map<std::string, int64_t>& counts);

}  // namespace samc::sophgo
