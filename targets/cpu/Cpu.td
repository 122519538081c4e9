// The cpu dialect: top after the CPU's own fusions. `run` is one operation of the plan (docs/plan_ops.md); the other three
// exist only between passes.
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
  let summary = "One kernel call: kernel, operands and attributes as docs/plan_ops.md lists them; absent operands are top.None";
  let arguments = (ins StrAttr:$kernel, Variadic<AnyType>:$arguments, DictionaryAttr:$config);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$kernel `(` $arguments `)` $config attr-dict `:` functional-type($arguments, results)";
  let hasVerifier = 1;
}

def Cpu_WindowPartitionOp : Cpu_Op<"window_partition"> {
  let summary = "(1, height, width, c) cut into windows: (windows, window_h, window_w, c), row by row; positions outside hold `pad`";
  let description = [{
    pad is one row (c), or top.None for zeros. With pad_undefined nobody reads the positions outside.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyType:$pad, I64Attr:$window_h, I64Attr:$window_w, BoolAttr:$pad_undefined);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input `,` $pad attr-dict `:` functional-type(operands, results)";
}

def Cpu_WindowUnpartitionOp : Cpu_Op<"window_unpartition"> {
  let summary = "(windows, window_h, window_w, c) put together again and cropped to (1, height, width, c)";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Cpu_AttentionOp : Cpu_Op<"attention"> {
  let summary = "softmax(scale q k^T) v: q (batch, heads, queries, dim), k (batch, heads, keys, dim), v (batch, heads, keys, value_dim)";
  let arguments = (ins AnyRankedTensor:$q, AnyRankedTensor:$k, AnyRankedTensor:$v, F64Attr:$scale);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$q `,` $k `,` $v attr-dict `:` functional-type(operands, results)";
}

#endif  // SAMC_CPU_TD
