#pragma once
// The file beside a model's bmodels that says which they are: what deploy-all writes and segment --model DIR reads.

#include <cstdint>
#include <string>

#include "base/status.h"

namespace samc::sophgo {

constexpr const char* kManifestName = "samc_bmodels.json";

struct BmodelManifest {
  std::string model;  // "sam2.1_hiera_tiny"
  std::string chip, quantize;
  int cores = 1;
  int64_t image_size = 0;
  int64_t max_points = 0;
  std::string encoder, decoder;  // file names in the same folder
  // What a predictor has to know beside the bmodels; absent in files of older versions, which had the usual values.
  std::string encoder_id = {};  // ModelInfo::encoder_id of the model that the bmodels were made from
  bool dynamic_multimask_via_stability = true;
  double stability_delta = 0.05;
  double stability_threshold = 0.98;
  double mask_threshold = 0;  // logits above it are mask
};

Status write_manifest(const BmodelManifest& manifest, const std::string& folder);
// encoder and decoder come back as paths.
Result<BmodelManifest> read_manifest(const std::string& folder);

}  // namespace samc::sophgo
