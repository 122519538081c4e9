"""Writes origin.mlir and its weights; tpuc-opt makes block.mlir and block_top_f32_all_weight.npz of them, as its pass pipeline
of model_transform.py does:
  tpuc-opt origin.mlir --struct-optimize --shape-infer --canonicalize --extra-optimize -o block.mlir
TPU-MLIR 1.30.2 puts ops there that no exporter writes: Upsample, Scale, and do_relu in products and convolutions.
"""
import numpy as np

random = np.random.default_rng(1)
weights, lines = {}, []
NONE = ("%none", "none")


def values(*shape):
    return (random.standard_normal(shape) * 0.2).astype(np.float32)


def weight(name, value):
    weights[name] = value
    kind = "tensor<" + "x".join(map(str, value.shape)) + "xf32>"
    lines.append(f'%{len(lines)} = "top.Weight"() : () -> {kind} loc("{name}")')
    return f"%{len(lines) - 1}", kind


def op(kind, operands, attributes, name):
    names, types = zip(*operands)
    lines.append(f'%{len(lines)} = "top.{kind}"({", ".join(names)}) {{{attributes}}} : ({", ".join(types)}) -> tensor<*xf32> loc("{name}")')
    return f"%{len(lines) - 1}", "tensor<*xf32>"


IMAGE = "tensor<1x3x16x16xf32>"
stem = op("Conv", [("%image", IMAGE), weight("stem.w", values(8, 3, 3, 3)), weight("stem.b", values(8))],
          "kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]", "stem_Conv")
x = op("Permute", [op("Relu", [stem], "", "stem_Relu")], "order = [0, 2, 3, 1]", "rows_Transpose")
x = op("LayerNorm", [x, weight("norm.w", 1 + values(8)), weight("norm.b", values(8))],
       "axis = -1 : si32, eps = 1.0e-6 : f64, normalized_shape = []", "norm_LayerNormalization")
x = op("MatMul", [x, weight("up.w", values(8, 12)), weight("up.b", values(12))], "", "up_MatMul")
x = op("MatMul", [op("Relu", [x], "", "up_Relu"), weight("down.w", values(12, 8)), NONE], "", "down_MatMul")
tokens = op("Reshape", [x], "shape = [1, 64, 8]", "tokens_Reshape")
keys = op("Permute", [tokens], "order = [0, 2, 1]", "keys_Transpose")
scores = op("MulConst", [op("MatMul", [tokens, keys, NONE], "", "scores_MatMul")], "const_val = 0.25 : f64", "scaled_Mul")
x = op("MatMul", [op("Softmax", [scores], "axis = -1 : si32", "weights_Softmax"), tokens, NONE], "", "mixed_MatMul")
x = op("Permute", [op("Reshape", [x], "shape = [1, 8, 8, 8]", "map_Reshape")], "order = [0, 3, 1, 2]", "map_Transpose")
x = op("Interp", [x, NONE], 'coord_mode = "asymmetric", mode = "nearest", scale_h = 2.0 : f64, scale_w = 2.0 : f64', "large_Resize")
x = op("Add", [x, weight("position", values(1, 8, 1, 1))], "", "large_Add")
pooled = op("MaxPool", [x], "kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]", "pooled_MaxPool")
y = op("Deconv", [pooled, weight("deconv.w", values(4, 8, 2, 2)), weight("deconv.b", values(4))],
       "kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]", "wide_ConvTranspose")
half = op("Slice", [x, NONE, NONE, NONE], "offset = [0], ends = [4], steps = [1], axes = [1]", "half_Slice")
result = op("Sigmoid", [op("Concat", [half, y], "axis = 1 : si32", "both_Concat")], "", "mask_Sigmoid")
body = "\n    ".join(lines)
open("origin.mlir", "w").write(f"""module @block attributes {{module.chip = "ALL", module.platform = "ONNX", module.state = "TOP_F32", module.top_run_mode = "STATIC", module.weight_file = "origin.npz"}} {{
  func.func @main(%arg0: {IMAGE}) -> (tensor<*xf32>) {{
    %none = "top.None"() : () -> none
    %image = "top.Input"(%arg0) {{channel_format = "nchw", do_preprocess = true, keep_aspect_ratio = false, keep_ratio_mode = "letterbox", mean = [123.675, 116.28, 103.53], pad_type = "center", pad_value = 0 : i64, pixel_format = "rgb", resize_dims = [16, 16], scale = [0.017, 0.0175, 0.0174], yuv_type = ""}} : ({IMAGE}) -> {IMAGE} loc("image")
    {body}
    return {result[0]} : {result[1]}
  }}
}}
""")
np.savez("origin.npz", **weights)
