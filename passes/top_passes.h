#pragma once
// The target-independent passes, one file each. top_pipeline() and fused_pipeline() (pipeline.h) are their order.

#include "passes/pipeline.h"

namespace samc {

mlir::LogicalResult canonicalize(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fold_constants(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fuse_bias(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fuse_attention(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fuse_windows(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult conv_products(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fold_norms(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult merge_products(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult pool_before_windows(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult constant_operands(mlir::ModuleOp module, WeightStore& weights);

// Passes that targets have at places of their own.
Pass fold_norms_pass(const char* phase);
Pass merge_products_pass(const char* phase);
Pass pool_before_windows_pass(const char* phase);

}  // namespace samc
