// RUN: --passes=fuse-windows,window-layout --round-trip

// What lies between windows of one grid is done in windows.
// CHECK-LABEL: @between
// CHECK-NOT: vision.window
// CHECK: "top.GELU"(%arg0)
// CHECK-NOT: vision.window
// CHECK: return
func.func @between(%x: tensor<6x4x4x6xf32>) -> tensor<6x4x4x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  %3 = "top.GELU"(%2) : (tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  %4 = "top.Reshape"(%3) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %5 = "top.Permute"(%4) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %6 = "top.Reshape"(%5) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  return %6 : tensor<6x4x4x6xf32>
}

// A product before windows, and one behind them.
// CHECK-LABEL: @before
// CHECK: [[X:%.*]] = vision.window_partition %arg0
// CHECK: "top.MatMul"([[X]], {{.*}} -> tensor<6x4x4x10xf32>
// CHECK: return
func.func @before(%x: tensor<1x8x12x6xf32>) -> tensor<6x4x4x10xf32> {
  %w0 = "top.Weight"() : () -> tensor<10x6xf32> loc("before.w0")
  %w1 = "top.Weight"() : () -> tensor<10xf32> loc("before.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<1x8x12x6xf32>, tensor<10x6xf32>, tensor<10xf32>) -> tensor<1x8x12x10xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 10]} : (tensor<1x8x12x10xf32>) -> tensor<1x2x4x3x4x10xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x10xf32>) -> tensor<1x2x3x4x4x10xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 10]} : (tensor<1x2x3x4x4x10xf32>) -> tensor<6x4x4x10xf32>
  return %3 : tensor<6x4x4x10xf32>
}

// CHECK-LABEL: @behind
// CHECK: [[P:%.*]] = "top.MatMul"(%arg0, {{.*}} -> tensor<6x4x4x10xf32>
// CHECK: vision.window_unpartition [[P]] {{.*}} -> tensor<1x8x12x10xf32>
// CHECK: return
func.func @behind(%x: tensor<6x4x4x6xf32>) -> tensor<1x8x12x10xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  %w0 = "top.Weight"() : () -> tensor<10x6xf32> loc("behind.w0")
  %w1 = "top.Weight"() : () -> tensor<10xf32> loc("behind.w1")
  %3 = "top.MatMul"(%2, %w0, %w1) {right_transpose = true} : (tensor<1x8x12x6xf32>, tensor<10x6xf32>, tensor<10xf32>) -> tensor<1x8x12x10xf32>
  return %3 : tensor<1x8x12x10xf32>
}

// A pool in windows half as wide.
// CHECK-LABEL: @pool
// CHECK: "top.MaxPool"({{.*}} : (tensor<6x6x4x4xf32>) -> tensor<6x6x2x2xf32>
// CHECK: vision.window_unpartition {{.*}} : (tensor<6x2x2x6xf32>) -> tensor<1x4x6x6xf32>
// CHECK: return
func.func @pool(%x: tensor<6x4x4x6xf32>) -> tensor<1x4x6x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  %3 = "top.Permute"(%2) {order = [0, 3, 1, 2]} : (tensor<1x8x12x6xf32>) -> tensor<1x6x8x12xf32>
  %4 = "top.MaxPool"(%3) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<1x6x8x12xf32>) -> tensor<1x6x4x6xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 3, 1]} : (tensor<1x6x4x6xf32>) -> tensor<1x4x6x6xf32>
  return %5 : tensor<1x4x6x6xf32>
}

// A sum with weights, which are put in windows here.
// CHECK-LABEL: @embedding
// CHECK: [[E:%.*]] = "top.Weight"() : () -> tensor<6x4x4x6xf32>
// CHECK: "top.Add"({{.*}}, [[E]]) {{.*}} -> tensor<6x4x4x6xf32>
// CHECK: return
func.func @embedding(%x: tensor<1x8x12x6xf32>) -> tensor<6x4x4x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<1x8x12x6xf32> loc("embedding")
  %0 = "top.Add"(%x, %w0) : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  return %3 : tensor<6x4x4x6xf32>
}

// A sum with what is in windows of the same grid anyway.
// CHECK-LABEL: @sum
// CHECK: "top.Add"({{.*}} -> tensor<6x4x4x6xf32>
// CHECK: return
func.func @sum(%x: tensor<1x8x12x6xf32>, %y: tensor<6x4x4x6xf32>) -> (tensor<1x8x12x6xf32>, tensor<6x4x4x6xf32>) {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  %3 = "top.Reshape"(%y) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %4 = "top.Permute"(%3) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %5 = "top.Reshape"(%4) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  %6 = "top.Add"(%x, %5) : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  %7 = "top.GELU"(%2) : (tensor<6x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  return %6, %7 : tensor<1x8x12x6xf32>, tensor<6x4x4x6xf32>
}

// If it is not, one of both would be put in windows for the sum alone.
// CHECK-LABEL: @sum_of_a_map
// CHECK: "top.Add"({{.*}} -> tensor<1x8x12x6xf32>
// CHECK: return
func.func @sum_of_a_map(%x: tensor<1x8x12x6xf32>, %y: tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32> {
  %0 = "top.Reshape"(%y) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  %3 = "top.Add"(%x, %2) : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  return %3 : tensor<1x8x12x6xf32>
}

// Windows of another grid do not cancel.
// CHECK-LABEL: @other_grid
// CHECK: vision.window_unpartition
// CHECK: vision.window_partition
// CHECK: return
func.func @other_grid(%x: tensor<6x4x4x6xf32>) -> tensor<24x2x2x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  %3 = "top.Reshape"(%2) {shape = [1, 4, 2, 6, 2, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x4x2x6x2x6xf32>
  %4 = "top.Permute"(%3) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x4x2x6x2x6xf32>) -> tensor<1x4x6x2x2x6xf32>
  %5 = "top.Reshape"(%4) {shape = [24, 2, 2, 6]} : (tensor<1x4x6x2x2x6xf32>) -> tensor<24x2x2x6xf32>
  return %5 : tensor<24x2x2x6xf32>
}

// Others read the map: the op stays before the windows.
// CHECK-LABEL: @map_is_read
// CHECK: "top.GELU"({{.*}} -> tensor<1x8x12x6xf32>
// CHECK: return
func.func @map_is_read(%x: tensor<1x8x12x6xf32>) -> (tensor<6x4x4x6xf32>, tensor<1x8x12x6xf32>) {
  %0 = "top.GELU"(%x) : (tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 6]} : (tensor<1x8x12x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 6]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  %4 = "top.Relu"(%0) : (tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  return %3, %4 : tensor<6x4x4x6xf32>, tensor<1x8x12x6xf32>
}

// Not row by row.
// CHECK-LABEL: @softmax
// CHECK: vision.window_unpartition
// CHECK: top.Softmax
// CHECK: return
func.func @softmax(%x: tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  %3 = "top.Softmax"(%2) {axis = 1 : si32} : (tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  return %3 : tensor<1x8x12x6xf32>
}
