// RUN: --passes=pool-by-members --round-trip

// Four products, each of one member of every block.
// CHECK-LABEL: @product
// CHECK-COUNT-4: "top.Slice"({{.*}} -> tensor<2x1x3x8xf32>
// CHECK-COUNT-4: "top.MatMul"({{.*}} -> tensor<2x1x3x16xf32>
// CHECK-COUNT-3: top.Max"
// CHECK-NOT: top.MaxPool
// CHECK: return
func.func @product(%x: tensor<1x4x6x8xf32>) -> tensor<1x2x3x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x8xf32> loc("product.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("product.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x4x6x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<1x4x6x16xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<1x4x6x16xf32>) -> tensor<1x16x4x6xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<1x16x4x6xf32>) -> tensor<1x16x2x3xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<1x16x2x3xf32>) -> tensor<1x2x3x16xf32>
  return %3 : tensor<1x2x3x16xf32>
}

// Without a product, the members of the map.
// CHECK-LABEL: @map
// CHECK-COUNT-4: "top.Slice"({{.*}} -> tensor<2x1x3x8xf32>
// CHECK-COUNT-3: top.Max"
// CHECK-NOT: top.MaxPool
// CHECK: return
func.func @map(%x: tensor<1x4x6x8xf32>) -> tensor<1x2x3x8xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = "top.MaxPool"(%0) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<1x8x4x6xf32>) -> tensor<1x8x2x3xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 3, 1]} : (tensor<1x8x2x3xf32>) -> tensor<1x2x3x8xf32>
  return %2 : tensor<1x2x3x8xf32>
}

// Others read the product: it is computed once, and its members are taken.
// CHECK-LABEL: @product_is_read
// CHECK: "top.MatMul"({{.*}} -> tensor<1x4x6x16xf32>
// CHECK-NOT: top.MatMul
// CHECK-COUNT-4: "top.Slice"({{.*}} -> tensor<2x1x3x16xf32>
// CHECK: return
func.func @product_is_read(%x: tensor<1x4x6x8xf32>) -> (tensor<1x2x3x16xf32>, tensor<1x4x6x16xf32>) {
  %w0 = "top.Weight"() : () -> tensor<16x8xf32> loc("product_is_read.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("product_is_read.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x4x6x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<1x4x6x16xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<1x4x6x16xf32>) -> tensor<1x16x4x6xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<1x16x4x6xf32>) -> tensor<1x16x2x3xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<1x16x2x3xf32>) -> tensor<1x2x3x16xf32>
  %4 = "top.GELU"(%0) : (tensor<1x4x6x16xf32>) -> tensor<1x4x6x16xf32>
  return %3, %4 : tensor<1x2x3x16xf32>, tensor<1x4x6x16xf32>
}

// Blocks of 3 x 3 have nine members that overlap.
// CHECK-LABEL: @three_by_three
// CHECK: top.MaxPool
// CHECK: return
func.func @three_by_three(%x: tensor<1x4x6x8xf32>) -> tensor<1x2x3x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x8xf32> loc("three_by_three.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("three_by_three.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x4x6x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<1x4x6x16xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<1x4x6x16xf32>) -> tensor<1x16x4x6xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], keepdims = true} : (tensor<1x16x4x6xf32>) -> tensor<1x16x2x3xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<1x16x2x3xf32>) -> tensor<1x2x3x16xf32>
  return %3 : tensor<1x2x3x16xf32>
}

// A pool whose result stays NCHW.
// CHECK-LABEL: @nchw
// CHECK: top.MaxPool
// CHECK: return
func.func @nchw(%x: tensor<1x4x6x8xf32>) -> tensor<1x16x2x3xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x8xf32> loc("nchw.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("nchw.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x4x6x8xf32>, tensor<16x8xf32>, tensor<16xf32>) -> tensor<1x4x6x16xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<1x4x6x16xf32>) -> tensor<1x16x4x6xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<1x16x4x6xf32>) -> tensor<1x16x2x3xf32>
  return %2 : tensor<1x16x2x3xf32>
}
