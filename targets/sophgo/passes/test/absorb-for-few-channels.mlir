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

// Of one head the queries' weight takes that of the keys in, and their bias.
// CHECK-LABEL: @one_head
// CHECK: vision.attention {{.*}} : (tensor<2x1x16x4xf32>, tensor<2x1x16x4xf32>, tensor<2x1x16x4xf32>) -> tensor<2x1x16x4xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @one_head(%x: tensor<2x16x4xf32>, %y: tensor<2x16x4xf32>) -> tensor<2x16x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x8xf32> loc("one_head.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("one_head.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) : (tensor<2x16x4xf32>, tensor<4x8xf32>, tensor<8xf32>) -> tensor<2x16x8xf32>
  %w2 = "top.Weight"() : () -> tensor<4x8xf32> loc("one_head.w2")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%x, %w2, %none) : (tensor<2x16x4xf32>, tensor<4x8xf32>, none) -> tensor<2x16x8xf32>
  %w3 = "top.Weight"() : () -> tensor<4x8xf32> loc("one_head.w3")
  %2 = "top.MatMul"(%x, %w3, %none) : (tensor<2x16x4xf32>, tensor<4x8xf32>, none) -> tensor<2x16x8xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 16, 1, 8]} : (tensor<2x16x8xf32>) -> tensor<2x16x1x8xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x16x1x8xf32>) -> tensor<2x1x16x8xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 16, 1, 8]} : (tensor<2x16x8xf32>) -> tensor<2x16x1x8xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<2x16x1x8xf32>) -> tensor<2x1x16x8xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 16, 1, 8]} : (tensor<2x16x8xf32>) -> tensor<2x16x1x8xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x16x1x8xf32>) -> tensor<2x1x16x8xf32>
  %9 = vision.attention %4, %6, %8 {scale = 0.5} : (tensor<2x1x16x8xf32>, tensor<2x1x16x8xf32>, tensor<2x1x16x8xf32>) -> tensor<2x1x16x8xf32>
  %10 = "top.Permute"(%9) {order = [0, 2, 1, 3]} : (tensor<2x1x16x8xf32>) -> tensor<2x16x1x8xf32>
  %11 = "top.Reshape"(%10) {shape = [2, 16, 8]} : (tensor<2x16x1x8xf32>) -> tensor<2x16x8xf32>
  %w4 = "top.Weight"() : () -> tensor<8x6xf32> loc("one_head.w4")
  %w5 = "top.Weight"() : () -> tensor<6xf32> loc("one_head.w5")
  %12 = "top.MatMul"(%11, %w4, %w5) : (tensor<2x16x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  return %12 : tensor<2x16x6xf32>
}

// Pooled queries: the keys' weight comes behind the pool.
// CHECK-LABEL: @pooled
// CHECK: top.MaxPool
// CHECK: vision.attention {{.*}} : (tensor<2x1x4x4xf32>, tensor<2x1x16x4xf32>
// CHECK: top.MaxPool
// CHECK: vision.attention
// CHECK: return
func.func @pooled(%x: tensor<2x16x4xf32>, %y: tensor<2x16x4xf32>) -> tensor<2x4x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x16xf32> loc("pooled.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<4x16xf32> loc("pooled.w1")
  %1 = "top.MatMul"(%x, %w1, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<4x16xf32> loc("pooled.w2")
  %2 = "top.MatMul"(%x, %w2, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 4, 4, 16]} : (tensor<2x16x16xf32>) -> tensor<2x4x4x16xf32>
  %4 = "top.Permute"(%3) {order = [0, 3, 1, 2]} : (tensor<2x4x4x16xf32>) -> tensor<2x16x4x4xf32>
  %5 = "top.MaxPool"(%4) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<2x16x4x4xf32>) -> tensor<2x16x2x2xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x16x2x2xf32>) -> tensor<2x2x2x16xf32>
  %7 = "top.Reshape"(%6) {shape = [2, 4, 2, 8]} : (tensor<2x2x2x16xf32>) -> tensor<2x4x2x8xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x4x2x8xf32>) -> tensor<2x2x4x8xf32>
  %9 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %10 = "top.Permute"(%9) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %11 = "top.Reshape"(%2) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %13 = vision.attention %8, %10, %12 {scale = 0.5} : (tensor<2x2x4x8xf32>, tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>) -> tensor<2x2x4x8xf32>
  %14 = "top.Permute"(%13) {order = [0, 2, 1, 3]} : (tensor<2x2x4x8xf32>) -> tensor<2x4x2x8xf32>
  %15 = "top.Reshape"(%14) {shape = [2, 4, 16]} : (tensor<2x4x2x8xf32>) -> tensor<2x4x16xf32>
  %w3 = "top.Weight"() : () -> tensor<16x6xf32> loc("pooled.w3")
  %w4 = "top.Weight"() : () -> tensor<6xf32> loc("pooled.w4")
  %16 = "top.MatMul"(%15, %w3, %w4) : (tensor<2x4x16xf32>, tensor<16x6xf32>, tensor<6xf32>) -> tensor<2x4x6xf32>
  return %16 : tensor<2x4x6xf32>
}

// Keys and values of different tokens, a bias of the values, queries that are read or that no product makes.
// CHECK-LABEL: @two_sources
// CHECK: vision.attention {{.*}} : (tensor<2x2x16x8xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @two_sources(%x: tensor<2x16x4xf32>, %y: tensor<2x16x4xf32>) -> tensor<2x16x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x16xf32> loc("two_sources.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<4x16xf32> loc("two_sources.w1")
  %1 = "top.MatMul"(%x, %w1, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<4x16xf32> loc("two_sources.w2")
  %2 = "top.MatMul"(%y, %w2, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %9 = vision.attention %4, %6, %8 {scale = 0.5} : (tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>) -> tensor<2x2x16x8xf32>
  %10 = "top.Permute"(%9) {order = [0, 2, 1, 3]} : (tensor<2x2x16x8xf32>) -> tensor<2x16x2x8xf32>
  %11 = "top.Reshape"(%10) {shape = [2, 16, 16]} : (tensor<2x16x2x8xf32>) -> tensor<2x16x16xf32>
  %w3 = "top.Weight"() : () -> tensor<16x6xf32> loc("two_sources.w3")
  %w4 = "top.Weight"() : () -> tensor<6xf32> loc("two_sources.w4")
  %12 = "top.MatMul"(%11, %w3, %w4) : (tensor<2x16x16xf32>, tensor<16x6xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  return %12 : tensor<2x16x6xf32>
}

// CHECK-LABEL: @biased_values
// CHECK: vision.attention {{.*}} : (tensor<2x2x16x8xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @biased_values(%x: tensor<2x16x4xf32>, %y: tensor<2x16x4xf32>) -> tensor<2x16x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x16xf32> loc("biased_values.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<4x16xf32> loc("biased_values.w1")
  %1 = "top.MatMul"(%x, %w1, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<4x16xf32> loc("biased_values.w2")
  %w3 = "top.Weight"() : () -> tensor<16xf32> loc("biased_values.w3")
  %2 = "top.MatMul"(%x, %w2, %w3) : (tensor<2x16x4xf32>, tensor<4x16xf32>, tensor<16xf32>) -> tensor<2x16x16xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %9 = vision.attention %4, %6, %8 {scale = 0.5} : (tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>) -> tensor<2x2x16x8xf32>
  %10 = "top.Permute"(%9) {order = [0, 2, 1, 3]} : (tensor<2x2x16x8xf32>) -> tensor<2x16x2x8xf32>
  %11 = "top.Reshape"(%10) {shape = [2, 16, 16]} : (tensor<2x16x2x8xf32>) -> tensor<2x16x16xf32>
  %w4 = "top.Weight"() : () -> tensor<16x6xf32> loc("biased_values.w4")
  %w5 = "top.Weight"() : () -> tensor<6xf32> loc("biased_values.w5")
  %12 = "top.MatMul"(%11, %w4, %w5) : (tensor<2x16x16xf32>, tensor<16x6xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  return %12 : tensor<2x16x6xf32>
}

// CHECK-LABEL: @queries_are_read
// CHECK: vision.attention {{.*}} : (tensor<2x2x16x8xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @queries_are_read(%x: tensor<2x16x4xf32>, %y: tensor<2x16x4xf32>) -> (tensor<2x16x6xf32>, tensor<2x16x16xf32>) {
  %w0 = "top.Weight"() : () -> tensor<4x16xf32> loc("queries_are_read.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<4x16xf32> loc("queries_are_read.w1")
  %1 = "top.MatMul"(%x, %w1, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<4x16xf32> loc("queries_are_read.w2")
  %2 = "top.MatMul"(%x, %w2, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %9 = vision.attention %4, %6, %8 {scale = 0.5} : (tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>) -> tensor<2x2x16x8xf32>
  %10 = "top.Permute"(%9) {order = [0, 2, 1, 3]} : (tensor<2x2x16x8xf32>) -> tensor<2x16x2x8xf32>
  %11 = "top.Reshape"(%10) {shape = [2, 16, 16]} : (tensor<2x16x2x8xf32>) -> tensor<2x16x16xf32>
  %w3 = "top.Weight"() : () -> tensor<16x6xf32> loc("queries_are_read.w3")
  %w4 = "top.Weight"() : () -> tensor<6xf32> loc("queries_are_read.w4")
  %12 = "top.MatMul"(%11, %w3, %w4) : (tensor<2x16x16xf32>, tensor<16x6xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  return %12, %0 : tensor<2x16x6xf32>, tensor<2x16x16xf32>
}

// CHECK-LABEL: @activated_queries
// CHECK: vision.attention {{.*}} : (tensor<2x2x16x8xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @activated_queries(%x: tensor<2x16x4xf32>, %y: tensor<2x16x4xf32>) -> tensor<2x16x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x16xf32> loc("activated_queries.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %1 = "top.GELU"(%0) : (tensor<2x16x16xf32>) -> tensor<2x16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<4x16xf32> loc("activated_queries.w1")
  %2 = "top.MatMul"(%x, %w1, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<4x16xf32> loc("activated_queries.w2")
  %3 = "top.MatMul"(%x, %w2, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %4 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %6 = "top.Reshape"(%2) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %7 = "top.Permute"(%6) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %8 = "top.Reshape"(%3) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %9 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %10 = vision.attention %5, %7, %9 {scale = 0.5} : (tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>) -> tensor<2x2x16x8xf32>
  %11 = "top.Permute"(%10) {order = [0, 2, 1, 3]} : (tensor<2x2x16x8xf32>) -> tensor<2x16x2x8xf32>
  %12 = "top.Reshape"(%11) {shape = [2, 16, 16]} : (tensor<2x16x2x8xf32>) -> tensor<2x16x16xf32>
  %w3 = "top.Weight"() : () -> tensor<16x6xf32> loc("activated_queries.w3")
  %w4 = "top.Weight"() : () -> tensor<6xf32> loc("activated_queries.w4")
  %13 = "top.MatMul"(%12, %w3, %w4) : (tensor<2x16x16xf32>, tensor<16x6xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  return %13 : tensor<2x16x6xf32>
}

// Values of fewer dimensions.
// CHECK-LABEL: @narrow_values
// CHECK: vision.attention {{.*}} : (tensor<2x2x16x8xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @narrow_values(%x: tensor<2x16x4xf32>, %y: tensor<2x16x4xf32>) -> tensor<2x16x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x16xf32> loc("narrow_values.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<4x16xf32> loc("narrow_values.w1")
  %1 = "top.MatMul"(%x, %w1, %none) : (tensor<2x16x4xf32>, tensor<4x16xf32>, none) -> tensor<2x16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<4x8xf32> loc("narrow_values.w2")
  %2 = "top.MatMul"(%x, %w2, %none) : (tensor<2x16x4xf32>, tensor<4x8xf32>, none) -> tensor<2x16x8xf32>
  %3 = "top.Reshape"(%0) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %5 = "top.Reshape"(%1) {shape = [2, 16, 2, 8]} : (tensor<2x16x16xf32>) -> tensor<2x16x2x8xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<2x16x2x8xf32>) -> tensor<2x2x16x8xf32>
  %7 = "top.Reshape"(%2) {shape = [2, 16, 2, 4]} : (tensor<2x16x8xf32>) -> tensor<2x16x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x16x2x4xf32>) -> tensor<2x2x16x4xf32>
  %9 = vision.attention %4, %6, %8 {scale = 0.5} : (tensor<2x2x16x8xf32>, tensor<2x2x16x8xf32>, tensor<2x2x16x4xf32>) -> tensor<2x2x16x4xf32>
  %10 = "top.Permute"(%9) {order = [0, 2, 1, 3]} : (tensor<2x2x16x4xf32>) -> tensor<2x16x2x4xf32>
  %11 = "top.Reshape"(%10) {shape = [2, 16, 8]} : (tensor<2x16x2x4xf32>) -> tensor<2x16x8xf32>
  %w3 = "top.Weight"() : () -> tensor<8x6xf32> loc("narrow_values.w3")
  %w4 = "top.Weight"() : () -> tensor<6xf32> loc("narrow_values.w4")
  %12 = "top.MatMul"(%11, %w3, %w4) : (tensor<2x16x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<2x16x6xf32>
  return %12 : tensor<2x16x6xf32>
}
