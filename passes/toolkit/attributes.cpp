#include "passes/toolkit/attributes.h"

namespace samc {

int64_t integer_attribute(mlir::Operation* op, llvm::StringRef name, int64_t otherwise) {
  const auto attribute = op->getAttrOfType<mlir::IntegerAttr>(name);
  if (!attribute) return otherwise;
  // Signed types must be read as such; signless ones too, as every number here is signed.
  return attribute.getValue().getSExtValue();
}

double float_attribute(mlir::Operation* op, llvm::StringRef name, double otherwise) {
  const auto attribute = op->getAttrOfType<mlir::FloatAttr>(name);
  return attribute ? attribute.getValueAsDouble() : otherwise;
}

bool bool_attribute(mlir::Operation* op, llvm::StringRef name, bool otherwise) {
  const auto attribute = op->getAttrOfType<mlir::BoolAttr>(name);
  return attribute ? attribute.getValue() : otherwise;
}

std::string string_attribute(mlir::Operation* op, llvm::StringRef name, const std::string& otherwise) {
  const auto attribute = op->getAttrOfType<mlir::StringAttr>(name);
  return attribute ? attribute.str() : otherwise;
}

std::vector<int64_t> integers_attribute(mlir::Operation* op, llvm::StringRef name) {
  return to_shape(op->getAttrOfType<mlir::ArrayAttr>(name));
}

bool is_last_axis(mlir::Operation* op) {
  const int64_t rank = static_cast<int64_t>(shape_of(op->getOperand(0)).size());
  const int64_t axis = integer_attribute(op, "axis", -1);
  return axis == -1 || axis == rank - 1;
}

bool is_plain_activation(mlir::Operation* op) {
  return string_attribute(op, "approx_mode", "normal") == "normal" && float_attribute(op, "relu_limit", -1.0) <= 0 &&
         float_attribute(op, "scale", 1.0) == 1.0 && float_attribute(op, "bias", 0.0) == 0.0 &&
         !bool_attribute(op, "log", false);
}

std::optional<const char*> result_activation(mlir::Operation* op) {
  if (!bool_attribute(op, "do_relu", false)) return "none";
  if (float_attribute(op, "relu_limit", -1.0) > 0) return std::nullopt;
  return "relu";
}

bool is_movement(mlir::Operation* op) {
  return mlir::isa_and_nonnull<top::ReshapeOp, top::SqueezeOp, top::UnsqueezeOp, top::PermuteOp>(op);
}

SliceRange range_of_slice(top::SliceOp slice) {
  const Result<SliceRange> range =
      slice_range(shape_of(slice.getInput()), to_shape(slice.getOffset()), to_shape(slice.getEnds()),
                  to_shape(slice.getSteps()), to_shape(slice.getAxes()));
  SAMC_CHECK(range.is_ok(), "a slice that its verifier passed: {}", range.status().to_string());
  return range.value();
}

mlir::Operation* only_user(mlir::Value value) { return value.hasOneUse() ? *value.getUsers().begin() : nullptr; }

mlir::Value behind_reshapes(mlir::Value value) {
  while (value.hasOneUse() && mlir::isa_and_nonnull<top::ReshapeOp, top::SqueezeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

}  // namespace samc
