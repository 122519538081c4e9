// RUN: --passes=fuse-attention,fuse-windows,expand-fused --round-trip

// What the fused ops were made of.
// CHECK-LABEL: @windows
// CHECK: "top.Permute"({{.*}}[0, 1, 3, 2, 4, 5]
// CHECK: top.GELU
// CHECK: "top.Permute"({{.*}}[0, 1, 3, 2, 4, 5]
// CHECK-NOT: vision
// CHECK: return
func.func @windows(%x: tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  %3 = "top.GELU"(%2) : (tensor<6x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  %4 = "top.Reshape"(%3) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %5 = "top.Permute"(%4) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  return %6 : tensor<1x8x12x6xf32>
}

// Keys are turned by the permute that makes their heads.
// CHECK-LABEL: @attention
// CHECK: [[Q:%.*]] = "top.MulConst"({{.*}}const_val = 5.000000e-01
// CHECK: [[K:%.*]] = "top.Permute"(%{{.*}}[0, 2, 3, 1]
// CHECK: [[S:%.*]] = "top.MatMul"([[Q]], [[K]],
// CHECK: [[P:%.*]] = "top.Softmax"([[S]])
// CHECK: "top.MatMul"([[P]],
// CHECK-NOT: vision
// CHECK: return
func.func @attention(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %v: tensor<2x7x8xf32>) -> tensor<2x2x5x4xf32> {
  %0 = "top.Reshape"(%q) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %1 = "top.Permute"(%0) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %2 = "top.Reshape"(%k) {shape = [2, 7, 2, 4]} : (tensor<2x7x8xf32>) -> tensor<2x7x2x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<2x7x2x4xf32>) -> tensor<2x2x4x7xf32>
  %4 = "top.Reshape"(%v) {shape = [2, 7, 2, 4]} : (tensor<2x7x8xf32>) -> tensor<2x7x2x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<2x7x2x4xf32>) -> tensor<2x2x7x4xf32>
  %6 = "top.MulConst"(%1) {const_val = 0.5 : f64} : (tensor<2x2x5x4xf32>) -> tensor<2x2x5x4xf32>
  %none = "top.None"() : () -> none
  %7 = "top.MatMul"(%6, %3, %none) : (tensor<2x2x5x4xf32>, tensor<2x2x4x7xf32>, none) -> tensor<2x2x5x7xf32>
  %8 = "top.Softmax"(%7) {axis = 3 : si32} : (tensor<2x2x5x7xf32>) -> tensor<2x2x5x7xf32>
  %9 = "top.MatMul"(%8, %5, %none) : (tensor<2x2x5x7xf32>, tensor<2x2x7x4xf32>, none) -> tensor<2x2x5x4xf32>
  return %9 : tensor<2x2x5x4xf32>
}

// Windows that are no squares.
// CHECK-LABEL: @flat_windows
// CHECK: "top.Permute"({{.*}}[0, 1, 3, 2, 4, 5]
// CHECK: -> tensor<12x2x4x6xf32>
// CHECK-NOT: vision
// CHECK: return
func.func @flat_windows(%x: tensor<1x8x12x6xf32>) -> tensor<12x2x4x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 4, 2, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x4x2x3x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x4x2x3x4x6xf32>) -> tensor<1x4x3x2x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [12, 2, 4, 6]} : (tensor<1x4x3x2x4x6xf32>) -> tensor<12x2x4x6xf32>
  return %2 : tensor<12x2x4x6xf32>
}

// Keys that no permute makes.
// CHECK-LABEL: @given_keys
// CHECK: "top.MatMul"(%arg0, %arg1, {{.*}}right_transpose = true
// CHECK-NOT: vision
// CHECK: return
func.func @given_keys(%q: tensor<2x2x5x4xf32>, %k: tensor<2x2x7x4xf32>, %v: tensor<2x2x7x4xf32>) -> tensor<2x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<2x2x5x4xf32>, tensor<2x2x7x4xf32>, none) -> tensor<2x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32} : (tensor<2x2x5x7xf32>) -> tensor<2x2x5x7xf32>
  %2 = "top.MatMul"(%1, %v, %none) : (tensor<2x2x5x7xf32>, tensor<2x2x7x4xf32>, none) -> tensor<2x2x5x4xf32>
  return %2 : tensor<2x2x5x4xf32>
}

// Top ops stay as they are.
// CHECK-LABEL: @product
// CHECK: "top.MatMul"(%arg0
// CHECK: return
func.func @product(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("product.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("product.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
