#pragma once
// What the passes share beside passes/toolkit: the chip's lanes, and pools of maps.

#include "passes/toolkit/attributes.h"
#include "passes/toolkit/make.h"
#include "passes/toolkit/products.h"

namespace samc::sophgo {

// Two for each of the chip's 32 lanes.
constexpr int64_t kBatchTokens = 64;

// Added to a score that must not count: far below every other, and still a number in f16. Its exponential is 0.
constexpr double kExcluded = -30000.0;

// A max pool of 2 x 2 blocks of a map: Permute to NCHW, MaxPool, Permute back.
struct Pool {
  mlir::Value source;  // (b, h, w, c)
  top::MaxPoolOp op;
};
std::optional<Pool> match_pool(top::PermuteOp last);
// The same pool of another map.
mlir::Value make_pool(mlir::OpBuilder& builder, const std::string& name, mlir::Value map, top::MaxPoolOp like);

}  // namespace samc::sophgo
