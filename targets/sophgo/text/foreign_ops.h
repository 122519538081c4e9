#pragma once
// Ops of TPU-MLIR's Top dialect that samc's has not, because only tpuc-opt writes them. A text that holds some is made
// readable first; then those that samc has other words for are said in them. Ops of more kinds stay, and can be counted
// and deployed but not computed.

#include <set>
#include <string>

#include "mlir/IR/BuiltinOps.h"

namespace samc::sophgo {

// The text with its unknown top ops and fused activations under names that the parser lets pass.
std::string mark_foreign_ops(const std::string& text, mlir::MLIRContext& context);

// Upsample becomes Interp; Scale Mul and Add; do_relu a Relu of its own.
void lower_foreign_ops(mlir::ModuleOp module);

// The op of the text that this one is a part of: the same but for what lower_foreign_ops made beside what is named
// there.
mlir::Operation* op_of_text(mlir::Operation* op);

// "RMSNorm" for an op that mark_foreign_ops marked and nothing replaced; "" for all others.
std::string foreign_name(mlir::Operation* op);
std::set<std::string> foreign_names(mlir::ModuleOp module);

}  // namespace samc::sophgo
