#pragma once
// The CPU target's passes, one file each. cpu_passes() is their order.

#include <span>

#include "passes/pipeline.h"

namespace samc::cpu {

std::span<const Pass> cpu_passes();

mlir::LogicalResult fuse_attention(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult absorb_projections(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult channels_last(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult move_permutes(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fold_windows(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult bind_attention(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fuse_matmul(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult bind_matmul(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult bind_rest(mlir::ModuleOp module, WeightStore& weights);

}  // namespace samc::cpu
