#pragma once
// An encoder and a decoder bmodel as an image model of the runtime: the same prompts and the same outputs as on the
// CPU.

#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "runtime/image_model.h"
#include "targets/sophgo/device/part_runner.h"

namespace samc::sophgo {

struct BmodelModelOptions : PartRunnerOptions {
  std::string encoder, decoder;  // as transform's encoder and decoder parts, deployed for one chip
  ModelInfo info = {};           // what the manifest says of the model; without a name: the encoder file's
  std::string device = "auto";   // find_device()
  std::optional<std::string> tpu_mlir = {};
  int threads = 0;
};

// On a chip the bmodels are loaded once and stay, and embeddings stay on it between encoder and decoder; others of this
// model share them. In the simulator each call is a process of its own. The decoder's number of point places is the
// most that a prompt may have, the pad point included.
Result<std::unique_ptr<ImageModel>> make_bmodel_model(const BmodelModelOptions& options, BmodelDevice* device);

}  // namespace samc::sophgo
