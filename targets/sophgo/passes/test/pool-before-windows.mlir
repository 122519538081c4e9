// RUN: --passes=fuse-windows,pool-before-windows --round-trip

// A pool of the map, then padding and windows half as wide.
// CHECK-LABEL: @padded
// CHECK: "top.MaxPool"({{.*}} : (tensor<1x6x6x10xf32>) -> tensor<1x6x3x5xf32>
// CHECK: "top.Pad"({{.*}} -> tensor<1x4x6x6xf32>
// CHECK: vision.window_partition {{.*}} -> tensor<6x2x2x6xf32>
// CHECK: return
func.func @padded(%x: tensor<1x6x10x6xf32>) -> tensor<6x2x2x6xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 2, 2, 0], val = 0.0 : f64} : (tensor<1x6x10x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  %4 = "top.Permute"(%3) {order = [0, 3, 1, 2]} : (tensor<6x4x4x6xf32>) -> tensor<6x6x4x4xf32>
  %5 = "top.MaxPool"(%4) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<6x6x4x4xf32>) -> tensor<6x6x2x2xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<6x6x2x2xf32>) -> tensor<6x2x2x6xf32>
  return %6 : tensor<6x2x2x6xf32>
}

// A block would lie across the border of map and padding.
// CHECK-LABEL: @odd_map
// CHECK: "top.MaxPool"({{.*}} : (tensor<6x6x4x4xf32>)
// CHECK: return
func.func @odd_map(%x: tensor<1x7x10x6xf32>) -> tensor<6x2x2x6xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 1, 2, 0], val = 0.0 : f64} : (tensor<1x7x10x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  %4 = "top.Permute"(%3) {order = [0, 3, 1, 2]} : (tensor<6x4x4x6xf32>) -> tensor<6x6x4x4xf32>
  %5 = "top.MaxPool"(%4) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<6x6x4x4xf32>) -> tensor<6x6x2x2xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<6x6x2x2xf32>) -> tensor<6x2x2x6xf32>
  return %6 : tensor<6x2x2x6xf32>
}

// Blocks would lie across windows.
// CHECK-LABEL: @odd_windows
// CHECK: "top.MaxPool"({{.*}} : (tensor<2x6x6x6xf32>)
// CHECK: return
func.func @odd_windows(%x: tensor<1x6x12x6xf32>) -> tensor<2x3x3x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 3, 4, 3, 6]} : (tensor<1x6x12x6xf32>) -> tensor<1x2x3x4x3x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x3x6xf32>) -> tensor<1x2x4x3x3x6xf32>
  %2 = "top.Reshape"(%1) {shape = [8, 3, 3, 6]} : (tensor<1x2x4x3x3x6xf32>) -> tensor<8x3x3x6xf32>
  %3 = "top.Reshape"(%2) {shape = [2, 6, 6, 6]} : (tensor<8x3x3x6xf32>) -> tensor<2x6x6x6xf32>
  %4 = "top.Permute"(%3) {order = [0, 3, 1, 2]} : (tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  %5 = "top.MaxPool"(%4) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<2x6x6x6xf32>) -> tensor<2x6x3x3xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<2x6x3x3xf32>) -> tensor<2x3x3x6xf32>
  return %6 : tensor<2x3x3x6xf32>
}

// Others read the windows.
// CHECK-LABEL: @windows_are_read
// CHECK: "top.MaxPool"({{.*}} : (tensor<6x6x4x4xf32>)
// CHECK: return
func.func @windows_are_read(%x: tensor<1x6x10x6xf32>) -> (tensor<6x2x2x6xf32>, tensor<6x4x4x6xf32>) {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 2, 2, 0], val = 0.0 : f64} : (tensor<1x6x10x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  %4 = "top.Permute"(%3) {order = [0, 3, 1, 2]} : (tensor<6x4x4x6xf32>) -> tensor<6x6x4x4xf32>
  %5 = "top.MaxPool"(%4) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<6x6x4x4xf32>) -> tensor<6x6x2x2xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<6x6x2x2xf32>) -> tensor<6x2x2x6xf32>
  %7 = "top.GELU"(%3) : (tensor<6x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  return %6, %7 : tensor<6x2x2x6xf32>, tensor<6x4x4x6xf32>
}
