#pragma once
// What the graphs of an ONNX export do with their inputs and outputs, found by what their nodes do, not by names: where
// they can be cut so that what is between the cuts takes and gives what the module's functions do (model/README.md).
// What is not recognised is an error that names it.

#include <string>
#include <vector>

#include "base/status.h"
#include "onnx/simplify.h"

namespace samc {

constexpr const char* kKnownExport = "samc reads what samexporter writes: see docs/onnx_route.md";
constexpr int64_t kMasks = 4;  // the single mask and three more

// Of an encoder: the value that holds the normalised image (1, 3, S, S), "image" itself where the caller normalises.
// Where the graph does (from bytes or from 0..1, also from (1, S, S, 3)), it lies behind that.
Result<std::string> find_normalised_image(const onnx::SimpleGraph& encoder);

// value = scale given + offset
struct Affine {
  double scale = 1;
  double offset = 0;
};

// Names of values inside decoder.onnx, at which it is cut.
struct DecoderCuts {
  std::string points;       // coordinates with the pad point behind them
  Affine from_pixels;       // what makes them of pixels: the graph's position encoding says where a coordinate is
  std::string labels;       // with that of the pad point
  std::string dense_embed;  // of the mask or of its absence
  std::string logits;       // (1, 4, S/4, S/4)
  std::string scores;       // (1, 4)
  // Which of the logits belongs to each mask token; empty: each to its own.
  std::vector<int64_t> order;
  // Logits above it are mask, where the graph says so by yes and no; a probability's threshold as a logit.
  double mask_threshold = 0;
  // Of the export uncut: what makes its point_coords of pixels.
  Affine input_from_pixels;
};

// decoder: simplified with these options, all inputs free. image_size is S.
Result<DecoderCuts> find_cuts(const onnx::Model& model, const onnx::SimplifyOptions& options,
                              const onnx::SimpleGraph& decoder, int64_t image_size);

}  // namespace samc
