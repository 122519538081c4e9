#pragma once
// samexporter's export of pico, unmodified: tests/data/pico/onnx holds the two graphs, and which weight of the formula
// lies where in the external data (weights.txt).

#include <string>

#include "base/status.h"

namespace samc::test {

// encoder.onnx, decoder.onnx, encoder.weights and decoder.weights in the folder, which is made when it is not there.
Status write_pico_export(const std::string& folder);

}  // namespace samc::test
