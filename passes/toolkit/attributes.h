#pragma once
// Reading ops: attributes by name, with what holds when they are absent, and what follows from them.

#include <optional>
#include <string>
#include <vector>

#include "ir/shapes.h"
#include "ir/top_dialect.h"
#include "ir/values.h"

namespace samc {

int64_t integer_attribute(mlir::Operation* op, llvm::StringRef name, int64_t otherwise);
double float_attribute(mlir::Operation* op, llvm::StringRef name, double otherwise);
bool bool_attribute(mlir::Operation* op, llvm::StringRef name, bool otherwise);
std::string string_attribute(mlir::Operation* op, llvm::StringRef name, const std::string& otherwise);
std::vector<int64_t> integers_attribute(mlir::Operation* op, llvm::StringRef name);  // empty when it has none

// Whether an axis attribute names the last axis of the op's first operand.
bool is_last_axis(mlir::Operation* op);
// Whether an activation op is the plain function of its name: exact, unscaled, unlimited.
bool is_plain_activation(mlir::Operation* op);
// The activation that an op of top applies to its result: "none", "relu", or nothing when no kernel has it (a limit).
std::optional<const char*> result_activation(mlir::Operation* op);
// Reshape, Squeeze, Unsqueeze, Permute: ops that only move the elements.
bool is_movement(mlir::Operation* op);
// starts, steps and extents of a slice for all axes of its operand.
SliceRange range_of_slice(top::SliceOp slice);

// The one reader of a value, or nullptr.
mlir::Operation* only_user(mlir::Value value);
// Past reshapes and squeezes that nobody else reads, towards what makes the value.
mlir::Value behind_reshapes(mlir::Value value);

// The module's ops of a kind, listed before any of them is rewritten.
template <class Op>
std::vector<Op> operations_of(mlir::ModuleOp module) {
  std::vector<Op> list;
  module.walk([&](Op op) { list.push_back(op); });
  return list;
}

}  // namespace samc
