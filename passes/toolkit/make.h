#pragma once
// Making ops and weights. Each op stands where the builder does.

#include <optional>
#include <string>

#include "base/tensor.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "ir/weight_store.h"

namespace samc {

// What a new value is called: by a name, or like another value's location.
class NewName {
 public:
  NewName(std::string name) : name_(std::move(name)) {}
  NewName(mlir::Location location) : location_(location) {}
  mlir::Location in(mlir::MLIRContext* context) const { return location_ ? *location_ : name_location(context, name_); }

 private:
  std::string name_;
  std::optional<mlir::Location> location_;
};
// Named like value, with a suffix.
mlir::Location derived_location(mlir::Value value, llvm::StringRef suffix);

// Adds the tensor to the store under a new name derived from `wanted` and makes the op that reads it.
mlir::Value make_weight(mlir::OpBuilder& builder, WeightStore& weights, const std::string& wanted, Tensor tensor);
mlir::Value make_none(mlir::OpBuilder& builder);
mlir::Value make_reshape(mlir::OpBuilder& builder, const NewName& name, mlir::Value input, const Shape& shape);
mlir::Value make_permute(mlir::OpBuilder& builder, const NewName& name, mlir::Value input, const Shape& order);
mlir::Value make_slice(mlir::OpBuilder& builder, const NewName& name, mlir::Value input, const Shape& offset,
                       const Shape& ends);
mlir::Value make_add(mlir::OpBuilder& builder, const NewName& name, mlir::Value a, mlir::Value b);  // of a's shape
// left right + bias, of this shape; bias may be null.
mlir::Value make_matmul(mlir::OpBuilder& builder, const NewName& name, mlir::Value left, mlir::Value right,
                        mlir::Value bias, const Shape& shape);
// Over the last axis.
mlir::Value make_softmax(mlir::OpBuilder& builder, const NewName& name, mlir::Value input);
// The op with its attributes, on another first operand and of another shape.
mlir::Value clone_on(mlir::OpBuilder& builder, const NewName& name, mlir::Operation* op, mlir::Value input,
                     const Shape& shape);

// Orders of top.Permute between the two layouts of pictures.
inline const Shape kToNhwc = {0, 2, 3, 1};
inline const Shape kToNchw = {0, 3, 1, 2};
Shape inverse_order(const Shape& order);
bool is_identity(const Shape& order);
Shape permuted(const Shape& shape, const Shape& order);

}  // namespace samc
