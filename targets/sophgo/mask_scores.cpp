#include "targets/sophgo/mask_scores.h"

#include "base/check.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {

Status mask_scores(mlir::Value mask, int64_t keys) {
  mlir::Block* block = mask.getParentBlock();
  int64_t masked = 0;
  for (mlir::Operation& op : llvm::make_early_inc_range(*block)) {
    auto softmax = mlir::dyn_cast<top::SoftmaxOp>(op);
    if (!softmax || shape_of(softmax.getOutput()).back() != keys) continue;
    mlir::OpBuilder builder(softmax);
    const mlir::Value scores = softmax.getInput();
    softmax->setOperand(0, make_add(builder, name_of(scores) + ".masked", scores, mask));
    ++masked;
  }
  SAMC_CHECK(masked > 0, "no attention over {} keys", keys);
  return Status::ok();
}

}  // namespace samc::sophgo
