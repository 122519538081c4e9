#include "ir/top_dialect.h"

#include "ir/infer.h"
#include "ir/vision_dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace samc::top {

TopDialect::TopDialect(mlir::MLIRContext* in_context)
    : Dialect(getDialectNamespace(), in_context, mlir::TypeID::get<TopDialect>()) {
  add_neural_ops();
  add_unary_ops();
  add_binary_ops();
  add_movement_ops();
}

bool compatible_types(mlir::TypeRange inferred, mlir::TypeRange actual) {
  const auto unranked = [](mlir::Type type) { return mlir::isa<mlir::UnrankedTensorType>(type); };
  if (llvm::any_of(inferred, unranked) || llvm::any_of(actual, unranked)) return true;
  return llvm::equal(inferred, actual);
}

mlir::LogicalResult finish_inference(mlir::MLIRContext* context, std::optional<mlir::Location> location,
                                     mlir::ValueRange operands, llvm::function_ref<Result<Shapes>()> infer,
                                     llvm::SmallVectorImpl<mlir::Type>& types) {
  const bool shaped =
      llvm::all_of(operands, [](mlir::Value value) { return is_none(value) || has_static_shape(value); });
  if (!shaped) {
    types.push_back(mlir::UnrankedTensorType::get(mlir::Float32Type::get(context)));
    return mlir::success();
  }
  const Result<Shapes> shapes = infer();
  if (!shapes.is_ok()) return mlir::emitOptionalError(location, shapes.status().to_string());
  for (const Shape& shape : shapes.value()) types.push_back(tensor_type(context, shape));
  return mlir::success();
}

}  // namespace samc::top

namespace samc {

void register_dialects(mlir::DialectRegistry& registry) {
  registry.insert<top::TopDialect, vision::VisionDialect, mlir::func::FuncDialect>();
}

void load_dialects(mlir::MLIRContext& context) {
  context.loadDialect<mlir::func::FuncDialect>();
  context.loadDialect<top::TopDialect, vision::VisionDialect>();
}

}  // namespace samc

MLIR_DEFINE_EXPLICIT_TYPE_ID(samc::top::TopDialect)
