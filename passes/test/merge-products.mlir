// RUN: --passes=merge-products --round-trip

// 2 -> 6 -> 3 channels: 36 multiplications a row become 6. Both biases are in the one that is left.
// CHECK-LABEL: @wide_between
// CHECK: "top.MatMul"(%arg0, %{{.*}}, %{{.*}}) {{.*}} : (tensor<1x5x2xf32>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<1x5x3xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @wide_between(%x: tensor<1x5x2xf32>) -> tensor<1x5x3xf32> {
  %v = "top.Weight"() : () -> tensor<6x2xf32> loc("wide_between.v")
  %c = "top.Weight"() : () -> tensor<6xf32> loc("wide_between.c")
  %w = "top.Weight"() : () -> tensor<6x3xf32> loc("wide_between.w")
  %b = "top.Weight"() : () -> tensor<3xf32> loc("wide_between.b")
  %0 = "top.MatMul"(%x, %v, %c) {right_transpose = true} : (tensor<1x5x2xf32>, tensor<6x2xf32>, tensor<6xf32>) -> tensor<1x5x6xf32>
  %1 = "top.MatMul"(%0, %w, %b) : (tensor<1x5x6xf32>, tensor<6x3xf32>, tensor<3xf32>) -> tensor<1x5x3xf32>
  return %1 : tensor<1x5x3xf32>
}

// A chain of three without biases.
// CHECK-LABEL: @chain
// CHECK: [[NONE:%.*]] = "top.None"
// CHECK: "top.MatMul"(%arg0, %{{.*}}, [[NONE]]) {{.*}} : (tensor<1x5x2xf32>, tensor<2x2xf32>, none) -> tensor<1x5x2xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @chain(%x: tensor<1x5x2xf32>) -> tensor<1x5x2xf32> {
  %none = "top.None"() : () -> none
  %u = "top.Weight"() : () -> tensor<2x4xf32> loc("chain.u")
  %v = "top.Weight"() : () -> tensor<4x4xf32> loc("chain.square")
  %w = "top.Weight"() : () -> tensor<4x2xf32> loc("chain.narrow")
  %0 = "top.MatMul"(%x, %u, %none) : (tensor<1x5x2xf32>, tensor<2x4xf32>, none) -> tensor<1x5x4xf32>
  %1 = "top.MatMul"(%0, %v, %none) : (tensor<1x5x4xf32>, tensor<4x4xf32>, none) -> tensor<1x5x4xf32>
  %2 = "top.MatMul"(%1, %w, %none) : (tensor<1x5x4xf32>, tensor<4x2xf32>, none) -> tensor<1x5x2xf32>
  return %2 : tensor<1x5x2xf32>
}

// 6 -> 2 -> 6 channels: one product would be 36 multiplications a row, two are 24.
// CHECK-LABEL: @narrow_between
// CHECK: top.MatMul
// CHECK: top.MatMul
// CHECK: return
func.func @narrow_between(%x: tensor<1x5x6xf32>) -> tensor<1x5x6xf32> {
  %none = "top.None"() : () -> none
  %v = "top.Weight"() : () -> tensor<6x2xf32> loc("narrow_between.v")
  %w = "top.Weight"() : () -> tensor<2x6xf32> loc("narrow_between.w")
  %0 = "top.MatMul"(%x, %v, %none) : (tensor<1x5x6xf32>, tensor<6x2xf32>, none) -> tensor<1x5x2xf32>
  %1 = "top.MatMul"(%0, %w, %none) : (tensor<1x5x2xf32>, tensor<2x6xf32>, none) -> tensor<1x5x6xf32>
  return %1 : tensor<1x5x6xf32>
}

// What is between is read.
// CHECK-LABEL: @read_between
// CHECK: top.MatMul
// CHECK: top.MatMul
// CHECK: return
func.func @read_between(%x: tensor<1x5x2xf32>) -> (tensor<1x5x6xf32>, tensor<1x5x3xf32>) {
  %none = "top.None"() : () -> none
  %v = "top.Weight"() : () -> tensor<2x6xf32> loc("read_between.v")
  %w = "top.Weight"() : () -> tensor<6x3xf32> loc("read_between.w")
  %0 = "top.MatMul"(%x, %v, %none) : (tensor<1x5x2xf32>, tensor<2x6xf32>, none) -> tensor<1x5x6xf32>
  %1 = "top.MatMul"(%0, %w, %none) : (tensor<1x5x6xf32>, tensor<6x3xf32>, none) -> tensor<1x5x3xf32>
  return %0, %1 : tensor<1x5x6xf32>, tensor<1x5x3xf32>
}

// The first is no linear function.
// CHECK-LABEL: @relu_between
// CHECK: top.MatMul
// CHECK: top.MatMul
// CHECK: return
func.func @relu_between(%x: tensor<1x5x2xf32>) -> tensor<1x5x3xf32> {
  %none = "top.None"() : () -> none
  %v = "top.Weight"() : () -> tensor<2x6xf32> loc("relu_between.v")
  %w = "top.Weight"() : () -> tensor<6x3xf32> loc("relu_between.w")
  %0 = "top.MatMul"(%x, %v, %none) {do_relu = true} : (tensor<1x5x2xf32>, tensor<2x6xf32>, none) -> tensor<1x5x6xf32>
  %1 = "top.MatMul"(%0, %w, %none) : (tensor<1x5x6xf32>, tensor<6x3xf32>, none) -> tensor<1x5x3xf32>
  return %1 : tensor<1x5x3xf32>
}

// What is multiplied is no weight.
// CHECK-LABEL: @no_weight
// CHECK: top.MatMul
// CHECK: top.MatMul
// CHECK: return
func.func @no_weight(%x: tensor<1x5x2xf32>, %v: tensor<2x6xf32>) -> tensor<1x5x3xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<6x3xf32> loc("no_weight.w")
  %0 = "top.MatMul"(%x, %v, %none) : (tensor<1x5x2xf32>, tensor<2x6xf32>, none) -> tensor<1x5x6xf32>
  %1 = "top.MatMul"(%0, %w, %none) : (tensor<1x5x6xf32>, tensor<6x3xf32>, none) -> tensor<1x5x3xf32>
  return %1 : tensor<1x5x3xf32>
}

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
// CHECK-LABEL: @narrow_between_with_biases
// CHECK-COUNT-2: top.MatMul
// CHECK: return
func.func @narrow_between_with_biases(%x: tensor<1x24x8xf32>) -> tensor<1x24x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<2x8xf32> loc("narrow_between_with_biases.w0")
  %w1 = "top.Weight"() : () -> tensor<2xf32> loc("narrow_between_with_biases.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x24x8xf32>, tensor<2x8xf32>, tensor<2xf32>) -> tensor<1x24x2xf32>
  %w2 = "top.Weight"() : () -> tensor<2x4xf32> loc("narrow_between_with_biases.w2")
  %w3 = "top.Weight"() : () -> tensor<4xf32> loc("narrow_between_with_biases.w3")
  %1 = "top.MatMul"(%0, %w2, %w3) : (tensor<1x24x2xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<1x24x4xf32>
  return %1 : tensor<1x24x4xf32>
}

// Others read what is between.
// CHECK-LABEL: @read_between_2
// CHECK-COUNT-2: top.MatMul
// CHECK: return
func.func @read_between_2(%x: tensor<1x24x8xf32>) -> (tensor<1x24x4xf32>, tensor<1x24x16xf32>) {
  %w0 = "top.Weight"() : () -> tensor<16x8xf32> loc("read_between_2.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("read_between_2.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x24x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<1x24x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x4xf32> loc("read_between_2.w2")
  %w3 = "top.Weight"() : () -> tensor<4xf32> loc("read_between_2.w3")
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
