#pragma once
// The CPU target's passes, one file each. cpu_pipeline() is their order.

#include "passes/pipeline.h"

namespace samc::cpu {

// A string attribute of functions that are one function at several sizes: its name. merge_witnesses() needs
// the same operations in all of them, so what a pass decides by a size that may go with the points it decides once for
// the group.
constexpr const char* kWitnessOf = "cpu.witness_of";

// A string attribute of the module: the precision that it was asked for, "bf16". Absent: f32.
constexpr const char* kPrecision = "cpu.precision";

mlir::LogicalResult absorb_for_few_tokens(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fuse_rotary(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult project_values_late(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult attend_by_axes(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult channels_last(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult move_permutes(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fold_windows(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult bind_attention(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult fuse_matmul(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult bind_matmul(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult bind_rest(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult choose_precision(mlir::ModuleOp module, WeightStore& weights);
mlir::LogicalResult factor_tables(mlir::ModuleOp module, WeightStore& weights);

}  // namespace samc::cpu
