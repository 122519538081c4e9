// Any bytes as an ONNX model: an error, or a graph that simplifies or says why not.

#include <cstdint>

#include "onnx/compose.h"
#include "onnx/simplify.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Holds one file, operators.npz, for models with external data.
  const std::string folder = SAMC_SOURCE_DIR "/tests/data/onnx";
  const auto bytes = std::as_bytes(std::span(data, size));
  const samc::Result<samc::onnx::Model> model = samc::onnx::Model::parse(bytes, folder, "fuzz.onnx");
  if (!model.is_ok()) return 0;
  samc::onnx::SimplifyOptions options;
  options.dimensions = {{"n", 3}};
  options.most_constant_bytes = 1 << 26;
  samc::Result<samc::onnx::SimpleGraph> graph = samc::onnx::simplify(model.value(), options);
  if (graph.is_ok()) samc::onnx::compose(graph.value());
  return 0;
}
