// Two products with constant weights in a row are one, where that takes less: (x A + a) B + b -> x (A B) + (a B + b).

#include "passes/toolkit/attributes.h"
#include "passes/toolkit/make.h"
#include "passes/toolkit/products.h"
#include "passes/top_passes.h"

namespace samc {
namespace {

void merge(const ConstantMatMul& second, WeightStore& weights) {
  const auto first = constant_matmul(second.input());
  if (!first || !second.input().hasOneUse()) return;
  const int64_t k = first->rows, n = second.columns, between = first->columns;
  if (k * n >= k * between + between * n) return;
  mlir::OpBuilder builder(second.op);
  const std::string name = name_of(second.op->getResult(0));
  Tensor both =
      multiply(weight_block(*first, weights, 0, k, 0, between), weight_block(second, weights, 0, between, 0, n));
  const mlir::Value right = make_weight(builder, weights, name + ".product_weight", std::move(both));
  mlir::Value bias = second.bias();
  if (!is_none(first->bias()))
    bias = make_weight(builder, weights, name + ".product_bias", bias_with(second, bias_of(*first, weights), weights));
  const mlir::Value product =
      make_matmul(builder, name, first->input(), right, bias, shape_of(second.op->getResult(0)));
  second.op->getResult(0).replaceAllUsesWith(product);
  second.op->erase();
}

}  // namespace

mlir::LogicalResult merge_products(mlir::ModuleOp module, WeightStore& weights) {
  for (auto op : operations_of<top::MatMulOp>(module))
    if (const auto second = constant_matmul(op.getOutput())) merge(*second, weights);
  remove_unused_weights(module, weights);
  return mlir::success();
}

}  // namespace samc
