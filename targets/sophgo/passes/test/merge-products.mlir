// RUN: --passes=merge-products --round-trip

// One product of both weights.
// CHECK-LABEL: @two
// CHECK: "top.MatMul"(%arg0, {{.*}} : (tensor<1x24x8xf32>, tensor<8x4xf32>, tensor<4xf32>)
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @two(%x: tensor<1x24x8xf32>) -> tensor<1x24x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x8xf32> loc("two.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("two.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x24x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<1x24x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x4xf32> loc("two.w2")
  %w3 = "top.Weight"() : () -> tensor<4xf32> loc("two.w3")
  %1 = "top.MatMul"(%0, %w2, %w3) : (tensor<1x24x16xf32>, tensor<16x4xf32>, tensor<4xf32>) -> tensor<1x24x4xf32>
  return %1 : tensor<1x24x4xf32>
}

// Two that cost less than one of both stay two.
// CHECK-LABEL: @narrow_between
// CHECK-COUNT-2: top.MatMul
// CHECK: return
func.func @narrow_between(%x: tensor<1x24x8xf32>) -> tensor<1x24x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<2x8xf32> loc("narrow_between.w0")
  %w1 = "top.Weight"() : () -> tensor<2xf32> loc("narrow_between.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x24x8xf32>, tensor<2x8xf32>, tensor<2xf32>) -> tensor<1x24x2xf32>
  %w2 = "top.Weight"() : () -> tensor<2x4xf32> loc("narrow_between.w2")
  %w3 = "top.Weight"() : () -> tensor<4xf32> loc("narrow_between.w3")
  %1 = "top.MatMul"(%0, %w2, %w3) : (tensor<1x24x2xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<1x24x4xf32>
  return %1 : tensor<1x24x4xf32>
}

// Others read what is between.
// CHECK-LABEL: @read_between
// CHECK-COUNT-2: top.MatMul
// CHECK: return
func.func @read_between(%x: tensor<1x24x8xf32>) -> (tensor<1x24x4xf32>, tensor<1x24x16xf32>) {
  %w0 = "top.Weight"() : () -> tensor<16x8xf32> loc("read_between.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("read_between.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x24x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<1x24x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x4xf32> loc("read_between.w2")
  %w3 = "top.Weight"() : () -> tensor<4xf32> loc("read_between.w3")
  %1 = "top.MatMul"(%0, %w2, %w3) : (tensor<1x24x16xf32>, tensor<16x4xf32>, tensor<4xf32>) -> tensor<1x24x4xf32>
  %2 = "top.GELU"(%0) : (tensor<1x24x16xf32>) -> tensor<1x24x16xf32>
  return %1, %2 : tensor<1x24x4xf32>, tensor<1x24x16xf32>
}

// Something is computed between.
// CHECK-LABEL: @activation
// CHECK-COUNT-2: top.MatMul
// CHECK: return
func.func @activation(%x: tensor<1x24x8xf32>) -> tensor<1x24x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x8xf32> loc("activation.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("activation.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x24x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<1x24x16xf32>
  %1 = "top.GELU"(%0) : (tensor<1x24x16xf32>) -> tensor<1x24x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x4xf32> loc("activation.w2")
  %w3 = "top.Weight"() : () -> tensor<4xf32> loc("activation.w3")
  %2 = "top.MatMul"(%1, %w2, %w3) : (tensor<1x24x16xf32>, tensor<16x4xf32>, tensor<4xf32>) -> tensor<1x24x4xf32>
  return %2 : tensor<1x24x4xf32>
}

// The first bias goes through the second weight.
// CHECK-LABEL: @biases
// CHECK: "top.MatMul"(%arg0, {{.*}} : (tensor<1x24x8xf32>, tensor<8x4xf32>, tensor<4xf32>)
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @biases(%x: tensor<1x24x8xf32>) -> tensor<1x24x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x16xf32> loc("biases.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("biases.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) : (tensor<1x24x8xf32>, tensor<8x16xf32>, tensor<16xf32>) -> tensor<1x24x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x4xf32> loc("biases.w2")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%0, %w2, %none) : (tensor<1x24x16xf32>, tensor<16x4xf32>, none) -> tensor<1x24x4xf32>
  return %1 : tensor<1x24x4xf32>
}
