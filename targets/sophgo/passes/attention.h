#pragma once
// The parts of softmax(q k^T) v W that products with constant weights make.

#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {

// Added to a score that must not count: far below every other, and still a number in f16. Its exponential is 0.
constexpr double kExcluded = -30000.0;

// The product x W + b of shape (..., heads dim) behind the value: split into (batch, rows, heads, dim) by Reshapes,
// then permuted by `order`. Nothing if anybody else reads what is in between.
std::optional<ConstantMatMul> product_of_heads(mlir::Value value, const Shape& order);

// The projection that follows the mixed values, through Permute [0, 2, 1, 3] and Reshapes that keep (heads dim) last.
std::optional<ConstantMatMul> projection_of(mlir::Value mixed, int64_t columns);

}  // namespace samc::sophgo
