#pragma once
// What the passes share: matrix products with a constant right side, and walking along ops that only move data.

#include <optional>
#include <string>
#include <vector>

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "ir/weight_store.h"

namespace samc::sophgo {

// Adds the tensor under a new name and makes the op that reads it.
mlir::Value make_weight(mlir::OpBuilder& builder, WeightStore& weights, const std::string& wanted, Tensor tensor);

// x W + b with a two-dimensional weight and a weight or nothing as bias.
struct ConstantMatMul {
  top::MatMulOp op;
  int64_t rows = 0;            // k
  int64_t columns = 0;         // n
  bool columns_first = false;  // the weight is (n, k)
};
std::optional<ConstantMatMul> constant_matmul(mlir::Value value);
std::vector<float> bias_of(const ConstantMatMul& matmul, const WeightStore& weights);  // zeros when there is none
// Columns first .. first + count of the weight, in its own layout, times factor.
Tensor weight_columns(const ConstantMatMul& matmul, const WeightStore& weights, int64_t first, int64_t count,
                      double factor = 1.0);

// A new MatMul where the builder stands; bias may be null.
top::MatMulOp make_matmul(mlir::OpBuilder& builder, const std::string& name, const top::MatMulOp& like,
                          mlir::Value right, mlir::Value bias, const Shape& shape);
mlir::Value make_reshape(mlir::OpBuilder& builder, const std::string& name, mlir::Value input, const Shape& shape);
mlir::Value make_none(mlir::OpBuilder& builder);

// Reshape, Squeeze, Unsqueeze, Permute: ops that only move the elements.
bool is_movement(mlir::Operation* op);

}  // namespace samc::sophgo
