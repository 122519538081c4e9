#pragma once
// Patterns that several passes need.

#include "mlir/IR/PatternMatch.h"

namespace samc::cpu {

// Matrix products and crops past window partitions (fold_windows.cpp).
void add_window_patterns(mlir::RewritePatternSet& patterns);
// Permutes and reshapes that follow each other become one (move_permutes.cpp).
void add_merge_patterns(mlir::RewritePatternSet& patterns);

}  // namespace samc::cpu
