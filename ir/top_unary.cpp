#include "ir/infer.h"

namespace samc::top {

namespace {

// The one operand's shape.
template <class Adaptor>
Result<Shapes> infer_shapes(Adaptor op) {
  return Shapes{shape_of(op.getOperands().front())};
}

}  // namespace

SAMC_INFER(ExpOp)
SAMC_INFER(LogOp)
SAMC_INFER(SqrtOp)
SAMC_INFER(RsqrtOp)
SAMC_INFER(SinOp)
SAMC_INFER(CosOp)
SAMC_INFER(AbsOp)
SAMC_INFER(FloorOp)
SAMC_INFER(CeilOp)
SAMC_INFER(RoundOp)
SAMC_INFER(ErfOp)
SAMC_INFER(SiLUOp)
SAMC_INFER(SoftplusOp)
SAMC_INFER(SignOp)
SAMC_INFER(ReluOp)
SAMC_INFER(GELUOp)
SAMC_INFER(SigmoidOp)
SAMC_INFER(TanhOp)
SAMC_INFER(PowOp)
SAMC_INFER(Pow2Op)
SAMC_INFER(ClipOp)
SAMC_INFER(CastOp)
SAMC_INFER(AddConstOp)
SAMC_INFER(SubConstOp)
SAMC_INFER(MulConstOp)
SAMC_INFER(MaxConstOp)
SAMC_INFER(MinConstOp)
SAMC_INFER(ReciprocalOp)
SAMC_INFER(CompareConstOp)

}  // namespace samc::top

#define GET_OP_CLASSES
#include "ir/top_unary.cpp.inc"

void samc::top::TopDialect::add_unary_ops() {
  addOperations<
#define GET_OP_LIST
#include "ir/top_unary.cpp.inc"
      >();
}
