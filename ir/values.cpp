#include "ir/values.h"

#include <fmt/ranges.h>

#include "ir/top_dialect.h"

namespace samc {

std::string name_of(mlir::Value value) {
  const mlir::Location location = value.getLoc();
  if (const auto name = mlir::dyn_cast<mlir::NameLoc>(location)) return name.getName().str();
  if (const auto fused = mlir::dyn_cast<mlir::FusedLoc>(location)) {
    const auto result = mlir::dyn_cast<mlir::OpResult>(value);
    const size_t index = result ? result.getResultNumber() : 0;
    if (index < fused.getLocations().size()) {
      if (const auto name = mlir::dyn_cast<mlir::NameLoc>(fused.getLocations()[index])) return name.getName().str();
    }
  }
  return "";
}

std::string name_of(mlir::Operation* op) {
  SAMC_CHECK(op->getNumResults() > 0, "an op without results has no name");
  return name_of(op->getResult(0));
}

mlir::Location name_location(mlir::MLIRContext* context, const std::string& name) {
  return mlir::NameLoc::get(mlir::StringAttr::get(context, name));
}

mlir::Location name_location(mlir::MLIRContext* context, const std::vector<std::string>& names) {
  if (names.size() == 1) return name_location(context, names.front());
  llvm::SmallVector<mlir::Location> locations;
  for (const std::string& name : names) locations.push_back(name_location(context, name));
  return mlir::FusedLoc::get(context, locations);
}

bool has_static_shape(mlir::Value value) {
  const auto type = mlir::dyn_cast<mlir::RankedTensorType>(value.getType());
  return type && type.hasStaticShape();
}

Shape shape_of(mlir::Value value) {
  SAMC_CHECK(value && has_static_shape(value), "the shape of a value that has none");
  const auto extents = mlir::cast<mlir::RankedTensorType>(value.getType()).getShape();
  return {extents.begin(), extents.end()};
}

mlir::RankedTensorType tensor_type(mlir::MLIRContext* context, const Shape& shape) {
  return mlir::RankedTensorType::get(shape, mlir::Float32Type::get(context));
}

bool is_none(mlir::Value value) { return !value || mlir::isa<mlir::NoneType>(value.getType()); }

bool is_weight(mlir::Value value) { return value && value.getDefiningOp<top::WeightOp>(); }

TensorView weight_view(mlir::Value value, const WeightStore& weights) {
  SAMC_CHECK(is_weight(value), "{} is not a weight", name_of(value));
  return weights.view(name_of(value)).with_shape(shape_of(value));
}

mlir::Value create_weight(mlir::OpBuilder& builder, const std::string& name, const Shape& shape) {
  mlir::MLIRContext* context = builder.getContext();
  return builder.create<top::WeightOp>(name_location(context, name), tensor_type(context, shape));
}

Shape to_shape(mlir::ArrayAttr list) {
  Shape shape;
  if (!list) return shape;
  for (const mlir::Attribute item : list) shape.push_back(mlir::cast<mlir::IntegerAttr>(item).getInt());
  return shape;
}

mlir::ArrayAttr to_array(mlir::MLIRContext* context, const Shape& values) {
  return mlir::Builder(context).getI64ArrayAttr(values);
}

mlir::IntegerAttr si32(mlir::MLIRContext* context, int64_t value) {
  return mlir::IntegerAttr::get(mlir::IntegerType::get(context, 32, mlir::IntegerType::Signed), value);
}

std::vector<std::string> input_names(mlir::func::FuncOp function) {
  std::vector<std::string> names(function.getNumArguments());
  function.walk([&](top::InputOp input) {
    if (const auto argument = mlir::dyn_cast<mlir::BlockArgument>(input.getInput())) {
      names[argument.getArgNumber()] = name_of(input.getOutput());
    }
  });
  // An input that nothing reads may have lost its op, not its location.
  for (unsigned i = 0; i < names.size(); ++i) {
    if (names[i].empty()) names[i] = name_of(function.getArgument(i));
    if (names[i].empty()) names[i] = fmt::format("arg{}", i);
  }
  return names;
}

std::vector<std::string> output_names(mlir::func::FuncOp function) {
  auto terminator = mlir::cast<mlir::func::ReturnOp>(function.getBody().front().getTerminator());
  std::vector<std::string> names;
  for (unsigned i = 0; i < terminator.getNumOperands(); ++i) {
    const auto name = function.getResultAttrOfType<mlir::StringAttr>(i, "top.name");
    names.push_back(name ? name.str() : name_of(terminator.getOperand(i)));
  }
  return names;
}

Status verify_weights(mlir::ModuleOp module, const WeightStore& weights) {
  std::vector<std::string> wrong;
  module.walk([&](top::WeightOp op) {
    const std::string name = name_of(op.getOutput());
    if (!weights.contains(name)) {
      wrong.push_back(fmt::format("{} is missing", name));
    } else if (!has_static_shape(op.getOutput()) ||
               element_count(shape_of(op.getOutput())) != element_count(weights.shape(name))) {
      wrong.push_back(fmt::format("{} is {} in the store", name, shape_to_string(weights.shape(name))));
    }
  });
  if (wrong.empty()) return Status::ok();
  const size_t count = wrong.size();
  constexpr size_t kShown = 5;
  if (count > kShown) wrong.resize(kShown);
  return invalid_input(fmt::format("{} weights do not fit the module: {}", count, fmt::join(wrong, ", ")));
}

}  // namespace samc
