#pragma once
// The cpu dialect (Cpu.td).

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "targets/cpu/CpuDialect.h.inc"

namespace samc::cpu {
constexpr const char* kBf16 = "bf16";  // of a run's precision and dtype
}  // namespace samc::cpu

#define GET_OP_CLASSES
#include "targets/cpu/CpuOps.h.inc"
