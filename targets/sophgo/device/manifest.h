#pragma once
// The file beside a model's bmodels that says which they are: what deploy-all writes and segment --model DIR reads.

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "package/plan.h"

namespace samc::sophgo {

constexpr const char* kManifestName = "samc_bmodels.json";

struct BmodelManifest {
  ModelInfo info;  // of the model that the bmodels were made from; what lost_facts() (model/source.h) says is not kept
  std::string chip, quantize;
  int cores = 1;
  int64_t max_points = 0;
  std::string encoder, decoder;  // file names in the same folder
  // Of a model that tracks: all three, or none. heads: a module with the small functions that this processor runs.
  std::string memory_attention = {}, memory_encoder = {}, heads = {};
  std::string memory_form = {};  // for people

  bool tracks() const { return !memory_attention.empty(); }
};

Status write_manifest(const BmodelManifest& manifest, const std::string& folder);
// The files come back as paths.
Result<BmodelManifest> read_manifest(const std::string& folder);
// The manifest itself, and the bmodels that it names where it can be read.
std::vector<std::string> manifest_files(const std::string& folder);

}  // namespace samc::sophgo
