#pragma once
// What stands around vision.attention: products with constant weights whose columns are cut into heads.

#include <optional>

#include "ir/vision_dialect.h"
#include "passes/toolkit/products.h"

namespace samc {

// keys with their last two axes exchanged, by one permute together with one that made them.
mlir::Value turn_keys(mlir::OpBuilder& builder, const NewName& name, mlir::Value keys);

// The order of (batch, tokens, heads, dim) and (batch, heads, tokens, dim).
inline const Shape kHeadsOrder = {0, 2, 1, 3};
// The product x W + b of (..., heads dim) behind q, k or v: split into (batch, tokens, heads, dim) by reshapes, then
// permuted. Nothing if anybody else reads what is in between.
std::optional<ConstantMatMul> product_of_heads(mlir::Value value);
// The projection that follows an attention, through the permute back and reshapes that keep (heads dim) last.
std::optional<ConstantMatMul> projection_of(vision::AttentionOp attention);

}  // namespace samc
