// The cpu dialect: `run` is one operation of the plan (docs/plan_ops.md).
#ifndef SAMC_CPU_TD
#define SAMC_CPU_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Cpu_Dialect : Dialect {
  let name = "cpu";
  let cppNamespace = "::samc::cpu";
  let summary = "Kernels of the CPU target, bound to operands";
}

class Cpu_Op<string mnemonic> : Op<Cpu_Dialect, mnemonic, [Pure]>;

def Cpu_RunOp : Cpu_Op<"run"> {
  let summary = "One kernel call";
  let description = [{
    Kernel, operands and attributes as docs/plan_ops.md lists them; absent operands are top.None. `precision` is what it
    computes in and `dtype` what its result is stored as; f32 when absent. Types in the IR stay f32.
  }];
  let arguments = (ins StrAttr:$kernel, Variadic<AnyType>:$arguments, DictionaryAttr:$config,
                       OptionalAttr<StrAttr>:$precision, OptionalAttr<StrAttr>:$dtype);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kernel `(` $arguments `)` $config attr-dict `:` functional-type($arguments, results)";
  let hasVerifier = 1;
}

#endif  // SAMC_CPU_TD
