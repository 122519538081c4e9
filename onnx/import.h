#pragma once
// A simplified ONNX graph as a function of top ops. Values keep their ONNX names; weights are called PREFIX + name, so
// that the functions of several models share one store. Booleans are 0.0 and 1.0, integers are whole numbers in f32.

#include <functional>
#include <map>
#include <string>

#include "base/status.h"
#include "ir/graph_builder.h"
#include "onnx/simplify.h"

namespace samc::onnx {

struct ImportOptions {
  std::string function = "main";
  std::string weight_prefix = {};
  // Adds to the function before it ends; gets its values by their ONNX names.
  std::function<Status(GraphBuilder& graph, const std::map<std::string, mlir::Value>& values)> extend = {};
};

// The model that the graph came from must outlive the builder's weight store, which borrows its f32 tensors.
Status import_graph(const SimpleGraph& graph, const ImportOptions& options, GraphBuilder& builder);

// simplify, compose and import_graph in one. The model must outlive the weight store.
struct ImportReport {
  int64_t nodes_in_model = 0;
  int64_t nodes_simplified = 0;
  int64_t patterns = 0;
};
Result<ImportReport> import_model(const Model& model, const SimplifyOptions& simplify_options,
                                  const ImportOptions& import_options, GraphBuilder& builder);

}  // namespace samc::onnx
