#pragma once
// How the top_*.cpp files write shape inference: infer_shapes(OpAdaptor) returns the shapes of the results, and
// SAMC_INFER(Op) makes the op's InferTypeOpInterface, and with it its verifier, from that.

#include <vector>

#include "base/status.h"
#include "ir/shapes.h"
#include "ir/top_dialect.h"
#include "ir/values.h"

namespace samc::top {

using Shapes = std::vector<Shape>;

// Runs the function unless an operand has no static shape: then the result has none either.
mlir::LogicalResult finish_inference(mlir::MLIRContext* context, std::optional<mlir::Location> location,
                                     mlir::ValueRange operands, llvm::function_ref<Result<Shapes>()> infer,
                                     llvm::SmallVectorImpl<mlir::Type>& types);

// An adaptor reads only attributes that are there; an op that is about to be made may leave out those with defaults.
template <class Op>
mlir::DictionaryAttr with_defaults(mlir::MLIRContext* context, mlir::DictionaryAttr attributes) {
  mlir::NamedAttrList list(attributes);
  Op::populateDefaultAttrs(mlir::OperationName(Op::getOperationName(), context), list);
  return list.getDictionary(context);
}

}  // namespace samc::top

#define SAMC_INFER(Op)                                                                                         \
  mlir::LogicalResult Op::inferReturnTypes(mlir::MLIRContext* context, std::optional<mlir::Location> location, \
                                           mlir::ValueRange operands, mlir::DictionaryAttr attributes,         \
                                           mlir::OpaqueProperties, mlir::RegionRange,                          \
                                           llvm::SmallVectorImpl<mlir::Type>& types) {                         \
    const mlir::DictionaryAttr all = with_defaults<Op>(context, attributes);                                   \
    return finish_inference(                                                                                   \
        context, location, operands, [&] { return infer_shapes(Op::Adaptor(operands, all)); }, types);         \
  }
