#pragma once
// The parts of a model as Top-dialect MLIR: transformed in a folder of their own for deploy-all and calibrate.

#include <memory>
#include <string>

#include "base/temporary.h"
#include "model/source.h"
#include "targets/sophgo/transform.h"

namespace samc {

struct PartName {
  sophgo::ModelPart part;
  const char* name;
};
constexpr PartName kParts[] = {{sophgo::ModelPart::kEncoder, "encoder"}, {sophgo::ModelPart::kDecoder, "decoder"}};

// Writes the part's NAME.mlir and its weights into the folder and gives its path.
Result<std::string> write_part(const std::shared_ptr<const ModelSource>& source, const PartName& part,
                               int64_t max_points, const TemporaryFolder& folder);

}  // namespace samc
