#pragma once
// Matrix products whose right side is a weight, and the algebra of their weights.

#include <optional>
#include <string>
#include <vector>

#include "passes/toolkit/make.h"

namespace samc {

// x W + b with a two-dimensional weight and a weight or nothing as bias.
struct ConstantMatMul {
  top::MatMulOp op;
  int64_t rows = 0;            // k
  int64_t columns = 0;         // n
  bool columns_first = false;  // the weight is (n, k)

  mlir::Value input() const { return op->getOperand(0); }
  mlir::Value right() const { return op->getOperand(1); }
  mlir::Value bias() const { return op->getOperand(2); }
  size_t place(int64_t k, int64_t n) const {
    return static_cast<size_t>(columns_first ? n * rows + k : k * columns + n);
  }
};
std::optional<ConstantMatMul> constant_matmul(mlir::Value value);

std::vector<float> bias_of(const ConstantMatMul& matmul, const WeightStore& weights);  // zeros when there is none
// Columns first .. first + count of the bias as a weight of this name; null when there is no bias.
mlir::Value make_bias_columns(mlir::OpBuilder& builder, WeightStore& weights, const std::string& name,
                              const ConstantMatMul& matmul, int64_t first, int64_t count);
// Columns first .. first + count of the weight, in its own layout, times factor.
Tensor weight_columns(const ConstantMatMul& matmul, const WeightStore& weights, int64_t first, int64_t count,
                      double factor = 1.0);
// Rows first .. first + count of the weight, in its own layout.
Tensor weight_rows(const ConstantMatMul& matmul, const WeightStore& weights, int64_t first, int64_t count);
// A block of the weight as (rows, columns), or transposed as (columns, rows), whatever its own layout.
Tensor weight_block(const ConstantMatMul& matmul, const WeightStore& weights, int64_t first_row, int64_t rows,
                    int64_t first_column, int64_t columns, bool transposed = false);
// The weight with row k times factors[k], in its own layout.
Tensor scale_rows(const ConstantMatMul& matmul, std::span<const float> factors, const WeightStore& weights);
// b + added W
Tensor bias_with(const ConstantMatMul& matmul, std::span<const float> added, const WeightStore& weights);
// left (rows, k) right (k, columns), summed in double.
Tensor multiply(const Tensor& left, const Tensor& right);
// Makes the bias of x W + b into b + added W.
void add_to_bias(const ConstantMatMul& matmul, std::span<const float> added, WeightStore& weights);

// The product with other operands and of another shape, its attributes kept; bias may be null.
mlir::Value make_matmul_like(mlir::OpBuilder& builder, const NewName& name, const top::MatMulOp& like, mlir::Value left,
                             mlir::Value right, mlir::Value bias, const Shape& shape);

// Whether a convolution with constant weights looks at one pixel only, each of them, and joins all channels: a product.
bool is_pointwise(top::ConvOp conv);
// Whether each row of the last axis of the result depends on that row of operand 0 alone.
bool is_row_wise(mlir::Operation* op);

}  // namespace samc
