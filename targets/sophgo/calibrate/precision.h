#pragma once
// Which ops of a function may be in INT8, in groups that are measured as one, and what follows for ops that only move.
//
// The rules come from what tpuc-opt 1.30.2 was seen to make of mixed precisions; no name is looked at:
// - Values that hold numbers as large as kExcluded (masks of attention) are never in 8 bits: a step would be 236.
// - The values of an attention go with their product with the probabilities; else a cast between them sends both
//   through the chip's memory.
// - A permute beside a product of two activations has that product's precision, for tpuc-opt folds it into the product.
// - Other movement is in 16 bits only where all that read it in the end are.

#include <string>
#include <vector>

#include "targets/sophgo/calibrate/executor.h"

namespace samc::sophgo {

struct OpGroup {
  std::string what;                   // for people: "MatMul to GELU (64, 1024, 384)"
  std::vector<mlir::Operation*> ops;  // that compute
  double gain = 0;                    // of 8 bits, in multiply-adds of 16 bits
};

// Ops that no group holds stay in 16 bits. ranges: by the largest magnitude.
std::vector<OpGroup> group_ops(mlir::func::FuncOp function, const Int8Ranges& ranges);

// These computing ops and the movement that goes with them.
OpSet with_movement(mlir::func::FuncOp function, const OpSet& computing);

}  // namespace samc::sophgo
