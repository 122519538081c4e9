// RUN: --passes=fuse-attention,absorb-for-few-channels --round-trip

// Each head attends over the rows themselves: neither keys nor values are computed.
// CHECK-LABEL: @few_channels
// CHECK-COUNT-2: vision.attention {{.*}} -> tensor<2x1x16x4xf32>
// CHECK: top.Add
// CHECK: return
func.func @few_channels(%x: tensor<2x16x4xf32>) -> tensor<2x16x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x4xf32> loc("few_channels.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("few_channels.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x16x4xf32>, tensor<16x4xf32>, tensor<16xf32>) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x4xf32> loc("few_channels.w2")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%x, %w2, %none) {right_transpose = true} : (tensor<2x16x4xf32>, tensor<16x4xf32>, none) -> tensor<2x16x16xf32>
  %w3 = "top.Weight"() : () -> tensor<16x4xf32> loc("few_channels.w3")
  %2 = "top.MatMul"(%x, %w3, %none) {right_transpose = true} : (tensor<2x16x4xf32>, tensor<16x4xf32>, none) -> tensor<2x16x16xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x8x16xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %9 = "top.MatMul"(%4, %6, %none) : (tensor<2x2x16x8xf32>, tensor<2x2x8x16xf32>, none) -> tensor<2x2x16x16xf32>
  %10 = "top.Softmax"(%9) {axis = 3 : si32} : (tensor<2x2x16x16xf32>) -> tensor<2x2x16x16xf32>
  %11 = "top.MatMul"(%10, %8, %none) : (tensor<2x2x16x16xf32>, tensor<2x2x16x8xf32>, none) -> tensor<2x2x16x8xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<2x2x16x8xf32>) -> tensor<2x16x2x8xf32>
  %13 = "top.Reshape"(%12) {shape = [2, 16, 16]} : (tensor<2x16x2x8xf32>) -> tensor<2x16x16xf32>
  %w4 = "top.Weight"() : () -> tensor<6x16xf32> loc("few_channels.w4")
  %w5 = "top.Weight"() : () -> tensor<6xf32> loc("few_channels.w5")
  %14 = "top.MatMul"(%13, %w4, %w5) {right_transpose = true} : (tensor<2x16x16xf32>, tensor<6x16xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  return %14 : tensor<2x16x6xf32>
}

// With more channels it is more work.
// CHECK-LABEL: @many_channels
// CHECK: vision.attention {{.*}} -> tensor<2x2x16x8xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @many_channels(%x: tensor<2x16x64xf32>) -> tensor<2x16x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x64xf32> loc("many_channels.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("many_channels.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x16x64xf32>, tensor<16x64xf32>, tensor<16xf32>) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x64xf32> loc("many_channels.w2")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%x, %w2, %none) {right_transpose = true} : (tensor<2x16x64xf32>, tensor<16x64xf32>, none) -> tensor<2x16x16xf32>
  %w3 = "top.Weight"() : () -> tensor<16x64xf32> loc("many_channels.w3")
  %2 = "top.MatMul"(%x, %w3, %none) {right_transpose = true} : (tensor<2x16x64xf32>, tensor<16x64xf32>, none) -> tensor<2x16x16xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x8x16xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %9 = "top.MatMul"(%4, %6, %none) : (tensor<2x2x16x8xf32>, tensor<2x2x8x16xf32>, none) -> tensor<2x2x16x16xf32>
  %10 = "top.Softmax"(%9) {axis = 3 : si32} : (tensor<2x2x16x16xf32>) -> tensor<2x2x16x16xf32>
  %11 = "top.MatMul"(%10, %8, %none) : (tensor<2x2x16x16xf32>, tensor<2x2x16x8xf32>, none) -> tensor<2x2x16x8xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<2x2x16x8xf32>) -> tensor<2x16x2x8xf32>
  %13 = "top.Reshape"(%12) {shape = [2, 16, 16]} : (tensor<2x16x2x8xf32>) -> tensor<2x16x16xf32>
  %w4 = "top.Weight"() : () -> tensor<6x16xf32> loc("many_channels.w4")
  %w5 = "top.Weight"() : () -> tensor<6xf32> loc("many_channels.w5")
  %14 = "top.MatMul"(%13, %w4, %w5) {right_transpose = true} : (tensor<2x16x16xf32>, tensor<6x16xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  return %14 : tensor<2x16x6xf32>
}

// The keys still have a bias (move-attention-biases takes it away).
// CHECK-LABEL: @biased
// CHECK: vision.attention {{.*}} -> tensor<2x2x16x8xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @biased(%x: tensor<2x16x4xf32>) -> tensor<2x16x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x4xf32> loc("biased.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("biased.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x16x4xf32>, tensor<16x4xf32>, tensor<16xf32>) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x4xf32> loc("biased.w2")
  %w3 = "top.Weight"() : () -> tensor<16xf32> loc("biased.w3")
  %1 = "top.MatMul"(%x, %w2, %w3) {right_transpose = true} : (tensor<2x16x4xf32>, tensor<16x4xf32>, tensor<16xf32>) -> tensor<2x16x16xf32>
  %w4 = "top.Weight"() : () -> tensor<16x4xf32> loc("biased.w4")
  %none = "top.None"() : () -> none
  %2 = "top.MatMul"(%x, %w4, %none) {right_transpose = true} : (tensor<2x16x4xf32>, tensor<16x4xf32>, none) -> tensor<2x16x16xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x8x16xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %9 = "top.MatMul"(%4, %6, %none) : (tensor<2x2x16x8xf32>, tensor<2x2x8x16xf32>, none) -> tensor<2x2x16x16xf32>
  %10 = "top.Softmax"(%9) {axis = 3 : si32} : (tensor<2x2x16x16xf32>) -> tensor<2x2x16x16xf32>
  %11 = "top.MatMul"(%10, %8, %none) : (tensor<2x2x16x16xf32>, tensor<2x2x16x8xf32>, none) -> tensor<2x2x16x8xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<2x2x16x8xf32>) -> tensor<2x16x2x8xf32>
  %13 = "top.Reshape"(%12) {shape = [2, 16, 16]} : (tensor<2x16x2x8xf32>) -> tensor<2x16x16xf32>
  %w5 = "top.Weight"() : () -> tensor<6x16xf32> loc("biased.w5")
  %w6 = "top.Weight"() : () -> tensor<6xf32> loc("biased.w6")
  %14 = "top.MatMul"(%13, %w5, %w6) {right_transpose = true} : (tensor<2x16x16xf32>, tensor<6x16xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  return %14 : tensor<2x16x6xf32>
}

// Others read the values.
// CHECK-LABEL: @values_are_read
// CHECK: vision.attention {{.*}} -> tensor<2x2x16x8xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @values_are_read(%x: tensor<2x16x4xf32>) -> (tensor<2x16x6xf32>, tensor<2x16x16xf32>) {
  %w0 = "top.Weight"() : () -> tensor<16x4xf32> loc("values_are_read.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("values_are_read.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x16x4xf32>, tensor<16x4xf32>, tensor<16xf32>) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x4xf32> loc("values_are_read.w2")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%x, %w2, %none) {right_transpose = true} : (tensor<2x16x4xf32>, tensor<16x4xf32>, none) -> tensor<2x16x16xf32>
  %w3 = "top.Weight"() : () -> tensor<16x4xf32> loc("values_are_read.w3")
  %2 = "top.MatMul"(%x, %w3, %none) {right_transpose = true} : (tensor<2x16x4xf32>, tensor<16x4xf32>, none) -> tensor<2x16x16xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x8x16xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %9 = "top.MatMul"(%4, %6, %none) : (tensor<2x2x16x8xf32>, tensor<2x2x8x16xf32>, none) -> tensor<2x2x16x16xf32>
  %10 = "top.Softmax"(%9) {axis = 3 : si32} : (tensor<2x2x16x16xf32>) -> tensor<2x2x16x16xf32>
  %11 = "top.MatMul"(%10, %8, %none) : (tensor<2x2x16x16xf32>, tensor<2x2x16x8xf32>, none) -> tensor<2x2x16x8xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<2x2x16x8xf32>) -> tensor<2x16x2x8xf32>
  %13 = "top.Reshape"(%12) {shape = [2, 16, 16]} : (tensor<2x16x2x8xf32>) -> tensor<2x16x16xf32>
  %w4 = "top.Weight"() : () -> tensor<6x16xf32> loc("values_are_read.w4")
  %w5 = "top.Weight"() : () -> tensor<6xf32> loc("values_are_read.w5")
  %14 = "top.MatMul"(%13, %w4, %w5) {right_transpose = true} : (tensor<2x16x16xf32>, tensor<6x16xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  %15 = "top.GELU"(%2) : (tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  return %14, %15 : tensor<2x16x6xf32>, tensor<2x16x16xf32>
}
