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

// Parts along an inner axis, along two axes, of one index alone, or of tokens; a right side that is computed.
// CHECK-LABEL: @inner_axis
// CHECK: "top.MatMul"(%arg0, {{.*}} -> tensor<2x5x24xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @inner_axis(%x: tensor<2x5x6xf32>, %y: tensor<6x24xf32>) -> (tensor<2x5x3x1x4xf32>, tensor<2x5x3x1x4xf32>) {
  %w0 = "top.Weight"() : () -> tensor<6x24xf32> loc("inner_axis.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x5x6xf32>, tensor<6x24xf32>, none) -> tensor<2x5x24xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 5, 3, 2, 4]} : (tensor<2x5x24xf32>) -> tensor<2x5x3x2x4xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 5, 3, 1, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x3x1x4xf32>
  %3 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 1, 0], steps = [1, 1, 1, 1, 1], ends = [2, 5, 3, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x3x1x4xf32>
  return %2, %3 : tensor<2x5x3x1x4xf32>, tensor<2x5x3x1x4xf32>
}

// CHECK-LABEL: @two_axes
// CHECK: "top.MatMul"(%arg0, {{.*}} -> tensor<2x5x24xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @two_axes(%x: tensor<2x5x6xf32>, %y: tensor<6x24xf32>) -> (tensor<2x5x1x2x4xf32>, tensor<2x5x3x1x4xf32>) {
  %w0 = "top.Weight"() : () -> tensor<6x24xf32> loc("two_axes.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x5x6xf32>, tensor<6x24xf32>, none) -> tensor<2x5x24xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 5, 3, 2, 4]} : (tensor<2x5x24xf32>) -> tensor<2x5x3x2x4xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 5, 1, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  %3 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 1, 0], steps = [1, 1, 1, 1, 1], ends = [2, 5, 3, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x3x1x4xf32>
  return %2, %3 : tensor<2x5x1x2x4xf32>, tensor<2x5x3x1x4xf32>
}

// CHECK-LABEL: @one_part
// CHECK: "top.MatMul"(%arg0, {{.*}} -> tensor<2x5x24xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @one_part(%x: tensor<2x5x6xf32>, %y: tensor<6x24xf32>) -> tensor<2x5x1x2x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x24xf32> loc("one_part.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x5x6xf32>, tensor<6x24xf32>, none) -> tensor<2x5x24xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 5, 3, 2, 4]} : (tensor<2x5x24xf32>) -> tensor<2x5x3x2x4xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 5, 1, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  return %2 : tensor<2x5x1x2x4xf32>
}

// CHECK-LABEL: @of_tokens
// CHECK: "top.MatMul"(%arg0, {{.*}} -> tensor<2x5x24xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @of_tokens(%x: tensor<2x5x6xf32>, %y: tensor<6x24xf32>) -> (tensor<2x1x3x2x4xf32>, tensor<2x1x3x2x4xf32>, tensor<2x1x3x2x4xf32>, tensor<2x1x3x2x4xf32>, tensor<2x1x3x2x4xf32>) {
  %w0 = "top.Weight"() : () -> tensor<6x24xf32> loc("of_tokens.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x5x6xf32>, tensor<6x24xf32>, none) -> tensor<2x5x24xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 5, 3, 2, 4]} : (tensor<2x5x24xf32>) -> tensor<2x5x3x2x4xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 1, 3, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x1x3x2x4xf32>
  %3 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 1, 0, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 2, 3, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x1x3x2x4xf32>
  %4 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 2, 0, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 3, 3, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x1x3x2x4xf32>
  %5 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 3, 0, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 4, 3, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x1x3x2x4xf32>
  %6 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 4, 0, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 5, 3, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x1x3x2x4xf32>
  return %2, %3, %4, %5, %6 : tensor<2x1x3x2x4xf32>, tensor<2x1x3x2x4xf32>, tensor<2x1x3x2x4xf32>, tensor<2x1x3x2x4xf32>, tensor<2x1x3x2x4xf32>
}

// CHECK-LABEL: @computed
// CHECK: "top.MatMul"(%arg0, {{.*}} -> tensor<2x5x24xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @computed(%x: tensor<2x5x6xf32>, %y: tensor<6x24xf32>) -> (tensor<2x5x1x2x4xf32>, tensor<2x5x1x2x4xf32>, tensor<2x5x1x2x4xf32>) {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %y, %none) : (tensor<2x5x6xf32>, tensor<6x24xf32>, none) -> tensor<2x5x24xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 5, 3, 2, 4]} : (tensor<2x5x24xf32>) -> tensor<2x5x3x2x4xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 5, 1, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  %3 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 1, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 5, 2, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  %4 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 2, 0, 0], steps = [1, 1, 1, 1, 1], ends = [2, 5, 3, 2, 4], axes = []} : (tensor<2x5x3x2x4xf32>, none, none, none) -> tensor<2x5x1x2x4xf32>
  return %2, %3, %4 : tensor<2x5x1x2x4xf32>, tensor<2x5x1x2x4xf32>, tensor<2x5x1x2x4xf32>
}

// CHECK-LABEL: @one_column_block
// CHECK: "top.MatMul"(%arg0, {{.*}} -> tensor<2x5x24xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @one_column_block(%x: tensor<2x5x6xf32>, %y: tensor<6x24xf32>) -> (tensor<2x5x1x24xf32>, tensor<2x5x1x24xf32>) {
  %w0 = "top.Weight"() : () -> tensor<6x24xf32> loc("one_column_block.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x5x6xf32>, tensor<6x24xf32>, none) -> tensor<2x5x24xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 5, 1, 24]} : (tensor<2x5x24xf32>) -> tensor<2x5x1x24xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 5, 1, 24], axes = []} : (tensor<2x5x1x24xf32>, none, none, none) -> tensor<2x5x1x24xf32>
  %3 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 5, 1, 24], axes = []} : (tensor<2x5x1x24xf32>, none, none, none) -> tensor<2x5x1x24xf32>
  return %2, %3 : tensor<2x5x1x24xf32>, tensor<2x5x1x24xf32>
}
