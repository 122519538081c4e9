// The vision dialect: what SAM 2 does with whole images and targets compile as one thing. Passes make these ops of top
// ops (fuse-attention, fuse-windows); each target lowers them in its own way.
#ifndef SAMC_VISION_TD
#define SAMC_VISION_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Vision_Dialect : Dialect {
  let name = "vision";
  let cppNamespace = "::samc::vision";
  let summary = "Attention and windows";
}

class Vision_Op<string mnemonic> : Op<Vision_Dialect, mnemonic, [Pure]> {
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}

def Vision_WindowPartitionOp : Vision_Op<"window_partition"> {
  let summary = "(1, height, width, c) cut into windows: (windows, window_h, window_w, c), row by row";
  let description = [{
    Positions outside hold `pad`, one row (c), or zeros when it is top.None. With pad_undefined nobody reads them.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyType:$pad, I64Attr:$window_h, I64Attr:$window_w,
                       BoolAttr:$pad_undefined);
  let assemblyFormat = "$input `,` $pad attr-dict `:` functional-type(operands, results)";
}

def Vision_WindowUnpartitionOp : Vision_Op<"window_unpartition"> {
  let summary = "(windows, window_h, window_w, c) put together again and cropped to (1, height, width, c)";
  let arguments = (ins AnyRankedTensor:$input);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def Vision_AttentionOp : Vision_Op<"attention"> {
  let summary = "softmax(scale q k^T) v";
  let description = [{
    q (batch, heads, queries, dim), k (batch, heads, keys, dim), v (batch, heads, keys, value_dim)
  }];
  let arguments = (ins AnyRankedTensor:$q, AnyRankedTensor:$k, AnyRankedTensor:$v, F64Attr:$scale);
  let assemblyFormat = "$q `,` $k `,` $v attr-dict `:` functional-type(operands, results)";
}

#endif  // SAMC_VISION_TD
