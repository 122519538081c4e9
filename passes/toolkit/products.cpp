#include "passes/toolkit/products.h"

#include "passes/toolkit/attributes.h"

namespace samc {

std::optional<ConstantMatMul> constant_matmul(mlir::Value value) {
  auto op = value ? value.getDefiningOp<top::MatMulOp>() : top::MatMulOp();
  if (!op || !is_weight(op.getRight()) || op.getLeftTranspose() || op.getDoRelu()) return std::nullopt;
  if (!is_none(op.getBias()) && !is_weight(op.getBias())) return std::nullopt;
  const Shape shape = shape_of(op.getRight());
  if (shape.size() != 2) return std::nullopt;
  ConstantMatMul matmul{op, shape[0], shape[1], op.getRightTranspose()};
  if (matmul.columns_first) std::swap(matmul.rows, matmul.columns);
  if (!is_none(op.getBias()) && element_count(shape_of(op.getBias())) != matmul.columns) return std::nullopt;
  return matmul;
}

std::vector<float> bias_of(const ConstantMatMul& matmul, const WeightStore& weights) {
  if (is_none(matmul.bias())) return std::vector<float>(static_cast<size_t>(matmul.columns), 0.0f);
  const std::span<const float> bias = weight_view(matmul.bias(), weights).f32();
  return {bias.begin(), bias.end()};
}

mlir::Value make_bias_columns(mlir::OpBuilder& builder, WeightStore& weights, const std::string& name,
                              const ConstantMatMul& matmul, int64_t first, int64_t count) {
  if (is_none(matmul.bias())) return {};
  Tensor part({count});
  std::copy_n(bias_of(matmul, weights).begin() + first, count, part.f32().begin());
  return make_weight(builder, weights, name, std::move(part));
}

Tensor weight_columns(const ConstantMatMul& matmul, const WeightStore& weights, int64_t first, int64_t count,
                      double factor) {
  const float* source = weight_view(matmul.right(), weights).f32().data();
  Tensor part(matmul.columns_first ? Shape{count, matmul.rows} : Shape{matmul.rows, count});
  float* target = part.f32().data();
  const int64_t lines = matmul.columns_first ? 1 : matmul.rows;
  const int64_t length = matmul.columns_first ? count * matmul.rows : count;
  const int64_t stride = matmul.columns_first ? 0 : matmul.columns;
  const int64_t offset = matmul.columns_first ? first * matmul.rows : first;
  for (int64_t line = 0; line < lines; ++line)
    for (int64_t i = 0; i < length; ++i)
      target[line * length + i] = static_cast<float>(static_cast<double>(source[line * stride + offset + i]) * factor);
  return part;
}

Tensor weight_rows(const ConstantMatMul& matmul, const WeightStore& weights, int64_t first, int64_t count) {
  const float* source = weight_view(matmul.right(), weights).f32().data();
  Tensor part(matmul.columns_first ? Shape{matmul.columns, count} : Shape{count, matmul.columns});
  float* target = part.f32().data();
  if (!matmul.columns_first) {
    std::copy_n(source + first * matmul.columns, count * matmul.columns, target);
  } else {
    for (int64_t n = 0; n < matmul.columns; ++n)
      std::copy_n(source + n * matmul.rows + first, count, target + n * count);
  }
  return part;
}

Tensor weight_block(const ConstantMatMul& matmul, const WeightStore& weights, int64_t first_row, int64_t rows,
                    int64_t first_column, int64_t columns, bool transposed) {
  const std::span<const float> w = weight_view(matmul.right(), weights).f32();
  Tensor block(transposed ? Shape{columns, rows} : Shape{rows, columns});
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t n = 0; n < columns; ++n)
      block.f32()[static_cast<size_t>(transposed ? n * rows + k : k * columns + n)] =
          w[matmul.place(first_row + k, first_column + n)];
  return block;
}

Tensor scale_rows(const ConstantMatMul& matmul, std::span<const float> factors, const WeightStore& weights) {
  const TensorView view = weight_view(matmul.right(), weights);
  const std::span<const float> w = view.f32();
  Tensor scaled(view.shape);
  for (int64_t i = 0; i < scaled.count(); ++i) {
    const int64_t k = matmul.columns_first ? i % matmul.rows : i / matmul.columns;
    scaled.f32()[static_cast<size_t>(i)] = w[static_cast<size_t>(i)] * factors[static_cast<size_t>(k)];
  }
  return scaled;
}

Tensor bias_with(const ConstantMatMul& matmul, std::span<const float> added, const WeightStore& weights) {
  const std::vector<float> bias = bias_of(matmul, weights);
  const std::span<const float> w = weight_view(matmul.right(), weights).f32();
  std::vector<double> sums(bias.begin(), bias.end());
  // In the order in which the weight lies: rows of columns that are apart are slow to walk.
  const auto add = [&](int64_t k, int64_t n) {
    sums[static_cast<size_t>(n)] +=
        static_cast<double>(added[static_cast<size_t>(k)]) * static_cast<double>(w[matmul.place(k, n)]);
  };
  if (matmul.columns_first) {
    for (int64_t n = 0; n < matmul.columns; ++n)
      for (int64_t k = 0; k < matmul.rows; ++k) add(k, n);
  } else {
    for (int64_t k = 0; k < matmul.rows; ++k)
      for (int64_t n = 0; n < matmul.columns; ++n) add(k, n);
  }
  Tensor result({matmul.columns});
  std::ranges::transform(sums, result.f32().begin(), [](double sum) { return static_cast<float>(sum); });
  return result;
}

Tensor multiply(const Tensor& left, const Tensor& right) {
  const int64_t rows = left.shape()[0], k = left.shape()[1], columns = right.shape()[1];
  const std::span<const float> a = left.f32(), b = right.f32();
  Tensor result({rows, columns});
  std::vector<double> sums(static_cast<size_t>(columns));
  for (int64_t row = 0; row < rows; ++row) {
    std::ranges::fill(sums, 0.0);
    for (int64_t i = 0; i < k; ++i) {
      const auto factor = static_cast<double>(a[static_cast<size_t>(row * k + i)]);
      for (int64_t n = 0; n < columns; ++n)
        sums[static_cast<size_t>(n)] += factor * static_cast<double>(b[static_cast<size_t>(i * columns + n)]);
    }
    std::ranges::transform(sums, result.f32().begin() + row * columns,
                           [](double sum) { return static_cast<float>(sum); });
  }
  return result;
}

void add_to_bias(const ConstantMatMul& matmul, std::span<const float> added, WeightStore& weights) {
  mlir::OpBuilder builder(matmul.op);
  const std::string name = name_of(matmul.op->getResult(0)) + ".moved_bias";
  matmul.op->setOperand(2, make_weight(builder, weights, name, bias_with(matmul, added, weights)));
}

mlir::Value make_matmul_like(mlir::OpBuilder& builder, const NewName& name, const top::MatMulOp& like, mlir::Value left,
                             mlir::Value right, mlir::Value bias, const Shape& shape) {
  mlir::MLIRContext* context = builder.getContext();
  if (!bias) bias = make_none(builder);
  mlir::OperationState state(name.in(context), top::MatMulOp::getOperationName());
  state.addOperands({left, right, bias});
  state.addTypes(tensor_type(context, shape));
  state.addAttributes(like->getAttrs());
  return builder.create(state)->getResult(0);
}

bool is_pointwise(top::ConvOp conv) {
  if (!is_weight(conv.getFilter()) || !(is_none(conv.getBias()) || is_weight(conv.getBias()))) return false;
  const Shape filter = shape_of(conv.getFilter());
  return conv.getGroup() == 1 && filter.size() == 4 && filter[2] == 1 && filter[3] == 1 &&
         to_shape(conv.getStrides()) == Shape{1, 1} && to_shape(conv.getPads()) == Shape{0, 0, 0, 0};
}

bool is_row_wise(mlir::Operation* op) {
  if (op == nullptr || op->getNumResults() != 1) return false;
  if (mlir::isa<top::GELUOp, top::MulConstOp, top::AddConstOp, top::ReluOp>(op)) return true;
  if (mlir::isa<top::LayerNormOp>(op)) return is_last_axis(op);
  return mlir::isa<top::MatMulOp>(op) && constant_matmul(op->getResult(0)).has_value();
}

}  // namespace samc
