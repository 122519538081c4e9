// RUN: --passes=fuse-attention --round-trip

// Scales before, between and in the softmax are collected: 0.5 * 0.25 * 2 = 0.25.
// CHECK-LABEL: @scaled
// CHECK: vision.attention %{{.*}}, %{{.*}}, %{{.*}} {scale = 2.500000e-01 : f64}
// CHECK: return
func.func @scaled(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MulConst"(%q) {const_val = 0.5} : (tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32>
  %1 = "top.MatMul"(%0, %k, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %2 = "top.MulConst"(%1) {const_val = 0.25} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %3 = "top.Softmax"(%2) {axis = 3 : si32, beta = 2.0} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %4 = "top.MatMul"(%3, %v, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %4 : tensor<1x2x5x4xf32>
}

// Without right_transpose k is (batch, heads, dim, keys) and is turned.
// CHECK-LABEL: @transposed_keys
// CHECK: [[K:%.*]] = "top.Permute"(%arg1) {order = [0, 1, 3, 2]}
// CHECK: vision.attention %arg0, [[K]], %arg2 {scale = 1.000000e+00 : f64}
func.func @transposed_keys(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x8x7xf32>, %v: tensor<1x2x7x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%q, %k, %none) : (tensor<1x2x5x8xf32>, tensor<1x2x8x7xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = -1 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %v, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}

// A softmax whose result somebody else reads stays for them.
// CHECK-LABEL: @weights_wanted
// CHECK: top.Softmax
// CHECK: vision.attention
func.func @weights_wanted(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x4xf32>) -> (tensor<1x2x5x4xf32>, tensor<1x2x5x7xf32>) {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %v, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2, %1 : tensor<1x2x5x4xf32>, tensor<1x2x5x7xf32>
}

// Softmax over the queries is not attention.
// CHECK-LABEL: @other_axis
// CHECK-NOT: vision.attention
// CHECK: return
func.func @other_axis(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 2 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %v, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}

// Nor is the logarithm of a softmax, a scale with a relu, or a mask added to the scores.
// CHECK-LABEL: @logarithm
// CHECK-NOT: vision.attention
// CHECK: return
func.func @logarithm(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32, log = true} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %v, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}
// CHECK-LABEL: @relu_scale
// CHECK-NOT: vision.attention
// CHECK: return
func.func @relu_scale(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.MulConst"(%0) {const_val = 0.25, do_relu = true} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.Softmax"(%1) {axis = 3 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %3 = "top.MatMul"(%2, %v, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %3 : tensor<1x2x5x4xf32>
}
// CHECK-LABEL: @masked
// CHECK-NOT: vision.attention
// CHECK: return
func.func @masked(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x7x8xf32>, %v: tensor<1x2x7x4xf32>, %m: tensor<1x1x5x7xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Add"(%0, %m) : (tensor<1x2x5x7xf32>, tensor<1x1x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.Softmax"(%1) {axis = 3 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %3 = "top.MatMul"(%2, %v, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %3 : tensor<1x2x5x4xf32>
}

// Keys that several heads share would have to be repeated.
// CHECK-LABEL: @shared_keys
// CHECK-NOT: vision.attention
// CHECK: return
func.func @shared_keys(%q: tensor<1x2x5x8xf32>, %k: tensor<1x1x7x8xf32>, %v: tensor<1x1x7x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x1x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %v, %none) : (tensor<1x2x5x7xf32>, tensor<1x1x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}

// No softmax, keys or values that are weights, products with a bias or a relu, three dimensions.
// CHECK-LABEL: @no_softmax
// CHECK-NOT: vision.attention
// CHECK: return
func.func @no_softmax(%x: tensor<1x2x5x8xf32>, %y: tensor<1x2x7x8xf32>, %z: tensor<1x2x7x4xf32>, %u: tensor<1x2x5x7xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %y, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.GELU"(%0) : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %z, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}

// CHECK-LABEL: @constant_keys
// CHECK-NOT: vision.attention
// CHECK: return
func.func @constant_keys(%x: tensor<1x2x5x8xf32>, %y: tensor<1x2x7x8xf32>, %z: tensor<1x2x7x4xf32>, %u: tensor<1x2x5x7xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x5x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<1x2x7x8xf32> loc("constant_keys.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %z, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}

// CHECK-LABEL: @constant_values
// CHECK-NOT: vision.attention
// CHECK: return
func.func @constant_values(%x: tensor<1x2x5x8xf32>, %y: tensor<1x2x7x8xf32>, %z: tensor<1x2x7x4xf32>, %u: tensor<1x2x5x7xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x5x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<1x2x7x4xf32> loc("constant_values.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %y, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %w0, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}

// CHECK-LABEL: @relu_of_scores
// CHECK-NOT: vision.attention
// CHECK: return
func.func @relu_of_scores(%x: tensor<1x2x5x8xf32>, %y: tensor<1x2x7x8xf32>, %z: tensor<1x2x7x4xf32>, %u: tensor<1x2x5x7xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %y, %none) {right_transpose = true, do_relu = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %z, %none) : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}

// CHECK-LABEL: @relu_of_result
// CHECK-NOT: vision.attention
// CHECK: return
func.func @relu_of_result(%x: tensor<1x2x5x8xf32>, %y: tensor<1x2x7x8xf32>, %z: tensor<1x2x7x4xf32>, %u: tensor<1x2x5x7xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %y, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %z, %none) {do_relu = true} : (tensor<1x2x5x7xf32>, tensor<1x2x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}

// CHECK-LABEL: @three_dimensions
// CHECK-NOT: vision.attention
// CHECK: return
func.func @three_dimensions(%x: tensor<2x5x8xf32>, %y: tensor<2x7x8xf32>, %z: tensor<2x7x4xf32>, %u: tensor<2x5x7xf32>, %v: tensor<2x5x4xf32>) -> tensor<2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %y, %none) {right_transpose = true} : (tensor<2x5x8xf32>, tensor<2x7x8xf32>, none) -> tensor<2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 2 : si32} : (tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %2 = "top.MatMul"(%1, %z, %none) : (tensor<2x5x7xf32>, tensor<2x7x4xf32>, none) -> tensor<2x5x4xf32>
  return %2 : tensor<2x5x4xf32>
}

// CHECK-LABEL: @shared_values
// CHECK-NOT: vision.attention
// CHECK: return
func.func @shared_values(%x: tensor<1x2x5x8xf32>, %y: tensor<1x2x7x8xf32>, %z: tensor<1x1x7x4xf32>, %u: tensor<1x2x5x7xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x5x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %y, %none) {right_transpose = true} : (tensor<1x2x5x8xf32>, tensor<1x2x7x8xf32>, none) -> tensor<1x2x5x7xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32} : (tensor<1x2x5x7xf32>) -> tensor<1x2x5x7xf32>
  %2 = "top.MatMul"(%1, %z, %none) : (tensor<1x2x5x7xf32>, tensor<1x1x7x4xf32>, none) -> tensor<1x2x5x4xf32>
  return %2 : tensor<1x2x5x4xf32>
}
