// RUN: --passes=split-perceptrons --round-trip

// Four parts of the hidden units, added up; the bias once.
// CHECK-LABEL: @large
// CHECK-COUNT-4: "top.GELU"({{.*}} : (tensor<2x512xf32>) -> tensor<2x512xf32>
// CHECK: return
func.func @large(%x: tensor<2x512xf32>) -> tensor<2x512xf32> {
  %w0 = "top.Weight"() : () -> tensor<2048x512xf32> loc("large.w0")
  %w1 = "top.Weight"() : () -> tensor<2048xf32> loc("large.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x512xf32>, tensor<2048x512xf32>, tensor<2048xf32>) -> tensor<2x2048xf32>
  %1 = "top.GELU"(%0) : (tensor<2x2048xf32>) -> tensor<2x2048xf32>
  %w2 = "top.Weight"() : () -> tensor<512x2048xf32> loc("large.w2")
  %w3 = "top.Weight"() : () -> tensor<512xf32> loc("large.w3")
  %2 = "top.MatMul"(%1, %w2, %w3) {right_transpose = true} : (tensor<2x2048xf32>, tensor<512x2048xf32>, tensor<512xf32>) -> tensor<2x512xf32>
  return %2 : tensor<2x512xf32>
}

// Fits as it is.
// CHECK-LABEL: @small
// CHECK-COUNT-2: top.MatMul
// CHECK-NOT: top.Add
// CHECK: return
func.func @small(%x: tensor<2x96xf32>) -> tensor<2x96xf32> {
  %w0 = "top.Weight"() : () -> tensor<384x96xf32> loc("small.w0")
  %w1 = "top.Weight"() : () -> tensor<384xf32> loc("small.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x96xf32>, tensor<384x96xf32>, tensor<384xf32>) -> tensor<2x384xf32>
  %1 = "top.GELU"(%0) : (tensor<2x384xf32>) -> tensor<2x384xf32>
  %w2 = "top.Weight"() : () -> tensor<96x384xf32> loc("small.w2")
  %w3 = "top.Weight"() : () -> tensor<96xf32> loc("small.w3")
  %2 = "top.MatMul"(%1, %w2, %w3) {right_transpose = true} : (tensor<2x384xf32>, tensor<96x384xf32>, tensor<96xf32>) -> tensor<2x96xf32>
  return %2 : tensor<2x96xf32>
}

// Somebody reads the hidden units.
// CHECK-LABEL: @hidden_is_read
// CHECK: "top.GELU"({{.*}} : (tensor<2x2048xf32>)
// CHECK-NOT: top.Add
// CHECK: return
func.func @hidden_is_read(%x: tensor<2x512xf32>) -> (tensor<2x512xf32>, tensor<2x2048xf32>) {
  %w0 = "top.Weight"() : () -> tensor<2048x512xf32> loc("hidden_is_read.w0")
  %w1 = "top.Weight"() : () -> tensor<2048xf32> loc("hidden_is_read.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x512xf32>, tensor<2048x512xf32>, tensor<2048xf32>) -> tensor<2x2048xf32>
  %1 = "top.GELU"(%0) : (tensor<2x2048xf32>) -> tensor<2x2048xf32>
  %w2 = "top.Weight"() : () -> tensor<512x2048xf32> loc("hidden_is_read.w2")
  %w3 = "top.Weight"() : () -> tensor<512xf32> loc("hidden_is_read.w3")
  %2 = "top.MatMul"(%1, %w2, %w3) {right_transpose = true} : (tensor<2x2048xf32>, tensor<512x2048xf32>, tensor<512xf32>) -> tensor<2x512xf32>
  return %2, %1 : tensor<2x512xf32>, tensor<2x2048xf32>
}

// Found for GELU; others stay.
// CHECK-LABEL: @relu
// CHECK: top.Relu
// CHECK-NOT: top.Add
// CHECK: return
func.func @relu(%x: tensor<2x512xf32>) -> tensor<2x512xf32> {
  %w0 = "top.Weight"() : () -> tensor<2048x512xf32> loc("relu.w0")
  %w1 = "top.Weight"() : () -> tensor<2048xf32> loc("relu.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<2x512xf32>, tensor<2048x512xf32>, tensor<2048xf32>) -> tensor<2x2048xf32>
  %1 = "top.Relu"(%0) : (tensor<2x2048xf32>) -> tensor<2x2048xf32>
  %w2 = "top.Weight"() : () -> tensor<512x2048xf32> loc("relu.w2")
  %w3 = "top.Weight"() : () -> tensor<512xf32> loc("relu.w3")
  %2 = "top.MatMul"(%1, %w2, %w3) {right_transpose = true} : (tensor<2x2048xf32>, tensor<512x2048xf32>, tensor<512xf32>) -> tensor<2x512xf32>
  return %2 : tensor<2x512xf32>
}

// Others read the activations, no product follows, or one of two activations.
// CHECK-LABEL: @activation_is_read
// CHECK: "top.GELU"({{.*}} : (tensor<2x2048xf32>)
// CHECK-NOT: top.GELU
// CHECK: return
func.func @activation_is_read(%x: tensor<2x512xf32>, %y: tensor<2048x512xf32>, %z: tensor<2x512xf32>) -> (tensor<2x512xf32>, tensor<2x2048xf32>) {
  %w0 = "top.Weight"() : () -> tensor<512x2048xf32> loc("activation_is_read.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x512xf32>, tensor<512x2048xf32>, none) -> tensor<2x2048xf32>
  %1 = "top.GELU"(%0) : (tensor<2x2048xf32>) -> tensor<2x2048xf32>
  %w1 = "top.Weight"() : () -> tensor<2048x512xf32> loc("activation_is_read.w1")
  %2 = "top.MatMul"(%1, %w1, %none) : (tensor<2x2048xf32>, tensor<2048x512xf32>, none) -> tensor<2x512xf32>
  return %2, %1 : tensor<2x512xf32>, tensor<2x2048xf32>
}

// CHECK-LABEL: @no_product
// CHECK: "top.GELU"({{.*}} : (tensor<2x2048xf32>)
// CHECK-NOT: top.GELU
// CHECK: return
func.func @no_product(%x: tensor<2x512xf32>, %y: tensor<2048x512xf32>, %z: tensor<2x512xf32>) -> tensor<2x2048xf32> {
  %w0 = "top.Weight"() : () -> tensor<512x2048xf32> loc("no_product.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x512xf32>, tensor<512x2048xf32>, none) -> tensor<2x2048xf32>
  %1 = "top.GELU"(%0) : (tensor<2x2048xf32>) -> tensor<2x2048xf32>
  %2 = "top.Sigmoid"(%1) : (tensor<2x2048xf32>) -> tensor<2x2048xf32>
  return %2 : tensor<2x2048xf32>
}

// CHECK-LABEL: @computed
// CHECK: "top.GELU"({{.*}} : (tensor<2x2048xf32>)
// CHECK-NOT: top.GELU
// CHECK: return
func.func @computed(%x: tensor<2x512xf32>, %y: tensor<2048x512xf32>, %z: tensor<2x512xf32>) -> tensor<2x512xf32> {
  %w0 = "top.Weight"() : () -> tensor<512x2048xf32> loc("computed.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x512xf32>, tensor<512x2048xf32>, none) -> tensor<2x2048xf32>
  %1 = "top.GELU"(%0) : (tensor<2x2048xf32>) -> tensor<2x2048xf32>
  %2 = "top.MatMul"(%1, %y, %none) : (tensor<2x2048xf32>, tensor<2048x512xf32>, none) -> tensor<2x512xf32>
  return %2 : tensor<2x512xf32>
}

// Hidden units that cannot be halved.
// CHECK-LABEL: @odd
// CHECK: "top.GELU"({{.*}} : (tensor<2x2049xf32>)
// CHECK-NOT: top.GELU
// CHECK: return
func.func @odd(%x: tensor<2x512xf32>, %y: tensor<2049x512xf32>, %z: tensor<2x512xf32>) -> tensor<2x512xf32> {
  %w0 = "top.Weight"() : () -> tensor<512x2049xf32> loc("odd.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x512xf32>, tensor<512x2049xf32>, none) -> tensor<2x2049xf32>
  %1 = "top.GELU"(%0) : (tensor<2x2049xf32>) -> tensor<2x2049xf32>
  %w1 = "top.Weight"() : () -> tensor<2049x512xf32> loc("odd.w1")
  %2 = "top.MatMul"(%1, %w1, %none) : (tensor<2x2049xf32>, tensor<2049x512xf32>, none) -> tensor<2x512xf32>
  return %2 : tensor<2x512xf32>
}
