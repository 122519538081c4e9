// Data movement, reductions and look-ups.

include "ir/top_base.td"

def Top_ReshapeOp : Top_Op<"Reshape"> {
  let summary = "The same elements under another shape; one extent may be -1";
  let arguments = (ins
    Top_Tensor:$input,
    OptionalAttr<I64ArrayAttr>:$shape,
    DefaultValuedAttr<I64Attr, "-1">:$flatten_start_dim);
  let results = (outs Top_Tensor:$output);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Top_PermuteOp : Top_Op<"Permute"> {
  let summary = "Axis i of the result is axis order[i] of the operand";
  let arguments = (ins
    Top_Tensor:$input,
    I64ArrayAttr:$order);
  let results = (outs Top_Tensor:$output);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Top_ConcatOp : Top_Op<"Concat"> {
  let summary = "The operands one after the other along the axis";
  let arguments = (ins
    Variadic<Top_Tensor>:$inputs,
    DefaultValuedAttr<SI32Attr, "1">:$axis,
    Top_NoRelu:$do_relu,
    Top_NoLimit:$relu_limit,
    DefaultValuedAttr<BoolAttr, "false">:$only_merge,
    Top_HalfAway:$round_mode);
  let results = (outs Top_Tensor:$output);
  let hasFolder = 1;
}

def Top_SliceOp : Top_Op<"Slice"> {
  let summary = "Elements offset, offset + steps, ... before ends of each axis; without axes the lists cover all axes";
  let arguments = (ins
    Top_Tensor:$input,
    Top_TensorOrNone:$offsetT,
    Top_TensorOrNone:$endsT,
    Top_TensorOrNone:$stepsT,
    I64ArrayAttr:$offset,
    I64ArrayAttr:$steps,
    I64ArrayAttr:$ends,
    DefaultValuedAttr<I64ArrayAttr, "{}">:$axes,
    DefaultValuedAttr<I64ArrayAttr, "{}">:$hasparamConvert_axes);
  let results = (outs Top_Tensor:$output);
  let hasFolder = 1;
}

def Top_SplitOp : Top_Op<"Split"> {
  let summary = "num parts along the axis, equal or of split_size";
  let arguments = (ins
    Top_Tensor:$input,
    SI32Attr:$axis,
    I64Attr:$num,
    OptionalAttr<I64ArrayAttr>:$split_size);
  let results = (outs Variadic<Top_Tensor>:$outputs);
}

def Top_GatherOp : Top_Op<"Gather"> {
  let summary = "Slices of the operand along the axis, chosen by indices";
  let arguments = (ins
    Top_Tensor:$input,
    Top_Tensor:$indices,
    DefaultValuedAttr<BoolAttr, "true">:$keepdims,
    DefaultValuedAttr<SI32Attr, "0">:$axis);
  let results = (outs Top_Tensor:$output);
}

def Top_SqueezeOp : Top_Op<"Squeeze"> {
  let summary = "Without these axes, each of extent 1";
  let arguments = (ins
    Top_Tensor:$input,
    I64ArrayAttr:$axes);
  let results = (outs Top_Tensor:$output);
  let hasFolder = 1;
}

def Top_UnsqueezeOp : Top_Op<"Unsqueeze"> {
  let summary = "With axes of extent 1 at these places of the result";
  let arguments = (ins
    Top_Tensor:$input,
    I64ArrayAttr:$axes);
  let results = (outs Top_Tensor:$output);
  let hasFolder = 1;
}

def Top_TileOp : Top_Op<"Tile"> {
  let summary = "The operand repeated tile[i] times along axis i";
  let arguments = (ins
    Top_Tensor:$input,
    OptionalAttr<I64ArrayAttr>:$tile);
  let results = (outs Top_Tensor:$output);
  let hasFolder = 1;
}

def Top_ExpandOp : Top_Op<"Expand"> {
  let summary = "Broadcast to the shape";
  let arguments = (ins
    Top_Tensor:$input,
    DefaultValuedAttr<I64ArrayAttr, "{}">:$shape);
  let results = (outs Top_Tensor:$output);
  let hasFolder = 1;
}

def Top_PadOp : Top_Op<"Pad"> {
  let summary = "paddings holds the elements before each axis, then those after each";
  let arguments = (ins
    Top_Tensor:$input,
    I64ArrayAttr:$paddings,
    DefaultValuedAttr<F64Attr, "0.0">:$val,
    Top_PadMode:$mode);
  let results = (outs Top_Tensor:$output);
  let hasFolder = 1;
}

def Top_ReduceOp : Top_Op<"Reduce"> {
  let summary = "One value for all of the axes";
  let arguments = (ins
    Top_Tensor:$input,
    I64ArrayAttr:$axes,
    BoolAttr:$keepdims,
    Top_ReduceMode:$mode);
  let results = (outs Top_Tensor:$output);
}

def Top_ArgOp : Top_Op<"Arg"> {
  let summary = "Index of the largest or smallest value along the axis; the first of equals unless select_last_index";
  let arguments = (ins
    Top_Tensor:$input,
    I64Attr:$axis,
    BoolAttr:$keepdims,
    Top_ArgMode:$mode,
    DefaultValuedAttr<BoolAttr, "true">:$select_last_index);
  let results = (outs Top_Tensor:$indices, Top_TensorOrNone:$values);
}

def Top_ScatterNDOp : Top_Op<"ScatterND"> {
  let summary = "input_data with the slices that the last axis of indices names replaced by updates";
  let arguments = (ins
    Top_Tensor:$input_data,
    Top_Tensor:$indices,
    Top_Tensor:$updates,
    DefaultValuedAttr<I32Attr, "0">:$reduction);
  let results = (outs Top_Tensor:$output);
}
