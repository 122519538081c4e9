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

// Windows of odd width have pools across their borders.
// CHECK-LABEL: @odd_pool
// CHECK: vision.window_unpartition {{.*}} -> tensor<1x6x12x6xf32>
// CHECK: top.MaxPool
// CHECK-NOT: vision.window
// CHECK: return
func.func @odd_pool(%x: tensor<8x3x3x6xf32>) -> tensor<1x3x6x6xf32> {
  %0 = vision.window_unpartition %x : (tensor<8x3x3x6xf32>) -> tensor<1x6x12x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<1x6x12x6xf32>) -> tensor<1x6x6x12xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<1x6x6x12xf32>) -> tensor<1x6x3x6xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<1x6x3x6xf32>) -> tensor<1x3x6x6xf32>
  return %3 : tensor<1x3x6x6xf32>
}

// A sum with a relu, of three, or that repeats a row stays where it is.
// CHECK-LABEL: @relu_of_sum
// CHECK-COUNT-3: "top.Add"({{.*}} -> tensor<1x8x12x6xf32>
// CHECK: return
func.func @relu_of_sum(%x: tensor<6x4x4x6xf32>, %y: tensor<6x4x4x6xf32>, %z: tensor<1x1x1x6xf32>) -> (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) {
  %0 = vision.window_unpartition %x : (tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = vision.window_unpartition %y : (tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32>
  %2 = "top.Add"(%0, %1) {do_relu = true} : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  %3 = vision.window_unpartition %x : (tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32>
  %4 = vision.window_unpartition %y : (tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32>
  %5 = vision.window_unpartition %x : (tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32>
  %6 = "top.Add"(%3, %4, %5) : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  %7 = vision.window_unpartition %y : (tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32>
  %8 = "top.Add"(%z, %7) : (tensor<1x1x1x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  return %2, %6, %8 : tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>
}

// Sums of windows of two grids.
// CHECK-LABEL: @two_grids
// CHECK: "top.Add"({{.*}} -> tensor<1x8x12x6xf32>
// CHECK: return
func.func @two_grids(%x: tensor<6x4x4x6xf32>, %y: tensor<24x2x2x6xf32>) -> tensor<1x8x12x6xf32> {
  %0 = vision.window_unpartition %x : (tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = vision.window_unpartition %y : (tensor<24x2x2x6xf32>) -> tensor<1x8x12x6xf32>
  %2 = "top.Add"(%0, %1) : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  return %2 : tensor<1x8x12x6xf32>
}

// Both in windows of one grid.
// CHECK-LABEL: @both_in_windows
// CHECK: [[S:%.*]] = "top.Add"(%arg0, %arg1)
// CHECK: vision.window_unpartition [[S]]
// CHECK: return
func.func @both_in_windows(%x: tensor<6x4x4x6xf32>, %y: tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32> {
  %0 = vision.window_unpartition %x : (tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = vision.window_unpartition %y : (tensor<6x4x4x6xf32>) -> tensor<1x8x12x6xf32>
  %2 = "top.Add"(%0, %1) : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  return %2 : tensor<1x8x12x6xf32>
}

// A sum with a row, with values, with a relu, or that others read comes before the windows.
// CHECK-LABEL: @other_embeddings
// CHECK-COUNT-4: "top.Add"({{.*}} -> tensor<1x8x12x6xf32>
// CHECK: return
func.func @other_embeddings(%x: tensor<1x8x12x6xf32>, %y: tensor<1x8x12x6xf32>) -> (tensor<6x4x4x6xf32>, tensor<6x4x4x6xf32>, tensor<6x4x4x6xf32>, tensor<6x4x4x6xf32>, tensor<1x8x12x6xf32>) {
  %w0 = "top.Weight"() : () -> tensor<1x8x12x6xf32> loc("other_embeddings.w0")
  %w1 = "top.Weight"() : () -> tensor<1x1x1x6xf32> loc("other_embeddings.w1")
  %0 = "top.Add"(%x, %w1) : (tensor<1x8x12x6xf32>, tensor<1x1x1x6xf32>) -> tensor<1x8x12x6xf32>
  %1 = "top.Add"(%x, %y) : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  %2 = "top.Add"(%x, %w0) {do_relu = true} : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  %3 = "top.Add"(%x, %w0) : (tensor<1x8x12x6xf32>, tensor<1x8x12x6xf32>) -> tensor<1x8x12x6xf32>
  %none = "top.None"() : () -> none
  %4 = vision.window_partition %0, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x12x6xf32>, none) -> tensor<6x4x4x6xf32>
  %5 = vision.window_partition %1, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x12x6xf32>, none) -> tensor<6x4x4x6xf32>
  %6 = vision.window_partition %2, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x12x6xf32>, none) -> tensor<6x4x4x6xf32>
  %7 = vision.window_partition %3, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x12x6xf32>, none) -> tensor<6x4x4x6xf32>
  return %4, %5, %6, %7, %3 : tensor<6x4x4x6xf32>, tensor<6x4x4x6xf32>, tensor<6x4x4x6xf32>, tensor<6x4x4x6xf32>, tensor<1x8x12x6xf32>
}

// Windows that are not square, or do not fill the map.
// CHECK-LABEL: @flat_windows
// CHECK: vision.window_unpartition
// CHECK: vision.window_partition
// CHECK: vision.window_unpartition
// CHECK: vision.window_partition
// CHECK: return
func.func @flat_windows(%x: tensor<12x2x4x6xf32>, %y: tensor<6x4x4x6xf32>) -> (tensor<12x2x4x6xf32>, tensor<6x4x4x6xf32>) {
  %0 = vision.window_unpartition %x : (tensor<12x2x4x6xf32>) -> tensor<1x8x12x6xf32>
  %none = "top.None"() : () -> none
  %1 = vision.window_partition %0, %none {window_h = 2 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x12x6xf32>, none) -> tensor<12x2x4x6xf32>
  %2 = vision.window_unpartition %y : (tensor<6x4x4x6xf32>) -> tensor<1x7x12x6xf32>
  %3 = vision.window_partition %2, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x7x12x6xf32>, none) -> tensor<6x4x4x6xf32>
  return %1, %3 : tensor<12x2x4x6xf32>, tensor<6x4x4x6xf32>
}
