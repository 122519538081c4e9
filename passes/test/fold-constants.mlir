// RUN: --passes=fold-constants --generic

// Ops over weights alone become weights, which keep the name of the last of them.
// CHECK-LABEL: "main"
// CHECK: "top.Weight"() : () -> tensor<1x2x4x4xf32> loc([[SUM:#loc[0-9]*]])
// CHECK-NOT: top.Tile
// CHECK-NOT: top.Interp
// CHECK: "top.Add"
// CHECK-NOT: "top.Add"
// CHECK: func.return
// An op that reads an input stays, even beside a weight; so does one without operands.
// CHECK-LABEL: "kept"
// CHECK: top.Weight
// CHECK: top.MulConst
// CHECK: top.Add
// CHECK: func.return
// CHECK-DAG: [[SUM]] = loc("embedding")
func.func @main(%a: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %x = "top.Input"(%a) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("x")
  %none = "top.None"() : () -> none
  %pos = "top.Weight"() : () -> tensor<1x2x3x3xf32> loc("pos")
  %window = "top.Weight"() : () -> tensor<1x2x2x2xf32> loc("window")
  %0 = "top.Interp"(%pos, %none) {mode = "cubic", coord_mode = "half_pixel", scale_h = 1.3333333333333333, scale_w = 1.3333333333333333} : (tensor<1x2x3x3xf32>, none) -> tensor<1x2x4x4xf32> loc("resized")
  %1 = "top.Tile"(%window) {tile = [1, 1, 2, 2]} : (tensor<1x2x2x2xf32>) -> tensor<1x2x4x4xf32> loc("tiled")
  %2 = "top.Add"(%0, %1) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("embedding")
  %3 = "top.Add"(%x, %2) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("sum")
  return %3 : tensor<1x2x4x4xf32>
}
func.func @kept(%a: tensor<4xf32>) -> tensor<4xf32> {
  %x = "top.Input"(%a) : (tensor<4xf32>) -> tensor<4xf32> loc("y")
  %w = "top.Weight"() : () -> tensor<4xf32> loc("w")
  %0 = "top.MulConst"(%x) {const_val = 2.0} : (tensor<4xf32>) -> tensor<4xf32> loc("doubled")
  %1 = "top.Add"(%0, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("shifted")
  return %1 : tensor<4xf32>
}
