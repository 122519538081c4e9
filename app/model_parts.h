#pragma once
// The parts of a model as Top-dialect MLIR: transformed in a folder of their own for deploy-all and calibrate.

#include <memory>
#include <string>
#include <vector>

#include "app/console.h"
#include "base/temporary.h"
#include "model/source.h"
#include "targets/sophgo/transform.h"

namespace samc {

// Of an image model; and of one that tracks.
inline constexpr sophgo::ModelPart kImageParts[] = {sophgo::ModelPart::kEncoder, sophgo::ModelPart::kDecoder};
inline constexpr sophgo::ModelPart kVideoParts[] = {sophgo::ModelPart::kEncoder, sophgo::ModelPart::kDecoder,
                                                    sophgo::ModelPart::kMemoryAttention,
                                                    sophgo::ModelPart::kMemoryEncoder};

struct PartsOptions {
  int64_t max_points = sophgo::kDefaultMaxPoints;
  bool for_video = false;
  sophgo::MemoryTransform memory = {};
};

// A part as transform wrote it. name: "" of a model of one part.
struct PartFile {
  std::string name, mlir;
};

// Writes each part's NAME.mlir and its weights into the folder, in the order of kImageParts or kVideoParts.
Result<std::vector<PartFile>> write_parts(const std::shared_ptr<const ModelSource>& source, const PartsOptions& options,
                                          const TemporaryFolder& folder, Progress& progress);

}  // namespace samc
