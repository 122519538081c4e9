#pragma once
// The target-independent passes, one file each. top_pipeline() (pipeline.h) is their order.

#include "passes/pipeline.h"

namespace samc {

mlir::LogicalResult canonicalize(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fold_constants(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fuse_bias(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult constant_operands(mlir::ModuleOp module, WeightStore& weights);

}  // namespace samc
