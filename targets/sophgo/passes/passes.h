#pragma once
// Rewrites of top ops that make the bmodel faster, one file each, in their order. Each is exact up to rounding, works
// by pattern and shape, and can be switched off.

#include "passes/pipeline.h"

namespace samc::sophgo {

// All passes of the target in order, those of every target first; each of its own can be switched off.
const Pipeline& sophgo_pipeline();

mlir::LogicalResult split_matmuls(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult merge_slices(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fold_scales(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult move_attention_biases(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult window_layout(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult pad_products(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult absorb_for_few_channels(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult pool_before_padding(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult pool_by_members(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult join_windows(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult expand_fused(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult batch_tokens(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult split_perceptrons(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult transpose_weights(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult repeat_choices(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult remove_dead(mlir::ModuleOp module, WeightStore& weights);

}  // namespace samc::sophgo
