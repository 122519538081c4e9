// RUN: --passes=fuse-attention,move-attention-biases --round-trip

// The keys' bias goes, the values' goes into the projection, which had none; the queries' stays.
// CHECK-LABEL: @attention
// CHECK: "top.MatMul"(%arg0, {{.*}} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>)
// CHECK-COUNT-2: "top.MatMul"(%arg0, {{.*}} : (tensor<2x5x8xf32>, tensor<8x8xf32>, none)
// CHECK: "top.MatMul"({{.*}} : (tensor<2x5x8xf32>, tensor<6x8xf32>, tensor<6xf32>)
// CHECK: return
func.func @attention(%x: tensor<2x5x8xf32>) -> tensor<2x5x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("attention.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("attention.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8xf32> loc("attention.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("attention.w3")
  %1 = "top.MatMul"(%x, %w2, %w3) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w4 = "top.Weight"() : () -> tensor<8x8xf32> loc("attention.w4")
  %w5 = "top.Weight"() : () -> tensor<8xf32> loc("attention.w5")
  %2 = "top.MatMul"(%x, %w4, %w5) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x4x5xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %none = "top.None"() : () -> none
  %9 = "top.MatMul"(%4, %6, %none) : (tensor<2x2x5x4xf32>, tensor<2x2x4x5xf32>, none) -> tensor<2x2x5x5xf32>
  %10 = "top.Softmax"(%9) {axis = 3 : si32} : (tensor<2x2x5x5xf32>) -> tensor<2x2x5x5xf32>
  %11 = "top.MatMul"(%10, %8, %none) : (tensor<2x2x5x5xf32>, tensor<2x2x5x4xf32>, none) -> tensor<2x2x5x4xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<2x2x5x4xf32>) -> tensor<2x5x2x4xf32>
  %13 = "top.Reshape"(%12) {shape = [2, 5, 8]} : (tensor<2x5x2x4xf32>) -> tensor<2x5x8xf32>
  %w6 = "top.Weight"() : () -> tensor<6x8xf32> loc("attention.w6")
  %14 = "top.MatMul"(%13, %w6, %none) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<6x8xf32>, none) -> tensor<2x5x6xf32>
  return %14 : tensor<2x5x6xf32>
}

// Others read keys and values: the biases stay.
// CHECK-LABEL: @read_by_others
// CHECK-COUNT-3: "top.MatMul"(%arg0, {{.*}} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>)
// CHECK: return
func.func @read_by_others(%x: tensor<2x5x8xf32>) -> (tensor<2x5x6xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("read_by_others.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("read_by_others.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8xf32> loc("read_by_others.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("read_by_others.w3")
  %1 = "top.MatMul"(%x, %w2, %w3) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w4 = "top.Weight"() : () -> tensor<8x8xf32> loc("read_by_others.w4")
  %w5 = "top.Weight"() : () -> tensor<8xf32> loc("read_by_others.w5")
  %2 = "top.MatMul"(%x, %w4, %w5) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x4x5xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %none = "top.None"() : () -> none
  %9 = "top.MatMul"(%4, %6, %none) : (tensor<2x2x5x4xf32>, tensor<2x2x4x5xf32>, none) -> tensor<2x2x5x5xf32>
  %10 = "top.Softmax"(%9) {axis = 3 : si32} : (tensor<2x2x5x5xf32>) -> tensor<2x2x5x5xf32>
  %11 = "top.MatMul"(%10, %8, %none) : (tensor<2x2x5x5xf32>, tensor<2x2x5x4xf32>, none) -> tensor<2x2x5x4xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<2x2x5x4xf32>) -> tensor<2x5x2x4xf32>
  %13 = "top.Reshape"(%12) {shape = [2, 5, 8]} : (tensor<2x5x2x4xf32>) -> tensor<2x5x8xf32>
  %w6 = "top.Weight"() : () -> tensor<6x8xf32> loc("read_by_others.w6")
  %w7 = "top.Weight"() : () -> tensor<6xf32> loc("read_by_others.w7")
  %14 = "top.MatMul"(%13, %w6, %w7) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<6x8xf32>, tensor<6xf32>) -> tensor<2x5x6xf32>
  %15 = "top.GELU"(%1) : (tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %16 = "top.GELU"(%2) : (tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %14, %15, %16 : tensor<2x5x6xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>
}

// What stands between values and projection keeps the values' bias where it is.
// CHECK-LABEL: @no_projection
// CHECK: "top.MatMul"(%arg0, {{.*}} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>)
// CHECK: "top.MatMul"(%arg0, {{.*}} : (tensor<2x5x8xf32>, tensor<8x8xf32>, none)
// CHECK: "top.MatMul"(%arg0, {{.*}} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>)
// CHECK: return
func.func @no_projection(%x: tensor<2x5x8xf32>) -> tensor<2x5x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("no_projection.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("no_projection.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8xf32> loc("no_projection.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("no_projection.w3")
  %1 = "top.MatMul"(%x, %w2, %w3) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w4 = "top.Weight"() : () -> tensor<8x8xf32> loc("no_projection.w4")
  %w5 = "top.Weight"() : () -> tensor<8xf32> loc("no_projection.w5")
  %2 = "top.MatMul"(%x, %w4, %w5) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x4x5xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %none = "top.None"() : () -> none
  %9 = "top.MatMul"(%4, %6, %none) : (tensor<2x2x5x4xf32>, tensor<2x2x4x5xf32>, none) -> tensor<2x2x5x5xf32>
  %10 = "top.Softmax"(%9) {axis = 3 : si32} : (tensor<2x2x5x5xf32>) -> tensor<2x2x5x5xf32>
  %11 = "top.MatMul"(%10, %8, %none) : (tensor<2x2x5x5xf32>, tensor<2x2x5x4xf32>, none) -> tensor<2x2x5x4xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<2x2x5x4xf32>) -> tensor<2x5x2x4xf32>
  %13 = "top.Reshape"(%12) {shape = [2, 5, 8]} : (tensor<2x5x2x4xf32>) -> tensor<2x5x8xf32>
  %14 = "top.GELU"(%13) : (tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %w6 = "top.Weight"() : () -> tensor<6x8xf32> loc("no_projection.w6")
  %w7 = "top.Weight"() : () -> tensor<6xf32> loc("no_projection.w7")
  %15 = "top.MatMul"(%14, %w6, %w7) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<6x8xf32>, tensor<6xf32>) -> tensor<2x5x6xf32>
  return %15 : tensor<2x5x6xf32>
}

// A softmax along the queries sums to something else.
// CHECK-LABEL: @other_axis
// CHECK-COUNT-3: "top.MatMul"(%arg0, {{.*}} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>)
// CHECK: return
func.func @other_axis(%x: tensor<2x5x8xf32>) -> tensor<2x5x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("other_axis.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("other_axis.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8xf32> loc("other_axis.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("other_axis.w3")
  %1 = "top.MatMul"(%x, %w2, %w3) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w4 = "top.Weight"() : () -> tensor<8x8xf32> loc("other_axis.w4")
  %w5 = "top.Weight"() : () -> tensor<8xf32> loc("other_axis.w5")
  %2 = "top.MatMul"(%x, %w4, %w5) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x4x5xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %none = "top.None"() : () -> none
  %9 = "top.MatMul"(%4, %6, %none) : (tensor<2x2x5x4xf32>, tensor<2x2x4x5xf32>, none) -> tensor<2x2x5x5xf32>
  %10 = "top.Softmax"(%9) {axis = 2 : si32} : (tensor<2x2x5x5xf32>) -> tensor<2x2x5x5xf32>
  %11 = "top.MatMul"(%10, %8, %none) : (tensor<2x2x5x5xf32>, tensor<2x2x5x4xf32>, none) -> tensor<2x2x5x4xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<2x2x5x4xf32>) -> tensor<2x5x2x4xf32>
  %13 = "top.Reshape"(%12) {shape = [2, 5, 8]} : (tensor<2x5x2x4xf32>) -> tensor<2x5x8xf32>
  %w6 = "top.Weight"() : () -> tensor<6x8xf32> loc("other_axis.w6")
  %w7 = "top.Weight"() : () -> tensor<6xf32> loc("other_axis.w7")
  %14 = "top.MatMul"(%13, %w6, %w7) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<6x8xf32>, tensor<6xf32>) -> tensor<2x5x6xf32>
  return %14 : tensor<2x5x6xf32>
}
