// A 1 x 1 convolution of a map that was turned to NCHW is a product before it is turned, and two such in a row are one:
//
//   conv(nchw(x), F) + b   -> nchw(x F^T + b)
//
// What is turned, and put back out of windows, is then as narrow as the result.

#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// The map (b, h, w, c) that the convolution works on, if it is a plain 1 x 1 one of constants.
mlir::Value nhwc_input(top::ConvOp conv) {
  auto permute = conv.getInput().getDefiningOp<top::PermuteOp>();
  if (!permute || to_shape(permute.getOrder()) != kToNchw || conv.getDoRelu() || conv.getGroup() != 1) return {};
  if (!is_weight(conv.getFilter()) || !(is_none(conv.getBias()) || is_weight(conv.getBias()))) return {};
  const Shape filter = shape_of(conv.getFilter());
  if (filter.size() != 4 || filter[2] != 1 || filter[3] != 1 || to_shape(conv.getStrides()) != Shape{1, 1} ||
      to_shape(conv.getPads()) != Shape{0, 0, 0, 0})
    return {};
  return permute.getInput();
}

// The product behind the map, when the convolution is all that reads it and one product of both takes less.
std::optional<ConstantMatMul> merged_product(top::ConvOp conv, mlir::Value map, int64_t columns) {
  if (!conv.getInput().hasOneUse() || !map.hasOneUse()) return std::nullopt;
  const auto first = constant_matmul(map);
  if (!first || first->rows * columns >= first->rows * first->columns + first->columns * columns) return std::nullopt;
  return first;
}

void rewrite(top::ConvOp conv, WeightStore& weights) {
  mlir::Value x = nhwc_input(conv);
  if (!x) return;
  mlir::OpBuilder builder(conv);
  const std::string name = name_of(conv.getOutput());
  const Shape filter = shape_of(conv.getFilter());  // (columns, rows, 1, 1)
  const int64_t columns = filter[0];
  const int64_t rows = filter[1];
  const TensorView f = weight_view(conv.getFilter(), weights);
  Tensor weight({rows, columns}), bias = Tensor::zeros({columns});
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t n = 0; n < columns; ++n)
      weight.f32()[static_cast<size_t>(k * columns + n)] = f.f32()[static_cast<size_t>(n * rows + k)];
  if (!is_none(conv.getBias())) {
    const TensorView b = weight_view(conv.getBias(), weights);
    std::copy(b.f32().begin(), b.f32().end(), bias.f32().begin());
  }
  bool has_bias = !is_none(conv.getBias());
  if (const auto first = merged_product(conv, x, columns)) {
    top::MatMulOp op = first->op;
    const TensorView a = weight_view(op.getRight(), weights);
    Tensor both({first->rows, columns});
    std::vector<double> sums(static_cast<size_t>(columns));
    // Row first->rows is the first product's bias.
    const std::vector<float> added = bias_of(*first, weights);
    for (int64_t k = 0; k <= first->rows; ++k) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t i = 0; i < rows; ++i) {
        const double factor =
            static_cast<double>(k == first->rows ? added[static_cast<size_t>(i)] : a.f32()[first->place(k, i)]);
        for (int64_t n = 0; n < columns; ++n)
          sums[static_cast<size_t>(n)] +=
              factor * static_cast<double>(weight.f32()[static_cast<size_t>(i * columns + n)]);
      }
      for (int64_t n = 0; n < columns; ++n) {
        const auto at = static_cast<size_t>(n);
        if (k == first->rows)
          bias.f32()[at] = static_cast<float>(static_cast<double>(bias.f32()[at]) + sums[at]);
        else
          both.f32()[static_cast<size_t>(k * columns + n)] = static_cast<float>(sums[at]);
      }
    }
    has_bias = has_bias || !is_none(op.getBias());
    weight = std::move(both);
    x = op.getInput();
  }
  Shape shape = shape_of(x);
  shape.back() = columns;
  const mlir::Value right = make_weight(builder, weights, name + ".product_weight", std::move(weight));
  const mlir::Value row =
      has_bias ? make_weight(builder, weights, name + ".product_bias", std::move(bias)) : mlir::Value();
  const mlir::Value product = make_matmul(builder, name + ".nhwc", x, right, row, shape);
  conv.getOutput().replaceAllUsesWith(make_permute(builder, name, product, kToNchw));
  conv->erase();
}

}  // namespace

mlir::LogicalResult conv_products(mlir::ModuleOp module, WeightStore& weights) {
  for (top::ConvOp conv : operations_of<top::ConvOp>(module)) rewrite(conv, weights);
  return remove_dead(module, weights);
}

}  // namespace samc::sophgo
