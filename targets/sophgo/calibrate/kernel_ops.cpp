#include "targets/sophgo/calibrate/kernel_ops.h"

#include "ir/shapes.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "kernels/batch_matmul.h"
#include "kernels/broadcast.h"
#include "kernels/layer_norm.h"
#include "kernels/movement.h"
#include "kernels/permute.h"
#include "kernels/pointwise.h"
#include "kernels/softmax.h"

namespace samc::sophgo {
namespace {

// One op while it is computed.
struct Call {
  const std::vector<TensorView>& operands;
  KernelContext& context;
  Tensor result;

  const float* in(size_t operand) const { return operands[operand].f32().data(); }
  const Shape& shape(size_t operand) const { return operands[operand].shape; }
  float* out() { return result.f32().data(); }
  bool absent(size_t operand) const { return operands[operand].data == nullptr; }
};

Shape batch_of(const Shape& shape) { return Shape(shape.begin(), shape.end() - 2); }

// One product for all rows where the right operand is one matrix, else one for each of the batch.
bool product(top::MatMulOp op, Call& call) {
  const Shape &a = call.shape(0), &b = call.shape(1), &out = call.result.shape();
  if (op.getLeftTranspose() || op.getDoRelu() || a.size() < 2 || b.size() < 2) return false;
  const bool one_matrix = element_count(batch_of(b)) == 1;
  if (batch_of(a) != batch_of(b) && !one_matrix) return false;
  if (element_count(batch_of(a)) != element_count(batch_of(out))) return false;
  if (!call.absent(2) && call.operands[2].count() != out.back()) return false;
  BatchMatmulParams params;
  params.k = a.back();
  params.n = out.back();
  params.m = one_matrix ? call.result.count() / params.n : out[out.size() - 2];
  params.batch = one_matrix ? 1 : call.result.count() / params.n / params.m;
  params.transpose_b = op.getRightTranspose();
  batch_matmul(params, call.in(0), call.in(1), call.out(), call.context);
  if (call.absent(2)) return true;
  BinaryParams bias;
  bias.a = {params.batch * params.m, params.n};
  bias.b = {params.n};
  binary(bias, call.out(), call.in(2), call.out(), call.context);
  return true;
}

bool norm(top::LayerNormOp op, Call& call) {
  const Shape& x = call.shape(0);
  const auto axis = static_cast<size_t>(normal_axis_checked(op.getAxis(), x.size()));
  LayerNormParams params;
  params.c = element_count(std::span(x).subspan(axis));
  params.rows = call.result.count() / params.c;
  params.eps = static_cast<float>(op.getEps().convertToDouble());
  layer_norm(params, call.in(0), call.absent(1) ? nullptr : call.in(1), call.absent(2) ? nullptr : call.in(2),
             call.out(), call.context);
  return true;
}

bool probabilities(top::SoftmaxOp op, Call& call) {
  const Shape& x = call.shape(0);
  if (op.getLog() || normal_axis_checked(op.getAxis(), x.size()) + 1 != static_cast<int64_t>(x.size())) return false;
  SoftmaxParams params;
  params.c = x.back();
  params.rows = call.result.count() / params.c;
  params.scale = static_cast<float>(op.getBeta().convertToDouble());
  softmax(params, call.in(0), call.out(), call.context);
  return true;
}

// Any number of operands, from the left.
bool chain(BinaryOp op, Call& call) {
  if (call.operands.size() < 2 || call.result.shape().size() > kLargestRank) return false;
  BinaryParams params;
  params.op = op;
  params.a = call.shape(0);
  const float* left = call.in(0);
  for (size_t i = 1; i < call.operands.size(); ++i) {
    params.b = call.shape(i);
    // What is in between lies in the result already, which must be as large then.
    if (i + 1 < call.operands.size() && broadcast_shape(params.a, params.b) != call.result.shape()) return false;
    binary(params, left, call.in(i), call.out(), call.context);
    left = call.out();
    params.a = call.result.shape();
  }
  return true;
}

bool gelu(top::GELUOp op, Call& call) {
  if (op.getApproxMode() != "normal") return false;
  UnaryParams params;
  params.op = UnaryOp::kGelu;
  params.count = call.result.count();
  unary(params, call.in(0), call.out(), call.context);
  return true;
}

bool order_axes(top::PermuteOp op, Call& call) {
  if (call.shape(0).size() > kLargestRank) return false;
  permute({call.shape(0), to_shape(op.getOrder())}, call.in(0), call.out(), call.context);
  return true;
}

bool part(top::SliceOp op, Call& call) {
  const auto range = slice_range(call.shape(0), to_shape(op.getOffset()), to_shape(op.getEnds()),
                                 to_shape(op.getSteps()), to_shape(op.getAxes()));
  if (!range.is_ok()) return false;
  slice({call.shape(0), call.result.shape(), range.value().starts, range.value().steps}, call.in(0), call.out(),
        call.context);
  return true;
}

bool compute(mlir::Operation* op, Call& call) {
  if (auto matmul = mlir::dyn_cast<top::MatMulOp>(op)) return product(matmul, call);
  if (auto layer_norm = mlir::dyn_cast<top::LayerNormOp>(op)) return norm(layer_norm, call);
  if (auto softmax = mlir::dyn_cast<top::SoftmaxOp>(op)) return probabilities(softmax, call);
  if (auto add = mlir::dyn_cast<top::AddOp>(op)) return !add.getDoRelu() && chain(BinaryOp::kAdd, call);
  if (auto mul = mlir::dyn_cast<top::MulOp>(op)) return !mul.getDoRelu() && chain(BinaryOp::kMul, call);
  if (mlir::isa<top::MaxOp>(op)) return chain(BinaryOp::kMax, call);
  if (auto activation = mlir::dyn_cast<top::GELUOp>(op)) return gelu(activation, call);
  if (auto permute = mlir::dyn_cast<top::PermuteOp>(op)) return order_axes(permute, call);
  if (auto slice = mlir::dyn_cast<top::SliceOp>(op)) return part(slice, call);
  return false;
}

}  // namespace

std::optional<Tensor> run_kernel(mlir::Operation* op, const std::vector<TensorView>& operands, SpareTensors& spare,
                                 KernelContext& context) {
  if (op->getNumResults() != 1) return std::nullopt;
  Call call{operands, context, spare.take(shape_of(op->getResult(0)))};
  if (!compute(op, call)) {
    spare.give(std::move(call.result));
    return std::nullopt;
  }
  return std::move(call.result);
}

}  // namespace samc::sophgo
