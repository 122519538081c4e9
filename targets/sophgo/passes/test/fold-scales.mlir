// RUN: --passes=fuse-attention,fold-scales --round-trip

// The scale of an attention goes into its queries.
// CHECK-LABEL: @attention
// CHECK: vision.attention {{.*}}scale = 1.000000e+00
// CHECK: return
func.func @attention(%x: tensor<2x5x8xf32>, %q: tensor<2x2x5x4xf32>) -> tensor<2x2x5x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("attention.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("attention.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8xf32> loc("attention.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("attention.w3")
  %1 = "top.MatMul"(%x, %w2, %w3) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w4 = "top.Weight"() : () -> tensor<8x8xf32> loc("attention.w4")
  %w5 = "top.Weight"() : () -> tensor<8xf32> loc("attention.w5")
  %2 = "top.MatMul"(%x, %w4, %w5) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %3 = "top.Reshape"(%2) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %5 = "top.Reshape"(%0) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x4x5xf32>
  %7 = "top.Reshape"(%1) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %none = "top.None"() : () -> none
  %9 = "top.MatMul"(%4, %6, %none) : (tensor<2x2x5x4xf32>, tensor<2x2x4x5xf32>, none) -> tensor<2x2x5x5xf32>
  %10 = "top.MulConst"(%9) {const_val = 0.5 : f64} : (tensor<2x2x5x5xf32>) -> tensor<2x2x5x5xf32>
  %11 = "top.Softmax"(%10) {axis = 3 : si32} : (tensor<2x2x5x5xf32>) -> tensor<2x2x5x5xf32>
  %12 = "top.MatMul"(%11, %8, %none) : (tensor<2x2x5x5xf32>, tensor<2x2x5x4xf32>, none) -> tensor<2x2x5x4xf32>
  return %12 : tensor<2x2x5x4xf32>
}

// Queries that no product makes.
// CHECK-LABEL: @given_queries
// CHECK: vision.attention {{.*}}scale = 5.000000e-01
// CHECK: return
func.func @given_queries(%x: tensor<2x5x8xf32>, %q: tensor<2x2x5x4xf32>) -> tensor<2x2x5x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("given_queries.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("given_queries.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8xf32> loc("given_queries.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("given_queries.w3")
  %1 = "top.MatMul"(%x, %w2, %w3) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %2 = "top.Reshape"(%0) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x4x5xf32>
  %4 = "top.Reshape"(%1) {shape = [2, 5, 2, 4]} : (tensor<2x5x8xf32>) -> tensor<2x5x2x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<2x5x2x4xf32>) -> tensor<2x2x5x4xf32>
  %none = "top.None"() : () -> none
  %6 = "top.MatMul"(%q, %3, %none) : (tensor<2x2x5x4xf32>, tensor<2x2x4x5xf32>, none) -> tensor<2x2x5x5xf32>
  %7 = "top.MulConst"(%6) {const_val = 0.5 : f64} : (tensor<2x2x5x5xf32>) -> tensor<2x2x5x5xf32>
  %8 = "top.Softmax"(%7) {axis = 3 : si32} : (tensor<2x2x5x5xf32>) -> tensor<2x2x5x5xf32>
  %9 = "top.MatMul"(%8, %5, %none) : (tensor<2x2x5x5xf32>, tensor<2x2x5x4xf32>, none) -> tensor<2x2x5x4xf32>
  return %9 : tensor<2x2x5x4xf32>
}

// Past reshapes and permutes, into weight and bias.
// CHECK-LABEL: @moved
// CHECK: "top.Weight"() : () -> tensor<8x6xf32>
// CHECK: "top.Weight"() : () -> tensor<8xf32>
// CHECK: top.MatMul
// CHECK-NOT: top.MulConst
// CHECK: return
func.func @moved(%x: tensor<2x4x6xf32>) -> tensor<2x2x4x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("moved.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("moved.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x4x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 4, 2, 4]} : (tensor<2x4x8xf32>) -> tensor<2x4x2x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<2x4x2x4xf32>) -> tensor<2x2x4x4xf32>
  %3 = "top.MulConst"(%2) {const_val = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  return %3 : tensor<2x2x4x4xf32>
}

// Past a max pool, as the factor is positive.
// CHECK-LABEL: @pooled
// CHECK-NOT: top.MulConst
// CHECK: return
func.func @pooled(%x: tensor<2x4x6xf32>) -> tensor<2x8x1x1xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("pooled.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("pooled.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x4x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 2, 2, 8]} : (tensor<2x4x8xf32>) -> tensor<2x2x2x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 3, 1, 2]} : (tensor<2x2x2x8xf32>) -> tensor<2x8x2x2xf32>
  %3 = "top.MaxPool"(%2) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<2x8x2x2xf32>) -> tensor<2x8x1x1xf32>
  %4 = "top.MulConst"(%3) {const_val = 0.5 : f64} : (tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  return %4 : tensor<2x8x1x1xf32>
}

// The largest of the negatives is not the negative of the largest.
// CHECK-LABEL: @negative
// CHECK: top.MaxPool
// CHECK: top.MulConst
// CHECK: return
func.func @negative(%x: tensor<2x4x6xf32>) -> tensor<2x8x1x1xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("negative.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("negative.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x4x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 2, 2, 8]} : (tensor<2x4x8xf32>) -> tensor<2x2x2x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 3, 1, 2]} : (tensor<2x2x2x8xf32>) -> tensor<2x8x2x2xf32>
  %3 = "top.MaxPool"(%2) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<2x8x2x2xf32>) -> tensor<2x8x1x1xf32>
  %4 = "top.MulConst"(%3) {const_val = -0.5 : f64} : (tensor<2x8x1x1xf32>) -> tensor<2x8x1x1xf32>
  return %4 : tensor<2x8x1x1xf32>
}

// The product is read unscaled too.
// CHECK-LABEL: @read_unscaled
// CHECK: top.MulConst
// CHECK: return
func.func @read_unscaled(%x: tensor<2x4x6xf32>) -> (tensor<2x2x4x4xf32>, tensor<2x4x8xf32>) {
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("read_unscaled.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("read_unscaled.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x4x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 4, 2, 4]} : (tensor<2x4x8xf32>) -> tensor<2x4x2x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<2x4x2x4xf32>) -> tensor<2x2x4x4xf32>
  %3 = "top.MulConst"(%2) {const_val = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  return %3, %0 : tensor<2x2x4x4xf32>, tensor<2x4x8xf32>
}

// Nothing that computes may stand between.
// CHECK-LABEL: @relu
// CHECK: top.Relu
// CHECK: top.MulConst
// CHECK: return
func.func @relu(%x: tensor<2x4x6xf32>) -> tensor<2x2x4x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("relu.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("relu.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x4x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<2x4x8xf32>
  %1 = "top.Relu"(%0) : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %2 = "top.Reshape"(%1) {shape = [2, 4, 2, 4]} : (tensor<2x4x8xf32>) -> tensor<2x4x2x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 1, 3]} : (tensor<2x4x2x4xf32>) -> tensor<2x2x4x4xf32>
  %4 = "top.MulConst"(%3) {const_val = 0.5 : f64} : (tensor<2x2x4x4xf32>) -> tensor<2x2x4x4xf32>
  return %4 : tensor<2x2x4x4xf32>
}

// A product without a bias gets none; a limited scale, and one of 1, stay.
// CHECK-LABEL: @no_bias
// CHECK: "top.MatMul"(%arg0, {{.*}} : (tensor<2x4x6xf32>, tensor<6x8xf32>, none)
// CHECK-NOT: top.MulConst
// CHECK: return
func.func @no_bias(%x: tensor<2x4x6xf32>) -> tensor<2x4x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("no_bias.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x4x6xf32>, tensor<6x8xf32>, none) -> tensor<2x4x8xf32>
  %1 = "top.MulConst"(%0) {const_val = 0.5} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %1 : tensor<2x4x8xf32>
}

// CHECK-LABEL: @relu_of_scale
// CHECK: top.MulConst
// CHECK: return
func.func @relu_of_scale(%x: tensor<2x4x6xf32>) -> tensor<2x4x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("relu_of_scale.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x4x6xf32>, tensor<6x8xf32>, none) -> tensor<2x4x8xf32>
  %1 = "top.MulConst"(%0) {const_val = 0.5, do_relu = true} : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %1 : tensor<2x4x8xf32>
}
