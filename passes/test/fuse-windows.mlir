// RUN: --passes=fuse-windows --round-trip

// Cut into windows.
// CHECK-LABEL: @cut
// CHECK: vision.window_partition %arg0, {{.*}} {pad_undefined = false, window_h = 4 : i64, window_w = 4 : i64}
// CHECK-NOT: top.Permute
// CHECK: return
func.func @cut(%x: tensor<1x8x12x6xf32>) -> tensor<6x4x4x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  return %2 : tensor<6x4x4x6xf32>
}

// Put together again, from windows or from their tokens.
// CHECK-LABEL: @put_together
// CHECK: vision.window_unpartition %arg0
// CHECK-NOT: top.Permute
// CHECK: return
func.func @put_together(%x: tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  return %2 : tensor<1x8x12x6xf32>
}

// CHECK-LABEL: @put_together_tokens
// CHECK: [[W:%.*]] = "top.Reshape"(%arg0) {{.*}} -> tensor<6x4x4x6xf32>
// CHECK: vision.window_unpartition [[W]]
// CHECK-NOT: top.Permute
// CHECK: return
func.func @put_together_tokens(%x: tensor<6x16x6xf32>) -> tensor<1x8x12x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x16x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  return %2 : tensor<1x8x12x6xf32>
}

// Padding is left to targets.
// CHECK-LABEL: @padded
// CHECK: [[P:%.*]] = "top.Pad"
// CHECK: vision.window_partition [[P]]
// CHECK: return
func.func @padded(%x: tensor<1x8x12x6xf32>) -> tensor<9x4x4x6xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 4, 0, 0], val = 0.0 : f64} : (tensor<1x8x12x6xf32>) -> tensor<1x12x12x6xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 3, 4, 3, 4, 6]} : (tensor<1x12x12x6xf32>) -> tensor<1x3x4x3x4x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x3x4x3x4x6xf32>) -> tensor<1x3x3x4x4x6xf32>
  %3 = "top.Reshape"(%2) {shape = [9, 4, 4, 6]} : (tensor<1x3x3x4x4x6xf32>) -> tensor<9x4x4x6xf32>
  return %3 : tensor<9x4x4x6xf32>
}

// Another order, maps of a batch, and windows that were made tokens at once stay as they are.
// CHECK-LABEL: @other_order
// CHECK-NOT: vision.window
// CHECK: return
func.func @other_order(%x: tensor<1x8x12x6xf32>) -> tensor<6x4x4x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x3x2x4x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [6, 4, 4, 6]} : (tensor<1x3x2x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  return %2 : tensor<6x4x4x6xf32>
}

// CHECK-LABEL: @batch
// CHECK-NOT: vision.window
// CHECK: return
func.func @batch(%x: tensor<2x8x12x6xf32>) -> tensor<12x4x4x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [2, 2, 4, 3, 4, 6]} : (tensor<2x8x12x6xf32>) -> tensor<2x2x4x3x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<2x2x4x3x4x6xf32>) -> tensor<2x2x3x4x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [12, 4, 4, 6]} : (tensor<2x2x3x4x4x6xf32>) -> tensor<12x4x4x6xf32>
  return %2 : tensor<12x4x4x6xf32>
}

// CHECK-LABEL: @tokens
// CHECK-NOT: vision.window
// CHECK: return
func.func @tokens(%x: tensor<1x8x12x6xf32>) -> tensor<6x16x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [6, 16, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x16x6xf32>
  return %2 : tensor<6x16x6xf32>
}
