// x W^T with a constant W becomes x V: model_transform.py writes no other form, and tpuc-opt 1.30.2 cuts the weights of
// a perceptron along the wrong axis when they are transposed (BM1684X, 16 bits: an assertion in fix_shape).

#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {

mlir::LogicalResult transpose_weights(mlir::ModuleOp module, WeightStore& weights) {
  module.walk([&](top::MatMulOp op) {
    if (!op.getRightTranspose() || !is_weight(op.getRight())) return;
    const Shape shape = shape_of(op.getRight());  // (n, k)
    if (shape.size() != 2) return;
    const TensorView view = weight_view(op.getRight(), weights);
    const float* source = view.f32().data();
    Tensor turned({shape[1], shape[0]});
    float* target = turned.f32().data();
    for (int64_t n = 0; n < shape[0]; ++n)
      for (int64_t k = 0; k < shape[1]; ++k) target[k * shape[0] + n] = source[n * shape[1] + k];
    mlir::OpBuilder builder(op);
    op.setOperand(1, make_weight(builder, weights, name_of(op.getRight()) + ".transposed", std::move(turned)));
    op->setAttr("right_transpose", builder.getBoolAttr(false));
  });
  return mlir::success();
}

}  // namespace samc::sophgo
