// RUN: --passes=compose-products --round-trip

// 2 -> 6 -> 3 channels: 36 multiplications a row become 6. Both biases are in the one that is left.
// CHECK-LABEL: @wide_between
// CHECK: "top.MatMul"(%arg0, %{{.*}}, %{{.*}}) {{.*}} : (tensor<1x5x2xf32>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<1x5x3xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @wide_between(%x: tensor<1x5x2xf32>) -> tensor<1x5x3xf32> {
  %v = "top.Weight"() : () -> tensor<6x2xf32> loc("v")
  %c = "top.Weight"() : () -> tensor<6xf32> loc("c")
  %w = "top.Weight"() : () -> tensor<6x3xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<3xf32> loc("b")
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
  %u = "top.Weight"() : () -> tensor<2x4xf32> loc("u")
  %v = "top.Weight"() : () -> tensor<4x4xf32> loc("square")
  %w = "top.Weight"() : () -> tensor<4x2xf32> loc("narrow")
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
  %v = "top.Weight"() : () -> tensor<6x2xf32> loc("v")
  %w = "top.Weight"() : () -> tensor<2x6xf32> loc("w")
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
  %v = "top.Weight"() : () -> tensor<2x6xf32> loc("v")
  %w = "top.Weight"() : () -> tensor<6x3xf32> loc("w")
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
  %v = "top.Weight"() : () -> tensor<2x6xf32> loc("v")
  %w = "top.Weight"() : () -> tensor<6x3xf32> loc("w")
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
  %w = "top.Weight"() : () -> tensor<6x3xf32> loc("w")
  %0 = "top.MatMul"(%x, %v, %none) : (tensor<1x5x2xf32>, tensor<2x6xf32>, none) -> tensor<1x5x6xf32>
  %1 = "top.MatMul"(%0, %w, %none) : (tensor<1x5x6xf32>, tensor<6x3xf32>, none) -> tensor<1x5x3xf32>
  return %1 : tensor<1x5x3xf32>
}
