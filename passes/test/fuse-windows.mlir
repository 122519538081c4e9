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

// Windows over something else than rows and columns of one map: extents that are cut elsewhere, another result.
// CHECK-LABEL: @other_columns
// CHECK-NOT: vision.window
// CHECK: return
func.func @other_columns(%x: tensor<1x12x8x6xf32>) -> tensor<6x4x4x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x12x8x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  return %2 : tensor<6x4x4x6xf32>
}

// CHECK-LABEL: @two_images
// CHECK-NOT: vision.window
// CHECK: return
func.func @two_images(%x: tensor<12x4x4x6xf32>) -> tensor<2x8x12x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [2, 2, 3, 4, 4, 6]} : (tensor<12x4x4x6xf32>) -> tensor<2x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<2x2x3x4x4x6xf32>) -> tensor<2x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [2, 8, 12, 6]} : (tensor<2x2x4x3x4x6xf32>) -> tensor<2x8x12x6xf32>
  return %2 : tensor<2x8x12x6xf32>
}

// CHECK-LABEL: @seven
// CHECK-NOT: vision.window
// CHECK: return
func.func @seven(%x: tensor<1x8x12x6xf32>) -> tensor<6x4x4x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 4, 3, 4, 2, 3]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x2x3xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5, 6]} : (tensor<1x2x4x3x4x2x3xf32>) -> tensor<1x2x3x4x4x2x3xf32>
  %2 = "top.Reshape"(%1) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x2x3xf32>) -> tensor<6x4x4x6xf32>
  return %2 : tensor<6x4x4x6xf32>
}

// CHECK-LABEL: @other_map
// CHECK-NOT: vision.window
// CHECK: return
func.func @other_map(%x: tensor<6x4x4x6xf32>) -> tensor<1x12x8x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 12, 8, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x12x8x6xf32>
  return %2 : tensor<1x12x8x6xf32>
}

// No reshape before the exchange, or none behind it.
// CHECK-LABEL: @exchange_alone
// CHECK-NOT: vision.window
// CHECK: return
func.func @exchange_alone(%x: tensor<1x2x4x3x4x6xf32>, %y: tensor<1x8x12x6xf32>) -> (tensor<6x4x4x6xf32>, tensor<1x2x3x4x4x6xf32>) {
  %0 = "top.Permute"(%x) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Reshape"(%0) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  %2 = "top.Reshape"(%y) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %3 = "top.Permute"(%2) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  return %1, %3 : tensor<6x4x4x6xf32>, tensor<1x2x3x4x4x6xf32>
}
