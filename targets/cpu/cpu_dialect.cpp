#include "targets/cpu/cpu_dialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "targets/cpu/CpuDialect.cpp.inc"
#include "targets/cpu/operation_table.h"
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
  const OperationEntry* entry = find_operation({name.data(), name.size()});
  if (entry == nullptr) return emitOpError("names no kernel of the plan: ") << name;
  const int count = static_cast<int>(getArguments().size());
  if (count < entry->least_operands || (entry->most_operands >= 0 && count > entry->most_operands))
    return emitOpError(name) << " with " << count << " operands";
  for (int i = 0; i < count; ++i) {
    if (i < entry->least_operands && mlir::isa<mlir::NoneType>(getArguments()[static_cast<unsigned>(i)].getType()))
      return emitOpError(name) << " lacks operand " << i;
  }
  const auto require = [&](auto& names) {
    for (const std::string_view attribute : names)
      if (!getConfig().contains(llvm::StringRef(attribute.data(), attribute.size()))) return false;
    return true;
  };
  if (!require(entry->integers) || !require(entry->floats) || !require(entry->strings))
    return emitOpError(name) << " lacks an attribute; docs/plan_ops.md lists them";
  return mlir::success();
}

}  // namespace samc::cpu
