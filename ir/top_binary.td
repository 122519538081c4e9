// Elementwise ops of several operands, broadcast as numpy does.

include "ir/top_base.td"

def Top_AddOp : Top_Op<"Add"> {
  let summary = "Sum of the operands";
  let arguments = (ins
    Variadic<Top_Tensor>:$inputs,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_SubOp : Top_Op<"Sub"> {
  let summary = "First operand minus the second; exchanged with is_reverse";
  let arguments = (ins
    Variadic<Top_Tensor>:$inputs,
    DefaultValuedAttr<BoolAttr, "false">:$is_reverse,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_MulOp : Top_Op<"Mul"> {
  let summary = "Product of the operands";
  let arguments = (ins
    Variadic<Top_Tensor>:$inputs,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_DivOp : Top_Op<"Div"> {
  let summary = "First operand over the second; exchanged with is_reverse";
  let arguments = (ins
    Variadic<Top_Tensor>:$inputs,
    DefaultValuedAttr<BoolAttr, "false">:$is_reverse,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_MaxOp : Top_Op<"Max"> {
  let summary = "Largest of the operands";
  let arguments = (ins
    Variadic<Top_Tensor>:$inputs);
  let results = (outs Top_Tensor:$output);
}

def Top_MinOp : Top_Op<"Min"> {
  let summary = "Smallest of the operands";
  let arguments = (ins
    Variadic<Top_Tensor>:$inputs);
  let results = (outs Top_Tensor:$output);
}

def Top_ModOp : Top_Op<"Mod"> {
  let summary = "Remainder of the division with the sign of the divisor";
  let arguments = (ins
    Variadic<Top_Tensor>:$inputs);
  let results = (outs Top_Tensor:$output);
}

def Top_Pow3Op : Top_Op<"Pow3"> {
  let summary = "First operand to the second";
  let arguments = (ins
    Variadic<Top_Tensor>:$inputs);
  let results = (outs Top_Tensor:$output);
}

def Top_CompareOp : Top_Op<"Compare"> {
  let summary = "1 where lhs mode rhs holds, 0 elsewhere";
  let arguments = (ins
    Top_Tensor:$lhs,
    Top_Tensor:$rhs,
    Top_CompareMode:$mode);
  let results = (outs Top_Tensor:$output);
}

def Top_WhereOp : Top_Op<"Where"> {
  let summary = "tbrn where cond is not 0, fbrn elsewhere; either may be a constant";
  let arguments = (ins
    Top_Tensor:$cond,
    Top_TensorOrNone:$tbrn,
    Top_TensorOrNone:$fbrn,
    DefaultValuedAttr<BoolAttr, "false">:$x_is_const,
    DefaultValuedAttr<BoolAttr, "false">:$y_is_const,
    DefaultValuedAttr<F64Attr, "0.0">:$x_const_val,
    DefaultValuedAttr<F64Attr, "0.0">:$y_const_val);
  let results = (outs Top_Tensor:$output);
}
