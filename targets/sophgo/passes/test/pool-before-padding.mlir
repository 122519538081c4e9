// RUN: --passes=pool-before-padding --round-trip

// A pool of the map, then half as many zeros.
// CHECK-LABEL: @padded
// CHECK: "top.MaxPool"({{.*}} : (tensor<1x6x6x10xf32>) -> tensor<1x6x3x5xf32>
// CHECK: "top.Pad"({{.*}}paddings = [0, 0, 0, 0, 0, 1, 1, 0]{{.*}} -> tensor<1x4x6x6xf32>
// CHECK: return
func.func @padded(%x: tensor<1x6x10x6xf32>) -> tensor<1x4x6x6xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 2, 2, 0], val = 0.0 : f64} : (tensor<1x6x10x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<1x8x12x6xf32>) -> tensor<1x6x8x12xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<1x6x8x12xf32>) -> tensor<1x6x4x6xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<1x6x4x6xf32>) -> tensor<1x4x6x6xf32>
  return %3 : tensor<1x4x6x6xf32>
}

// A block would lie across the border of map and padding.
// CHECK-LABEL: @odd_map
// CHECK: "top.MaxPool"({{.*}} : (tensor<1x6x8x12xf32>)
// CHECK: return
func.func @odd_map(%x: tensor<1x7x10x6xf32>) -> tensor<1x4x6x6xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 1, 2, 0], val = 0.0 : f64} : (tensor<1x7x10x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<1x8x12x6xf32>) -> tensor<1x6x8x12xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<1x6x8x12xf32>) -> tensor<1x6x4x6xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<1x6x4x6xf32>) -> tensor<1x4x6x6xf32>
  return %3 : tensor<1x4x6x6xf32>
}

// Others read the padded map.
// CHECK-LABEL: @map_is_read
// CHECK: "top.MaxPool"({{.*}} : (tensor<1x6x8x12xf32>)
// CHECK: return
func.func @map_is_read(%x: tensor<1x6x10x6xf32>) -> (tensor<1x4x6x6xf32>, tensor<1x8x12x6xf32>) {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 2, 2, 0], val = 0.0 : f64} : (tensor<1x6x10x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<1x8x12x6xf32>) -> tensor<1x6x8x12xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<1x6x8x12xf32>) -> tensor<1x6x4x6xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<1x6x4x6xf32>) -> tensor<1x4x6x6xf32>
  %4 = "top.GELU"(%0) : (tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  return %3, %4 : tensor<1x4x6x6xf32>, tensor<1x8x12x6xf32>
}
