#include "ir/infer.h"

namespace samc::top {

namespace {

// The one operand's shape.
template <class Adaptor>
Result<Shapes> infer_shapes(Adaptor op) {
  return Shapes{shape_of(op.getOperands().front())};
}

}  // namespace

}  // namespace samc::top

#define GET_OP_CLASSES
#include "ir/top_unary.cpp.inc"

void samc::top::TopDialect::add_unary_ops() {
  addOperations<
#define GET_OP_LIST
#include "ir/top_unary.cpp.inc"
      >();
}
