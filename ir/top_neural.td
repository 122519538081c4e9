// Inputs, weights, and the ops with learned weights or windows.

include "ir/top_base.td"

def Top_NoneOp : Top_BaseOp<"None", [Pure]> {
  let summary = "An absent operand";
  let results = (outs NoneType:$output);
}

def Top_WeightOp : Top_BaseOp<"Weight", [Pure]> {
  let summary = "A weight: its location's name is its name in the WeightStore";
  let results = (outs Top_Tensor:$output);
  let hasVerifier = 1;
}

def Top_InputOp : Top_BaseOp<"Input", [Pure]> {
  let summary = "A function argument under its name; the preprocessing is a note for the target";
  let arguments = (ins
    AnyTensor:$input,
    DefaultValuedAttr<BoolAttr, "false">:$do_preprocess,
    OptionalAttr<StrAttr>:$pixel_format,
    OptionalAttr<StrAttr>:$channel_format,
    OptionalAttr<I64ArrayAttr>:$resize_dims,
    OptionalAttr<BoolAttr>:$keep_aspect_ratio,
    OptionalAttr<StrAttr>:$keep_ratio_mode,
    OptionalAttr<I64Attr>:$pad_value,
    OptionalAttr<StrAttr>:$pad_type,
    OptionalAttr<F64ArrayAttr>:$scale,
    OptionalAttr<F64ArrayAttr>:$mean);
  let results = (outs Top_Tensor:$output);
  let hasVerifier = 1;
}

def Top_ConvOp : Top_Op<"Conv"> {
  let summary = "2-D convolution of NCHW; filter is (out, in / group, kh, kw), pads top, left, bottom, right";
  let arguments = (ins
    Top_Tensor:$input,
    Top_Tensor:$filter,
    Top_TensorOrNone:$bias,
    I64ArrayAttr:$kernel_shape,
    I64ArrayAttr:$strides,
    I64ArrayAttr:$pads,
    DefaultValuedAttr<I64Attr, "1">:$group,
    OptionalAttr<I64ArrayAttr>:$dilations,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit,
    DefaultValuedAttr<I64Attr, "1">:$weight_is_coeff);
  let results = (outs Top_Tensor:$output);
}

def Top_DeconvOp : Top_Op<"Deconv"> {
  let summary = "2-D transposed convolution of NCHW; filter is (out / group, in, kh, kw)";
  let arguments = (ins
    Top_Tensor:$input,
    Top_Tensor:$filter,
    Top_TensorOrNone:$bias,
    I64ArrayAttr:$kernel_shape,
    I64ArrayAttr:$strides,
    I64ArrayAttr:$pads,
    DefaultValuedAttr<I64Attr, "1">:$group,
    OptionalAttr<I64ArrayAttr>:$dilations,
    OptionalAttr<I64ArrayAttr>:$output_padding,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_MatMulOp : Top_Op<"MatMul"> {
  let summary = "Matrix product over the last two axes, the others broadcast; right is (..., k, n)";
  let description = [{
    With right_transpose the right operand is (..., n, k), with left_transpose the left one is (..., k, m).
    hdim_is_batch, output_transpose and keep_dims = false are TPU-MLIR's and refused here.
  }];
  let arguments = (ins
    Top_Tensor:$input,
    Top_Tensor:$right,
    Top_TensorOrNone:$bias,
    DefaultValuedAttr<BoolAttr, "false">:$right_transpose,
    DefaultValuedAttr<BoolAttr, "false">:$left_transpose,
    DefaultValuedAttr<BoolAttr, "false">:$output_transpose,
    DefaultValuedAttr<BoolAttr, "false">:$hdim_is_batch,
    DefaultValuedAttr<BoolAttr, "true">:$keep_dims,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_LayerNormOp : Top_Op<"LayerNorm"> {
  let summary = "Mean 0 and variance 1 over the axes from axis on, then weight and bias";
  let arguments = (ins
    Top_Tensor:$input,
    Top_TensorOrNone:$weight,
    Top_TensorOrNone:$bias,
    I64ArrayAttr:$normalized_shape,
    SI32Attr:$axis,
    F64Attr:$eps);
  let results = (outs Top_Tensor:$output);
}

def Top_PixelNormOp : Top_Op<"PixelNorm"> {
  let summary = "Mean 0 and variance 1 over axis 1 (SAM's LayerNorm2d), then weight and bias of (c) or (c, 1, 1)";
  let arguments = (ins
    Top_Tensor:$input,
    Top_TensorOrNone:$weight,
    Top_TensorOrNone:$bias,
    F64Attr:$eps);
  let results = (outs Top_Tensor:$output);
}

def Top_SoftmaxOp : Top_Op<"Softmax"> {
  let summary = "exp(beta x) over its sum along the axis";
  let arguments = (ins
    Top_Tensor:$input,
    SI32Attr:$axis,
    DefaultValuedAttr<BoolAttr, "false">:$log,
    DefaultValuedAttr<F64Attr, "1.0">:$beta,
    Top_HalfAway:$round_mode);
  let results = (outs Top_Tensor:$output);
}

class Top_PoolOp<string mnemonic> : Top_Op<mnemonic> {
  let arguments = (ins
    Top_Tensor:$input,
    I64ArrayAttr:$kernel_shape,
    I64ArrayAttr:$strides,
    I64ArrayAttr:$pads,
    DefaultValuedAttr<BoolAttr, "false">:$ceil_mode,
    DefaultValuedAttr<BoolAttr, "false">:$count_include_pad,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit);
  let results = (outs Top_Tensor:$output);
}

def Top_MaxPoolOp : Top_PoolOp<"MaxPool"> {
  let summary = "Largest value of each window of NCHW";
}

def Top_AvgPoolOp : Top_PoolOp<"AvgPool"> {
  let summary = "Mean of each window of NCHW; padding counts only with count_include_pad";
}

def Top_InterpOp : Top_Op<"Interp"> {
  let summary = "Resizes the last two axes by scale_h and scale_w, or to target_shape (height, width)";
  let arguments = (ins
    Top_Tensor:$input,
    Top_TensorOrNone:$target_shape,
    Top_InterpMode:$mode,
    Top_CoordMode:$coord_mode,
    DefaultValuedAttr<F64Attr, "-1.0">:$scale_h,
    DefaultValuedAttr<F64Attr, "-1.0">:$scale_w);
  let results = (outs Top_Tensor:$output);
}
