#pragma once
// The vision dialect (vision.td): attention and windows.

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace samc::vision {

class VisionDialect : public mlir::Dialect {
 public:
  explicit VisionDialect(mlir::MLIRContext* context);
  static constexpr llvm::StringLiteral getDialectNamespace() { return llvm::StringLiteral("vision"); }
};

}  // namespace samc::vision

MLIR_DECLARE_EXPLICIT_TYPE_ID(samc::vision::VisionDialect)

#define GET_OP_CLASSES
#include "ir/vision.h.inc"
