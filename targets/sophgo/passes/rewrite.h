#pragma once
// What the passes share: matrix products with a constant right side, and walking along ops that only move data.

#include <optional>
#include <string>
#include <vector>

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "ir/weight_store.h"

namespace samc::sophgo {

// The module's ops of a kind, listed before any of them is rewritten.
template <class Op>
std::vector<Op> operations_of(mlir::ModuleOp module) {
  std::vector<Op> list;
  module.walk([&](Op op) { list.push_back(op); });
  return list;
}

// Two for each of the chip's 32 lanes.
constexpr int64_t kBatchTokens = 64;

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

// The weight with row k times factors[k], in its own layout.
Tensor scale_rows(const ConstantMatMul& matmul, const std::vector<float>& factors, const WeightStore& weights);
// Makes the bias b of x W + b into b + added W.
void add_to_bias(const ConstantMatMul& matmul, const std::vector<float>& added, WeightStore& weights);

// A new MatMul where the builder stands; bias may be null.
top::MatMulOp make_matmul(mlir::OpBuilder& builder, const std::string& name, const top::MatMulOp& like,
                          mlir::Value right, mlir::Value bias, const Shape& shape);
mlir::Value make_reshape(mlir::OpBuilder& builder, const std::string& name, mlir::Value input, const Shape& shape);
mlir::Value make_permute(mlir::OpBuilder& builder, const std::string& name, mlir::Value input, const Shape& order);
mlir::Value make_slice(mlir::OpBuilder& builder, const std::string& name, mlir::Value input, const Shape& offset,
                       const Shape& ends);
mlir::Value make_add(mlir::OpBuilder& builder, const std::string& name, mlir::Value a, mlir::Value b);  // a's shape
mlir::Value make_none(mlir::OpBuilder& builder);

// Reshape, Squeeze, Unsqueeze, Permute: ops that only move the elements.
bool is_movement(mlir::Operation* op);

bool is_last_axis(top::LayerNormOp norm);
// Whether each row of the last axis of the result depends on that row of operand 0 alone.
bool is_row_wise(mlir::Operation* op);

// A max pool of 2 x 2 blocks of a map: Permute to NCHW, MaxPool, Permute back.
struct Pool {
  mlir::Value source;  // (b, h, w, c)
  top::MaxPoolOp op;
};
std::optional<Pool> match_pool(top::PermuteOp last);

}  // namespace samc::sophgo
