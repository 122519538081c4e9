#include "targets/cpu/cpu_dialect.h"

#include "base/cpu_precision.h"
#include "mlir/IR/DialectImplementation.h"
#include "package/operations.h"
#include "targets/cpu/CpuDialect.cpp.inc"
#define GET_OP_CLASSES
#include "targets/cpu/CpuOps.cpp.inc"

namespace samc::cpu {

void CpuDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "targets/cpu/CpuOps.cpp.inc"
      >();
}

mlir::LogicalResult RunOp::verify() {
  const llvm::StringRef name = getKernel();
  const OperationSchema* schema = find_operation({name.data(), name.size()});
  if (schema == nullptr) return emitOpError("names no kernel of the plan: ") << name;
  const size_t count = getArguments().size();
  if (count < schema->least_operands() || count > schema->most_operands())
    return emitOpError(name) << " with " << count << " operands";
  for (size_t i = 0; i < count; ++i) {
    const bool is_absent = mlir::isa<mlir::NoneType>(getArguments()[static_cast<unsigned>(i)].getType());
    if (is_absent && schema->operand(i).need != OperandNeed::kOptional)
      return emitOpError(name) << " lacks its operand " << schema->operand(i).name;
  }
  for (const AttributeSchema& attribute : schema->attributes)
    if (attribute.absent.kind == Absent::Kind::kRequired && !getConfig().contains(attribute.name))
      return emitOpError(name) << " lacks its attribute " << attribute.name;
  for (const mlir::NamedAttribute& attribute : getConfig()) {
    const llvm::StringRef given = attribute.getName();
    if (given == "weight_layout") continue;  // for write_plan, which packs the weight by it; no plan holds it
    if (schema->find({given.data(), given.size()}) == nullptr)
      return emitOpError(name) << " has no attribute " << given << "; docs/plan_ops.md lists them";
  }
  if (const auto asked = getPrecision()) {
    const std::optional<Precision> precision = find_precision({asked->data(), asked->size()});
    if (!precision || precision == Precision::kF32 || !schema->computes_in(*precision))
      return emitOpError(name) << " has no implementation in " << *asked;
  }
  if (getDtype() && (*getDtype() != kBf16 || !getPrecision() || !schema->result_may_be_bf16))
    return emitOpError(name) << " cannot store " << *getDtype();
  return mlir::success();
}

}  // namespace samc::cpu
