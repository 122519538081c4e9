#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {

mlir::Value make_weight(mlir::OpBuilder& builder, WeightStore& weights, const std::string& wanted, Tensor tensor) {
  const std::string name = weights.unique_name(wanted);
  const Shape shape = tensor.shape();
  const Status status = weights.add(name, std::move(tensor));
  SAMC_CHECK(status.is_ok(), "{}", status.to_string());
  return create_weight(builder, name, shape);
}

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
  top::MatMulOp op = matmul.op;
  if (is_none(op.getBias())) return std::vector<float>(static_cast<size_t>(matmul.columns), 0.0f);
  const TensorView view = weight_view(op.getBias(), weights);
  return {view.f32().begin(), view.f32().end()};
}

Tensor weight_columns(const ConstantMatMul& matmul, const WeightStore& weights, int64_t first, int64_t count,
                      double factor) {
  top::MatMulOp op = matmul.op;
  const TensorView view = weight_view(op.getRight(), weights);
  const float* source = view.f32().data();
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

Tensor scale_rows(const ConstantMatMul& matmul, const std::vector<float>& factors, const WeightStore& weights) {
  top::MatMulOp op = matmul.op;
  const TensorView view = weight_view(op.getRight(), weights);
  Tensor scaled(view.shape);
  for (int64_t i = 0; i < scaled.count(); ++i) {
    const int64_t k = matmul.columns_first ? i % matmul.rows : i / matmul.columns;
    scaled.f32()[static_cast<size_t>(i)] = view.f32()[static_cast<size_t>(i)] * factors[static_cast<size_t>(k)];
  }
  return scaled;
}

void add_to_bias(const ConstantMatMul& matmul, const std::vector<float>& added, WeightStore& weights) {
  top::MatMulOp op = matmul.op;
  std::vector<float> bias = bias_of(matmul, weights);
  const TensorView view = weight_view(op.getRight(), weights);
  const std::span<const float> w = view.f32();
  Tensor moved({matmul.columns});
  for (int64_t n = 0; n < matmul.columns; ++n) {
    double sum = static_cast<double>(bias[static_cast<size_t>(n)]);
    for (int64_t k = 0; k < matmul.rows; ++k) {
      const int64_t place = matmul.columns_first ? n * matmul.rows + k : k * matmul.columns + n;
      sum += static_cast<double>(added[static_cast<size_t>(k)]) * static_cast<double>(w[static_cast<size_t>(place)]);
    }
    moved.f32()[static_cast<size_t>(n)] = static_cast<float>(sum);
  }
  mlir::OpBuilder builder(op);
  op.setOperand(2, make_weight(builder, weights, name_of(op.getOutput()) + ".moved_bias", std::move(moved)));
}

mlir::Value make_none(mlir::OpBuilder& builder) {
  return builder.create<top::NoneOp>(builder.getUnknownLoc(), builder.getNoneType());
}

top::MatMulOp make_matmul(mlir::OpBuilder& builder, const std::string& name, const top::MatMulOp& like,
                          mlir::Value right, mlir::Value bias, const Shape& shape) {
  mlir::MLIRContext* context = builder.getContext();
  if (!bias) bias = make_none(builder);
  top::MatMulOp source = like;
  mlir::OperationState state(name_location(context, name), top::MatMulOp::getOperationName());
  state.addOperands({source.getInput(), right, bias});
  state.addTypes(tensor_type(context, shape));
  state.addAttributes(source->getAttrs());
  return mlir::cast<top::MatMulOp>(builder.create(state));
}

mlir::Value make_reshape(mlir::OpBuilder& builder, const std::string& name, mlir::Value input, const Shape& shape) {
  mlir::MLIRContext* context = builder.getContext();
  mlir::OperationState state(name_location(context, name), top::ReshapeOp::getOperationName());
  state.addOperands(input);
  state.addTypes(tensor_type(context, shape));
  state.addAttribute("shape", to_array(context, shape));
  return builder.create(state)->getResult(0);
}

mlir::Value make_permute(mlir::OpBuilder& builder, const std::string& name, mlir::Value input, const Shape& order) {
  Shape shape;
  for (const int64_t axis : order) shape.push_back(shape_of(input)[static_cast<size_t>(axis)]);
  mlir::MLIRContext* context = builder.getContext();
  mlir::OperationState state(name_location(context, name), top::PermuteOp::getOperationName());
  state.addOperands(input);
  state.addTypes(tensor_type(context, shape));
  state.addAttribute("order", to_array(context, order));
  return builder.create(state)->getResult(0);
}

mlir::Value make_slice(mlir::OpBuilder& builder, const std::string& name, mlir::Value input, const Shape& offset,
                       const Shape& ends) {
  mlir::MLIRContext* context = builder.getContext();
  Shape shape;
  for (size_t i = 0; i < offset.size(); ++i) shape.push_back(ends[i] - offset[i]);
  mlir::OperationState state(name_location(context, name), top::SliceOp::getOperationName());
  const mlir::Value none = make_none(builder);
  state.addOperands({input, none, none, none});
  state.addTypes(tensor_type(context, shape));
  state.addAttribute("offset", to_array(context, offset));
  state.addAttribute("steps", to_array(context, Shape(offset.size(), 1)));
  state.addAttribute("ends", to_array(context, ends));
  state.addAttribute("axes", to_array(context, {}));
  return builder.create(state)->getResult(0);
}

mlir::Value make_add(mlir::OpBuilder& builder, const std::string& name, mlir::Value a, mlir::Value b) {
  return builder.create<top::AddOp>(name_location(builder.getContext(), name), a.getType(), mlir::ValueRange{a, b},
                                    builder.getBoolAttr(false), builder.getF64FloatAttr(-1.0));
}

bool is_movement(mlir::Operation* op) {
  return op != nullptr && mlir::isa<top::ReshapeOp, top::SqueezeOp, top::UnsqueezeOp, top::PermuteOp>(op);
}

bool is_last_axis(top::LayerNormOp norm) {
  const int64_t rank = static_cast<int64_t>(shape_of(norm.getInput()).size());
  const int64_t axis = norm->getAttrOfType<mlir::IntegerAttr>("axis").getValue().getSExtValue();
  return axis == -1 || axis == rank - 1;
}

bool is_row_wise(mlir::Operation* op) {
  if (op == nullptr || op->getNumResults() != 1) return false;
  if (mlir::isa<top::GELUOp, top::MulConstOp, top::AddConstOp, top::ReluOp>(op)) return true;
  if (auto norm = mlir::dyn_cast<top::LayerNormOp>(op)) return is_last_axis(norm);
  return mlir::isa<top::MatMulOp>(op) && constant_matmul(op->getResult(0)).has_value();
}

std::optional<Pool> match_pool(top::PermuteOp last) {
  if (to_shape(last.getOrder()) != Shape{0, 2, 3, 1}) return std::nullopt;
  auto pool = last.getInput().getDefiningOp<top::MaxPoolOp>();
  if (!pool || pool.getDoRelu() || to_shape(pool.getKernelShape()) != Shape{2, 2} ||
      to_shape(pool.getStrides()) != Shape{2, 2} || to_shape(pool.getPads()) != Shape{0, 0, 0, 0})
    return std::nullopt;
  auto first = pool.getInput().getDefiningOp<top::PermuteOp>();
  if (!first || to_shape(first.getOrder()) != Shape{0, 3, 1, 2}) return std::nullopt;
  const Shape shape = shape_of(first.getInput());
  if (shape[1] % 2 != 0 || shape[2] % 2 != 0) return std::nullopt;
  return Pool{first.getInput(), pool};
}

}  // namespace samc::sophgo
