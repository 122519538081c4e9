// Elementwise ops of one operand.

include "ir/top_base.td"

// The result has the operand's shape.
class Top_SameShapeOp<string mnemonic> : Top_Op<mnemonic> {
  let extraClassDefinition = "SAMC_INFER($cppClass)";
}

class Top_UnaryOp<string mnemonic> : Top_SameShapeOp<mnemonic> {
  let arguments = (ins Top_Tensor:$input);
  let results = (outs Top_Tensor:$output);
}

def Top_ExpOp : Top_UnaryOp<"Exp"> {
  let summary = "e to the x";
}

def Top_LogOp : Top_UnaryOp<"Log"> {
  let summary = "Natural logarithm";
}

def Top_SqrtOp : Top_UnaryOp<"Sqrt"> {
  let summary = "Square root";
}

def Top_RsqrtOp : Top_UnaryOp<"Rsqrt"> {
  let summary = "1 over the square root";
}

def Top_SinOp : Top_UnaryOp<"Sin"> {
  let summary = "Sine of radians";
}

def Top_CosOp : Top_UnaryOp<"Cos"> {
  let summary = "Cosine of radians";
}

def Top_AbsOp : Top_UnaryOp<"Abs"> {
  let summary = "Absolute value";
}

def Top_FloorOp : Top_UnaryOp<"Floor"> {
  let summary = "Largest whole number not above";
}

def Top_CeilOp : Top_UnaryOp<"Ceil"> {
  let summary = "Smallest whole number not below";
}

def Top_RoundOp : Top_UnaryOp<"Round"> {
  let summary = "Nearest whole number, halves to even";
}

def Top_ErfOp : Top_UnaryOp<"Erf"> {
  let summary = "Error function";
}

def Top_SiLUOp : Top_UnaryOp<"SiLU"> {
  let summary = "x sigmoid(x)";
}

def Top_SoftplusOp : Top_UnaryOp<"Softplus"> {
  let summary = "log(1 + exp(x))";
}

def Top_SignOp : Top_UnaryOp<"Sign"> {
  let summary = "-1, 0 or 1";
}

def Top_ReluOp : Top_SameShapeOp<"Relu"> {
  let summary = "max(x, 0), and at most relu_limit when that is positive";
  let arguments = (ins
    Top_Tensor:$input,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_GELUOp : Top_SameShapeOp<"GELU"> {
  let summary = "x Phi(x); normal uses erf, tanh and sigm are the usual approximations";
  let arguments = (ins
    Top_Tensor:$input,
    Top_HalfAway:$round_mode,
    DefaultValuedAttr<Top_GeluMode, "\"normal\"">:$approx_mode);
  let results = (outs Top_Tensor:$output);
}

def Top_SigmoidOp : Top_SameShapeOp<"Sigmoid"> {
  let summary = "scale / (1 + exp(-x)) + bias; its logarithm with log";
  let arguments = (ins
    Top_Tensor:$input,
    DefaultValuedAttr<F64Attr, "1.0">:$scale,
    DefaultValuedAttr<F64Attr, "0.0">:$bias,
    DefaultValuedAttr<BoolAttr, "false">:$log,
    Top_HalfAway:$round_mode);
  let results = (outs Top_Tensor:$output);
}

def Top_TanhOp : Top_SameShapeOp<"Tanh"> {
  let summary = "Hyperbolic tangent";
  let arguments = (ins
    Top_Tensor:$input,
    Top_HalfAway:$round_mode);
  let results = (outs Top_Tensor:$output);
}

def Top_PowOp : Top_SameShapeOp<"Pow"> {
  let summary = "x to the exponent";
  let arguments = (ins
    Top_Tensor:$input,
    F64Attr:$exponent);
  let results = (outs Top_Tensor:$output);
}

def Top_Pow2Op : Top_SameShapeOp<"Pow2"> {
  let summary = "const_val to the x";
  let arguments = (ins
    F64Attr:$const_val,
    Top_Tensor:$input);
  let results = (outs Top_Tensor:$output);
}

def Top_ClipOp : Top_SameShapeOp<"Clip"> {
  let summary = "min(max(x, min), max)";
  let arguments = (ins
    Top_Tensor:$inputs,
    F64Attr:$min,
    F64Attr:$max);
  let results = (outs Top_Tensor:$output);
}

def Top_CastOp : Top_SameShapeOp<"Cast"> {
  let summary = "Rounds to whole numbers with to = INT32; the value stays f32";
  let arguments = (ins
    Top_Tensor:$input,
    Top_HalfAway:$round_mode,
    DefaultValuedAttr<StrAttr, "\"\"">:$to);
  let results = (outs Top_Tensor:$output);
}

def Top_AddConstOp : Top_SameShapeOp<"AddConst"> {
  let summary = "x + const_val";
  let arguments = (ins
    Top_Tensor:$input,
    F64Attr:$const_val,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_SubConstOp : Top_SameShapeOp<"SubConst"> {
  let summary = "x - const_val, or const_val - x with is_reverse";
  let arguments = (ins
    Top_Tensor:$input,
    F64Attr:$const_val,
    DefaultValuedAttr<BoolAttr, "false">:$is_reverse,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_MulConstOp : Top_SameShapeOp<"MulConst"> {
  let summary = "x const_val";
  let arguments = (ins
    Top_Tensor:$input,
    F64Attr:$const_val,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_MaxConstOp : Top_SameShapeOp<"MaxConst"> {
  let summary = "max(x, const_val)";
  let arguments = (ins
    Top_Tensor:$input,
    F64Attr:$const_val);
  let results = (outs Top_Tensor:$output);
}

def Top_MinConstOp : Top_SameShapeOp<"MinConst"> {
  let summary = "min(x, const_val)";
  let arguments = (ins
    Top_Tensor:$input,
    F64Attr:$const_val);
  let results = (outs Top_Tensor:$output);
}

def Top_ReciprocalOp : Top_SameShapeOp<"Reciprocal"> {
  let summary = "const_val / x";
  let arguments = (ins
    Top_Tensor:$input,
    DefaultValuedAttr<F64Attr, "1.0">:$const_val,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_CompareConstOp : Top_SameShapeOp<"CompareConst"> {
  let summary = "1 where x mode const_val holds (const_val mode x with inversed), 0 elsewhere";
  let arguments = (ins
    Top_Tensor:$input,
    Top_CompareMode:$mode,
    F64Attr:$const_val,
    BoolAttr:$inversed);
  let results = (outs Top_Tensor:$output);
}
