#pragma once
// Puts together again what exporters took apart: GELU out of Erf, normalisations out of means and roots. One node
// stands for the pattern afterwards: Gelu, LayerNormalization (over the last axis) or PixelNormalization (ours: over
// axis 1 of NCHW).

#include "onnx/simplify.h"

namespace samc::onnx {

constexpr const char* kPixelNormalization = "PixelNormalization";

// How many patterns were found. Begins with sink_expands.
int64_t compose(SimpleGraph& graph);

// Broadcasts that elementwise nodes do by themselves vanish. How many nodes lost one.
int64_t sink_expands(SimpleGraph& graph);

}  // namespace samc::onnx
