#pragma once
// Bmodels as what a VideoPredictor computes with: encoder, decoder, memory attention and memory encoder on the chip or
// in its simulator, two small functions on this processor. The same outputs as a compiled module's.

#include <memory>
#include <string>

#include "base/status.h"
#include "runtime/video_model.h"
#include "targets/sophgo/device/bmodel_model.h"

namespace samc::sophgo {

struct BmodelVideoOptions : BmodelModelOptions {
  std::string memory_attention, memory_encoder;  // transform's parts of these names, deployed for the same chip
  std::string heads;                             // a module with the functions object_pointer and mask_downsample
};

// Encoder and decoder were transformed for video. The memory attention's places are the most memories and pointers
// that an object may have.
Result<std::unique_ptr<VideoModel>> make_bmodel_video_model(const BmodelVideoOptions& options, BmodelDevice* device);

}  // namespace samc::sophgo
