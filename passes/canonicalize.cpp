// The ops' own folders and canonicalisation patterns (ir/), until nothing changes.

#include "mlir/IR/MLIRContext.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/top_passes.h"

namespace samc {

mlir::LogicalResult canonicalize(mlir::ModuleOp module, WeightStore&) {
  mlir::MLIRContext* context = module.getContext();
  mlir::RewritePatternSet patterns(context);
  for (mlir::Dialect* dialect : context->getLoadedDialects()) dialect->getCanonicalizationPatterns(patterns);
  for (const mlir::RegisteredOperationName& op : context->getRegisteredOperations())
    op.getCanonicalizationPatterns(patterns, context);
  return mlir::applyPatternsAndFoldGreedily(module, std::move(patterns));
}

}  // namespace samc
