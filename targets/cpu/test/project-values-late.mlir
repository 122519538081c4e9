// RUN: --passes=project-values-late --round-trip

// Values of 4 channels from 2: they are projected behind the attention, with their bias.
// CHECK-LABEL: @late
// CHECK: [[ROWS:%.*]] = "top.Reshape"(%arg2) {{.*}} -> tensor<1x1x6x2xf32>
// CHECK: [[MIXED:%.*]] = vision.attention %arg0, %arg1, [[ROWS]] {scale = 5.000000e-01 : f64} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x2xf32>) -> tensor<1x1x5x2xf32>
// CHECK: "top.MatMul"([[MIXED]], %{{.*}}, %{{.*}}) {{.*}} : (tensor<1x1x5x2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x1x5x4xf32>
// CHECK: return
func.func @late(%q: tensor<1x1x5x8xf32>, %k: tensor<1x1x6x8xf32>, %y: tensor<1x6x2xf32>) -> tensor<1x1x5x4xf32> {
  %w = "top.Weight"() : () -> tensor<4x2xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<4xf32> loc("b")
  %0 = "top.MatMul"(%y, %w, %b) {right_transpose = true} : (tensor<1x6x2xf32>, tensor<4x2xf32>, tensor<4xf32>) -> tensor<1x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 6, 1, 4]} : (tensor<1x6x4xf32>) -> tensor<1x6x1x4xf32>
  %v = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x6x1x4xf32>) -> tensor<1x1x6x4xf32>
  %2 = vision.attention %q, %k, %v {scale = 0.5} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
  return %2 : tensor<1x1x5x4xf32>
}

// Values that have as many channels as what they come from.
// CHECK-LABEL: @nothing_to_gain
// CHECK: vision.attention {{.*}} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @nothing_to_gain(%q: tensor<1x1x5x8xf32>, %k: tensor<1x1x6x8xf32>, %y: tensor<1x6x4xf32>) -> tensor<1x1x5x4xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<4x4xf32> loc("square")
  %0 = "top.MatMul"(%y, %w, %none) {right_transpose = true} : (tensor<1x6x4xf32>, tensor<4x4xf32>, none) -> tensor<1x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 6, 1, 4]} : (tensor<1x6x4xf32>) -> tensor<1x6x1x4xf32>
  %v = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x6x1x4xf32>) -> tensor<1x1x6x4xf32>
  %2 = vision.attention %q, %k, %v {scale = 0.5} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
  return %2 : tensor<1x1x5x4xf32>
}

// Two heads, whose values are different columns of the product.
// CHECK-LABEL: @two_heads
// CHECK: vision.attention {{.*}} : (tensor<1x2x5x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x2xf32>) -> tensor<1x2x5x2xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @two_heads(%q: tensor<1x2x5x8xf32>, %k: tensor<1x2x6x8xf32>, %y: tensor<1x6x2xf32>) -> tensor<1x2x5x2xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<4x2xf32> loc("w")
  %0 = "top.MatMul"(%y, %w, %none) {right_transpose = true} : (tensor<1x6x2xf32>, tensor<4x2xf32>, none) -> tensor<1x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 6, 2, 2]} : (tensor<1x6x4xf32>) -> tensor<1x6x2x2xf32>
  %v = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x6x2x2xf32>) -> tensor<1x2x6x2xf32>
  %2 = vision.attention %q, %k, %v {scale = 0.5} : (tensor<1x2x5x8xf32>, tensor<1x2x6x8xf32>, tensor<1x2x6x2xf32>) -> tensor<1x2x5x2xf32>
  return %2 : tensor<1x2x5x2xf32>
}

// A projection follows: both become one product of 4 channels instead of two.
// CHECK-LABEL: @joined
// CHECK: vision.attention {{.*}} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
// CHECK: "top.MatMul"({{.*}}) {{.*}} : (tensor<1x5x4xf32>, tensor<4x3xf32>, tensor<3xf32>) -> tensor<1x5x3xf32>
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @joined(%q: tensor<1x1x5x8xf32>, %k: tensor<1x1x6x8xf32>, %y: tensor<1x6x4xf32>) -> tensor<1x5x3xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<4x4xf32> loc("square")
  %o = "top.Weight"() : () -> tensor<3x4xf32> loc("o")
  %c = "top.Weight"() : () -> tensor<3xf32> loc("c")
  %0 = "top.MatMul"(%y, %w, %none) {right_transpose = true} : (tensor<1x6x4xf32>, tensor<4x4xf32>, none) -> tensor<1x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 6, 1, 4]} : (tensor<1x6x4xf32>) -> tensor<1x6x1x4xf32>
  %v = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x6x1x4xf32>) -> tensor<1x1x6x4xf32>
  %2 = vision.attention %q, %k, %v {scale = 0.5} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 1, 3]} : (tensor<1x1x5x4xf32>) -> tensor<1x5x1x4xf32>
  %4 = "top.Reshape"(%3) {shape = [1, 5, 4]} : (tensor<1x5x1x4xf32>) -> tensor<1x5x4xf32>
  %5 = "top.MatMul"(%4, %o, %c) {right_transpose = true} : (tensor<1x5x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<1x5x3xf32>
  return %5 : tensor<1x5x3xf32>
}

// A batch, more queries than keys without a product that follows, values that are read, or that are narrower than what they come from.
// CHECK-LABEL: @batch
// CHECK: vision.attention {{.*}} : (tensor<2x1x5x8xf32>, tensor<2x1x6x8xf32>, tensor<2x1x6x4xf32>) -> tensor<2x1x5x4xf32>
// CHECK: return
func.func @batch(%x: tensor<2x1x5x8xf32>, %y: tensor<2x1x6x8xf32>, %z: tensor<2x6x2xf32>) -> tensor<2x1x5x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<2x4xf32> loc("batch.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("batch.w1")
  %0 = "top.MatMul"(%z, %w0, %w1) : (tensor<2x6x2xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 6, 1, 4]} : (tensor<2x6x4xf32>) -> tensor<2x6x1x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<2x6x1x4xf32>) -> tensor<2x1x6x4xf32>
  %3 = vision.attention %x, %y, %2 {scale = 0.5} : (tensor<2x1x5x8xf32>, tensor<2x1x6x8xf32>, tensor<2x1x6x4xf32>) -> tensor<2x1x5x4xf32>
  return %3 : tensor<2x1x5x4xf32>
}

// CHECK-LABEL: @many_queries
// CHECK: vision.attention {{.*}} : (tensor<1x1x7x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x7x4xf32>
// CHECK: return
func.func @many_queries(%x: tensor<1x1x7x8xf32>, %y: tensor<1x1x6x8xf32>, %z: tensor<1x6x2xf32>) -> tensor<1x1x7x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<2x4xf32> loc("many_queries.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("many_queries.w1")
  %0 = "top.MatMul"(%z, %w0, %w1) : (tensor<1x6x2xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<1x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 6, 1, 4]} : (tensor<1x6x4xf32>) -> tensor<1x6x1x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x6x1x4xf32>) -> tensor<1x1x6x4xf32>
  %3 = vision.attention %x, %y, %2 {scale = 0.5} : (tensor<1x1x7x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x7x4xf32>
  return %3 : tensor<1x1x7x4xf32>
}

// CHECK-LABEL: @values_are_read
// CHECK: vision.attention {{.*}} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
// CHECK: return
func.func @values_are_read(%x: tensor<1x1x5x8xf32>, %y: tensor<1x1x6x8xf32>, %z: tensor<1x6x2xf32>) -> (tensor<1x1x5x4xf32>, tensor<1x6x4xf32>) {
  %w0 = "top.Weight"() : () -> tensor<2x4xf32> loc("values_are_read.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("values_are_read.w1")
  %0 = "top.MatMul"(%z, %w0, %w1) : (tensor<1x6x2xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<1x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 6, 1, 4]} : (tensor<1x6x4xf32>) -> tensor<1x6x1x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x6x1x4xf32>) -> tensor<1x1x6x4xf32>
  %3 = vision.attention %x, %y, %2 {scale = 0.5} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
  return %3, %0 : tensor<1x1x5x4xf32>, tensor<1x6x4xf32>
}

// CHECK-LABEL: @narrower
// CHECK: vision.attention {{.*}} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
// CHECK: return
func.func @narrower(%x: tensor<1x1x5x8xf32>, %y: tensor<1x1x6x8xf32>, %z: tensor<1x6x6xf32>) -> tensor<1x1x5x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x4xf32> loc("narrower.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("narrower.w1")
  %0 = "top.MatMul"(%z, %w0, %w1) : (tensor<1x6x6xf32>, tensor<6x4xf32>, tensor<4xf32>) -> tensor<1x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 6, 1, 4]} : (tensor<1x6x4xf32>) -> tensor<1x6x1x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x6x1x4xf32>) -> tensor<1x1x6x4xf32>
  %3 = vision.attention %x, %y, %2 {scale = 0.5} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
  return %3 : tensor<1x1x5x4xf32>
}

// CHECK-LABEL: @narrower_joined
// CHECK: vision.attention {{.*}} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
// CHECK: return
func.func @narrower_joined(%x: tensor<1x1x5x8xf32>, %y: tensor<1x1x6x8xf32>, %z: tensor<1x6x6xf32>) -> tensor<1x5x3xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x4xf32> loc("narrower_joined.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("narrower_joined.w1")
  %0 = "top.MatMul"(%z, %w0, %w1) : (tensor<1x6x6xf32>, tensor<6x4xf32>, tensor<4xf32>) -> tensor<1x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 6, 1, 4]} : (tensor<1x6x4xf32>) -> tensor<1x6x1x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x6x1x4xf32>) -> tensor<1x1x6x4xf32>
  %3 = vision.attention %x, %y, %2 {scale = 0.5} : (tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x5x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<1x1x5x4xf32>) -> tensor<1x5x1x4xf32>
  %5 = "top.Reshape"(%4) {shape = [1, 5, 4]} : (tensor<1x5x1x4xf32>) -> tensor<1x5x4xf32>
  %w2 = "top.Weight"() : () -> tensor<4x3xf32> loc("narrower_joined.w2")
  %none = "top.None"() : () -> none
  %6 = "top.MatMul"(%5, %w2, %none) : (tensor<1x5x4xf32>, tensor<4x3xf32>, none) -> tensor<1x5x3xf32>
  return %6 : tensor<1x5x3xf32>
}

// With a product that follows the number of queries does not matter.
// CHECK-LABEL: @many_queries_joined
// CHECK: vision.attention {{.*}} -> tensor<1x1x7x2xf32>
// CHECK: top.MatMul
// CHECK-NOT: top.MatMul
// CHECK: return
func.func @many_queries_joined(%x: tensor<1x1x7x8xf32>, %y: tensor<1x1x6x8xf32>, %z: tensor<1x6x2xf32>) -> tensor<1x7x3xf32> {
  %w0 = "top.Weight"() : () -> tensor<2x4xf32> loc("many_queries_joined.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("many_queries_joined.w1")
  %0 = "top.MatMul"(%z, %w0, %w1) : (tensor<1x6x2xf32>, tensor<2x4xf32>, tensor<4xf32>) -> tensor<1x6x4xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 6, 1, 4]} : (tensor<1x6x4xf32>) -> tensor<1x6x1x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x6x1x4xf32>) -> tensor<1x1x6x4xf32>
  %3 = vision.attention %x, %y, %2 {scale = 0.5} : (tensor<1x1x7x8xf32>, tensor<1x1x6x8xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x7x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<1x1x7x4xf32>) -> tensor<1x7x1x4xf32>
  %5 = "top.Reshape"(%4) {shape = [1, 7, 4]} : (tensor<1x7x1x4xf32>) -> tensor<1x7x4xf32>
  %w2 = "top.Weight"() : () -> tensor<4x3xf32> loc("many_queries_joined.w2")
  %none = "top.None"() : () -> none
  %6 = "top.MatMul"(%5, %w2, %none) : (tensor<1x7x4xf32>, tensor<4x3xf32>, none) -> tensor<1x7x3xf32>
  return %6 : tensor<1x7x3xf32>
}
