#pragma once
// The top dialect. Ops are defined in top_*.td; shape inference stands in the top_*.cpp of the same name.

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace samc::top {

class TopDialect : public mlir::Dialect {
 public:
  explicit TopDialect(mlir::MLIRContext* context);
  static constexpr llvm::StringLiteral getDialectNamespace() { return llvm::StringLiteral("top"); }

 private:
  void add_neural_ops();
  void add_unary_ops();
  void add_binary_ops();
  void add_movement_ops();
};

// Unranked types fit everything, so that a file of TPU-MLIR's can be read before its shapes are inferred.
bool compatible_types(mlir::TypeRange inferred, mlir::TypeRange actual);

}  // namespace samc::top

MLIR_DECLARE_EXPLICIT_TYPE_ID(samc::top::TopDialect)

#define GET_OP_CLASSES
#include "ir/top_neural.h.inc"
#define GET_OP_CLASSES
#include "ir/top_unary.h.inc"
#define GET_OP_CLASSES
#include "ir/top_binary.h.inc"
#define GET_OP_CLASSES
#include "ir/top_movement.h.inc"

namespace samc {

// Loads what samc's IR needs: top, vision, func.
void load_dialects(mlir::MLIRContext& context);
void register_dialects(mlir::DialectRegistry& registry);

}  // namespace samc
