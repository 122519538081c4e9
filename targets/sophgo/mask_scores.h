#pragma once
// Keys that must not count, in a function whose shapes are fixed.

#include <cstdint>

#include "base/status.h"
#include "mlir/IR/Value.h"

namespace samc::sophgo {

// Adds the mask, (1, 1, 1, keys), between the scores and every softmax over so many keys that stands behind it.
Status mask_scores(mlir::Value mask, int64_t keys);

}  // namespace samc::sophgo
