#pragma once
// Max pools of maps.

#include <optional>

#include "ir/top_dialect.h"
#include "passes/toolkit/make.h"

namespace samc {

// A max pool of a map's blocks, which lie side by side and fill it: Permute to NCHW, MaxPool, Permute back.
struct Pool {
  mlir::Value source;  // (b, h, w, c)
  top::MaxPoolOp op;
  int64_t block_h = 0;
  int64_t block_w = 0;
};
std::optional<Pool> match_pool(top::PermuteOp last);
// The same pool of another map.
mlir::Value make_pool(mlir::OpBuilder& builder, const NewName& name, mlir::Value map, const Pool& like);

}  // namespace samc
