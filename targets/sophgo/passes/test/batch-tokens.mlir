// RUN: --passes=batch-tokens --round-trip

// Norm, product, activation and sum on 64 tokens at once; reshapes between them are gone.
// CHECK-LABEL: @block
// CHECK: [[N:%.*]] = "top.LayerNorm"({{.*}} -> tensor<8x64x8xf32>
// CHECK: [[P:%.*]] = "top.MatMul"([[N]], {{.*}} -> tensor<8x64x8xf32>
// CHECK: [[G:%.*]] = "top.GELU"([[P]]) {{.*}} -> tensor<8x64x8xf32>
// CHECK: "top.Add"({{.*}}, [[G]]) {{.*}} -> tensor<8x64x8xf32>
// CHECK: return
func.func @block(%x: tensor<32x4x4x8xf32>) -> tensor<32x4x4x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<8xf32> loc("block.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("block.w1")
  %0 = "top.LayerNorm"(%x, %w0, %w1) {axis = 3 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<32x4x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<32x4x4x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8xf32> loc("block.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("block.w3")
  %1 = "top.MatMul"(%0, %w2, %w3) {right_transpose = true} : (tensor<32x4x4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<32x4x4x8xf32>
  %2 = "top.GELU"(%1) : (tensor<32x4x4x8xf32>) -> tensor<32x4x4x8xf32>
  %3 = "top.Add"(%x, %2) : (tensor<32x4x4x8xf32>, tensor<32x4x4x8xf32>) -> tensor<32x4x4x8xf32>
  return %3 : tensor<32x4x4x8xf32>
}

// More than 64 tokens in each: lanes are full.
// CHECK-LABEL: @large
// CHECK: "top.GELU"(%arg0)
// CHECK: return
func.func @large(%x: tensor<2x8x16x8xf32>) -> tensor<2x8x16x8xf32> {
  %0 = "top.GELU"(%x) : (tensor<2x8x16x8xf32>) -> tensor<2x8x16x8xf32>
  return %0 : tensor<2x8x16x8xf32>
}

// 80 tokens are no batches of 64.
// CHECK-LABEL: @odd
// CHECK: "top.GELU"(%arg0)
// CHECK: return
func.func @odd(%x: tensor<5x4x4x8xf32>) -> tensor<5x4x4x8xf32> {
  %0 = "top.GELU"(%x) : (tensor<5x4x4x8xf32>) -> tensor<5x4x4x8xf32>
  return %0 : tensor<5x4x4x8xf32>
}

// A map of its own.
// CHECK-LABEL: @one
// CHECK: "top.GELU"(%arg0)
// CHECK: return
func.func @one(%x: tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32> {
  %0 = "top.GELU"(%x) : (tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32>
  return %0 : tensor<1x8x8x8xf32>
}

// Not left to single tokens: a softmax, a sum that broadcasts.
// CHECK-LABEL: @softmax
// CHECK: "top.Softmax"(%arg0)
// CHECK: return
func.func @softmax(%x: tensor<32x4x4x8xf32>) -> tensor<32x4x4x8xf32> {
  %0 = "top.Softmax"(%x) {axis = 3 : si32} : (tensor<32x4x4x8xf32>) -> tensor<32x4x4x8xf32>
  return %0 : tensor<32x4x4x8xf32>
}

// CHECK-LABEL: @broadcast
// CHECK: "top.Add"(%arg0,
// CHECK: return
func.func @broadcast(%x: tensor<32x4x4x8xf32>) -> tensor<32x4x4x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<8xf32> loc("broadcast.w0")
  %0 = "top.Add"(%x, %w0) : (tensor<32x4x4x8xf32>, tensor<8xf32>) -> tensor<32x4x4x8xf32>
  return %0 : tensor<32x4x4x8xf32>
}

// A norm goes over the last of three axes then; weights of a sum are batched as they lie.
// CHECK-LABEL: @norm
// CHECK: "top.LayerNorm"({{.*}}) {axis = 2 : si32{{.*}} -> tensor<8x64x8xf32>
// CHECK: "top.Add"({{.*}} -> tensor<8x64x8xf32>
// CHECK: return
func.func @norm(%x: tensor<32x4x4x8xf32>) -> tensor<32x4x4x8xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.LayerNorm"(%x, %none, %none) {axis = 3 : si32, eps = 1.0e-6, normalized_shape = [8]} : (tensor<32x4x4x8xf32>, none, none) -> tensor<32x4x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<32x4x4x8xf32> loc("norm.w0")
  %1 = "top.Add"(%0, %w0) : (tensor<32x4x4x8xf32>, tensor<32x4x4x8xf32>) -> tensor<32x4x4x8xf32>
  return %1 : tensor<32x4x4x8xf32>
}

// What is in batches of 64 already, two axes, and a sum of three stay.
// CHECK-LABEL: @already
// CHECK-NOT: top.Reshape
// CHECK: return
func.func @already(%x: tensor<8x64x8xf32>, %y: tensor<512x8xf32>, %z: tensor<32x4x4x8xf32>) -> (tensor<8x64x8xf32>, tensor<512x8xf32>, tensor<32x4x4x8xf32>) {
  %0 = "top.GELU"(%x) : (tensor<8x64x8xf32>) -> tensor<8x64x8xf32>
  %1 = "top.GELU"(%y) : (tensor<512x8xf32>) -> tensor<512x8xf32>
  %2 = "top.Add"(%z, %z, %z) : (tensor<32x4x4x8xf32>, tensor<32x4x4x8xf32>, tensor<32x4x4x8xf32>) -> tensor<32x4x4x8xf32>
  return %0, %1, %2 : tensor<8x64x8xf32>, tensor<512x8xf32>, tensor<32x4x4x8xf32>
}
