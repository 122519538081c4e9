// RUN: --passes=split-matmuls --round-trip

// Queries, keys and values: a product for each.
// CHECK-LABEL: @qkv
// CHECK-COUNT-3: "top.MatMul"(%arg0, {{.*}} : (tensor<2x5x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
// CHECK-NOT: top.MatMul
// CHECK-NOT: top.Slice
// CHECK: return
func.func @qkv(%x: tensor<2x5x6xf32>) -> (tensor<2x5x2x4xf32>, tensor<2x5x2x4xf32>, tensor<2x5x2x4xf32>) {
  %w0 = "top.Weight"() : () -> tensor<24x6xf32> loc("qkv.w0")
  %w1 = "top.Weight"() : () -> tensor<24xf32> loc("qkv.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x5x6xf32>, tensor<24x6xf32>, tensor<24xf32>) -> tensor<2x5x24xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 5, 3, 2, 4]} : (tensor<2x5x24xf32>) -> tensor<2x5x3x2x4xf32>
  %none = "top.None"() : () -> none
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0], steps = [1], ends = [1], axes = [2]} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  %3 = "top.Squeeze"(%2) {axes = [2]} : (tensor<2x5x1x2x4xf32>) -> tensor<2x5x2x4xf32>
  %4 = "top.Slice"(%1, %none, %none, %none) {offset = [1], steps = [1], ends = [2], axes = [2]} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  %5 = "top.Squeeze"(%4) {axes = [2]} : (tensor<2x5x1x2x4xf32>) -> tensor<2x5x2x4xf32>
  %6 = "top.Slice"(%1, %none, %none, %none) {offset = [2], steps = [1], ends = [3], axes = [2]} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  %7 = "top.Squeeze"(%6) {axes = [2]} : (tensor<2x5x1x2x4xf32>) -> tensor<2x5x2x4xf32>
  return %3, %5, %7 : tensor<2x5x2x4xf32>, tensor<2x5x2x4xf32>, tensor<2x5x2x4xf32>
}

// Somebody reads the product whole: it is computed anyway, and the slices stay.
// CHECK-LABEL: @read_whole
// CHECK: "top.MatMul"({{.*}} -> tensor<2x5x24xf32>
// CHECK-COUNT-3: top.Slice
// CHECK: return
func.func @read_whole(%x: tensor<2x5x6xf32>) -> (tensor<2x5x2x4xf32>, tensor<2x5x2x4xf32>, tensor<2x5x2x4xf32>, tensor<2x5x24xf32>) {
  %w0 = "top.Weight"() : () -> tensor<24x6xf32> loc("read_whole.w0")
  %w1 = "top.Weight"() : () -> tensor<24xf32> loc("read_whole.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x5x6xf32>, tensor<24x6xf32>, tensor<24xf32>) -> tensor<2x5x24xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 5, 3, 2, 4]} : (tensor<2x5x24xf32>) -> tensor<2x5x3x2x4xf32>
  %none = "top.None"() : () -> none
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0], steps = [1], ends = [1], axes = [2]} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  %3 = "top.Squeeze"(%2) {axes = [2]} : (tensor<2x5x1x2x4xf32>) -> tensor<2x5x2x4xf32>
  %4 = "top.Slice"(%1, %none, %none, %none) {offset = [1], steps = [1], ends = [2], axes = [2]} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  %5 = "top.Squeeze"(%4) {axes = [2]} : (tensor<2x5x1x2x4xf32>) -> tensor<2x5x2x4xf32>
  %6 = "top.Slice"(%1, %none, %none, %none) {offset = [2], steps = [1], ends = [3], axes = [2]} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  %7 = "top.Squeeze"(%6) {axes = [2]} : (tensor<2x5x1x2x4xf32>) -> tensor<2x5x2x4xf32>
  %8 = "top.Relu"(%0) : (tensor<2x5x24xf32>) -> tensor<2x5x24xf32>
  return %3, %5, %7, %8 : tensor<2x5x2x4xf32>, tensor<2x5x2x4xf32>, tensor<2x5x2x4xf32>, tensor<2x5x24xf32>
}

// A slice of two parts is not one part.
// CHECK-LABEL: @two_parts_at_once
// CHECK: "top.MatMul"({{.*}} -> tensor<2x5x24xf32>
// CHECK-COUNT-2: top.Slice
// CHECK: return
func.func @two_parts_at_once(%x: tensor<2x5x6xf32>) -> (tensor<2x5x2x2x4xf32>, tensor<2x5x1x2x4xf32>) {
  %w0 = "top.Weight"() : () -> tensor<24x6xf32> loc("two_parts_at_once.w0")
  %w1 = "top.Weight"() : () -> tensor<24xf32> loc("two_parts_at_once.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x5x6xf32>, tensor<24x6xf32>, tensor<24xf32>) -> tensor<2x5x24xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 5, 3, 2, 4]} : (tensor<2x5x24xf32>) -> tensor<2x5x3x2x4xf32>
  %none = "top.None"() : () -> none
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0], steps = [1], ends = [2], axes = [2]} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x2x2x4xf32>
  %3 = "top.Slice"(%1, %none, %none, %none) {offset = [2], steps = [1], ends = [3], axes = [2]} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  return %2, %3 : tensor<2x5x2x2x4xf32>, tensor<2x5x1x2x4xf32>
}
