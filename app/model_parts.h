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

struct PartName {
  sophgo::ModelPart part;
  const char* name;
};
constexpr PartName kParts[] = {{sophgo::ModelPart::kEncoder, "encoder"}, {sophgo::ModelPart::kDecoder, "decoder"}};

// A part as transform wrote it. name: "" of a model of one part.
struct PartFile {
  std::string name, mlir;
};

// Writes each part's NAME.mlir and its weights into the folder, in the order of kParts.
Result<std::vector<PartFile>> write_parts(const std::shared_ptr<const ModelSource>& source, int64_t max_points,
                                          const TemporaryFolder& folder, Progress& progress);

}  // namespace samc
