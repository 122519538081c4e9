#include "ir/infer.h"

namespace samc::top {

namespace {

Result<Shapes> broadcast_all(mlir::ValueRange operands) {
  Shape shape;
  for (const mlir::Value operand : operands) {
    if (is_none(operand)) continue;
    SAMC_ASSIGN(shape, broadcast_shapes(shape, shape_of(operand)));
  }
  return Shapes{shape};
}

// Sums, products and the like: at least one operand.
template <class Adaptor>
Result<Shapes> infer_shapes(Adaptor op) {
  if (op.getOperands().empty()) return invalid_input("no operands");
  return broadcast_all(op.getOperands());
}

template <class Adaptor>
Result<Shapes> infer_two(Adaptor op) {
  if (op.getOperands().size() != 2) return invalid_input(fmt::format("{} operands, not 2", op.getOperands().size()));
  return broadcast_all(op.getOperands());
}

Result<Shapes> infer_shapes(SubOp::Adaptor op) { return infer_two(op); }
Result<Shapes> infer_shapes(DivOp::Adaptor op) { return infer_two(op); }
Result<Shapes> infer_shapes(ModOp::Adaptor op) { return infer_two(op); }
Result<Shapes> infer_shapes(Pow3Op::Adaptor op) { return infer_two(op); }

Result<Shapes> infer_shapes(CompareOp::Adaptor op) {
  if (op.getMode() == "Not") return invalid_input("Not takes one operand");
  return broadcast_all(op.getOperands());
}

Result<Shapes> infer_shapes(WhereOp::Adaptor op) {
  if (is_none(op.getTbrn()) != op.getXIsConst() || is_none(op.getFbrn()) != op.getYIsConst()) {
    return invalid_input("a branch of Where must be either a value or a constant");
  }
  return broadcast_all(op.getOperands());
}

}  // namespace

SAMC_INFER(AddOp)
SAMC_INFER(SubOp)
SAMC_INFER(MulOp)
SAMC_INFER(DivOp)
SAMC_INFER(MaxOp)
SAMC_INFER(MinOp)
SAMC_INFER(ModOp)
SAMC_INFER(Pow3Op)
SAMC_INFER(CompareOp)
SAMC_INFER(WhereOp)

}  // namespace samc::top

#define GET_OP_CLASSES
#include "ir/top_binary.cpp.inc"

void samc::top::TopDialect::add_binary_ops() {
  addOperations<
#define GET_OP_LIST
#include "ir/top_binary.cpp.inc"
      >();
}
