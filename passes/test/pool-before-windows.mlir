// RUN: --passes=pool-before-windows --round-trip

// A pool of the map, then windows half as wide.
// CHECK-LABEL: @windows
// CHECK: "top.MaxPool"({{.*}} : (tensor<1x6x8x12xf32>) -> tensor<1x6x4x6xf32>
// CHECK: vision.window_partition {{.*}}window_h = 2 : i64{{.*}} -> tensor<6x2x2x6xf32>
// CHECK: return
func.func @windows(%x: tensor<1x8x12x6xf32>) -> tensor<6x2x2x6xf32> {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x12x6xf32>, none) -> tensor<6x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<6x4x4x6xf32>) -> tensor<6x6x4x4xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<6x6x4x4xf32>) -> tensor<6x6x2x2xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<6x6x2x2xf32>) -> tensor<6x2x2x6xf32>
  return %3 : tensor<6x2x2x6xf32>
}

// Queries among queries, keys and values, in windows that reach over the map: their part of the padding row, too.
// CHECK-LABEL: @columns
// CHECK: [[Q:%.*]] = "top.Slice"(%arg0,{{.*}} -> tensor<1x6x8x6xf32>
// CHECK: [[PAD:%.*]] = "top.Weight"() {{.*}}tensor<6xf32>
// CHECK: "top.MaxPool"({{.*}} : (tensor<1x6x6x8xf32>) -> tensor<1x6x3x4xf32>
// CHECK: vision.window_partition {{.*}}, [[PAD]] {{.*}} : (tensor<1x3x4x6xf32>, tensor<6xf32>) -> tensor<4x2x2x6xf32>
// CHECK: return
func.func @columns(%x: tensor<1x6x8x18xf32>) -> tensor<4x2x2x6xf32> {
  %none = "top.None"() : () -> none
  %pad = "top.Weight"() : () -> tensor<18xf32> loc("columns.pad")
  %0 = vision.window_partition %x, %pad {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x6x8x18xf32>, tensor<18xf32>) -> tensor<4x4x4x18xf32>
  %1 = "top.Reshape"(%0) {shape = [4, 16, 3, 6]} : (tensor<4x4x4x18xf32>) -> tensor<4x16x3x6xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 1, 0], steps = [1, 1, 1, 1], ends = [4, 16, 2, 6], axes = []} : (tensor<4x16x3x6xf32>, none, none, none) -> tensor<4x16x1x6xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 6]} : (tensor<4x16x1x6xf32>) -> tensor<4x4x4x6xf32>
  %4 = "top.Permute"(%3) {order = [0, 3, 1, 2]} : (tensor<4x4x4x6xf32>) -> tensor<4x6x4x4xf32>
  %5 = "top.MaxPool"(%4) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<4x6x4x4xf32>) -> tensor<4x6x2x2xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 3, 1]} : (tensor<4x6x2x2xf32>) -> tensor<4x2x2x6xf32>
  return %6 : tensor<4x2x2x6xf32>
}

// Blocks of another shape.
// CHECK-LABEL: @one_by_four
// CHECK: "top.MaxPool"({{.*}} : (tensor<1x6x8x12xf32>) -> tensor<1x6x8x3xf32>
// CHECK: vision.window_partition {{.*}} -> tensor<6x4x1x6xf32>
// CHECK: return
func.func @one_by_four(%x: tensor<1x8x12x6xf32>) -> tensor<6x4x1x6xf32> {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x12x6xf32>, none) -> tensor<6x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<6x4x4x6xf32>) -> tensor<6x6x4x4xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [1, 4], strides = [1, 4], pads = [0, 0, 0, 0], keepdims = true} : (tensor<6x6x4x4xf32>) -> tensor<6x6x4x1xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<6x6x4x1xf32>) -> tensor<6x4x1x6xf32>
  return %3 : tensor<6x4x1x6xf32>
}

// A block would lie across the border of map and padding.
// CHECK-LABEL: @odd_map
// CHECK: "top.MaxPool"({{.*}} : (tensor<6x6x4x4xf32>)
// CHECK: return
func.func @odd_map(%x: tensor<1x7x10x6xf32>) -> tensor<6x2x2x6xf32> {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x7x10x6xf32>, none) -> tensor<6x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<6x4x4x6xf32>) -> tensor<6x6x4x4xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<6x6x4x4xf32>) -> tensor<6x6x2x2xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<6x6x2x2xf32>) -> tensor<6x2x2x6xf32>
  return %3 : tensor<6x2x2x6xf32>
}

// Blocks would lie across windows.
// CHECK-LABEL: @odd_windows
// CHECK: "top.MaxPool"({{.*}} : (tensor<2x6x6x6xf32>)
// CHECK: return
func.func @odd_windows(%x: tensor<1x6x12x6xf32>) -> tensor<2x3x3x6xf32> {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 3 : i64, window_w = 3 : i64, pad_undefined = false} : (tensor<1x6x12x6xf32>, none) -> tensor<8x3x3x6xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 6, 6, 6]} : (tensor<8x3x3x6xf32>) -> tensor<2x6x6x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 3, 1, 2]} : (tensor<2x6x6x6xf32>) -> tensor<2x6x6x6xf32>
  %3 = "top.MaxPool"(%2) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<2x6x6x6xf32>) -> tensor<2x6x3x3xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 3, 1]} : (tensor<2x6x3x3xf32>) -> tensor<2x3x3x6xf32>
  return %4 : tensor<2x3x3x6xf32>
}

// Windows whose rows and columns are exchanged are no columns of them.
// CHECK-LABEL: @turned
// CHECK: "top.MaxPool"({{.*}} : (tensor<6x6x4x4xf32>)
// CHECK: return
func.func @turned(%x: tensor<1x8x12x6xf32>) -> tensor<6x2x2x6xf32> {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x12x6xf32>, none) -> tensor<6x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 2, 1, 3]} : (tensor<6x4x4x6xf32>) -> tensor<6x4x4x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 3, 1, 2]} : (tensor<6x4x4x6xf32>) -> tensor<6x6x4x4xf32>
  %3 = "top.MaxPool"(%2) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], keepdims = true} : (tensor<6x6x4x4xf32>) -> tensor<6x6x2x2xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 3, 1]} : (tensor<6x6x2x2xf32>) -> tensor<6x2x2x6xf32>
  return %4 : tensor<6x2x2x6xf32>
}

// Blocks that overlap.
// CHECK-LABEL: @overlapping
// CHECK: "top.MaxPool"({{.*}} : (tensor<6x6x4x4xf32>)
// CHECK: return
func.func @overlapping(%x: tensor<1x8x12x6xf32>) -> tensor<6x3x3x6xf32> {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x12x6xf32>, none) -> tensor<6x4x4x6xf32>
  %1 = "top.Permute"(%0) {order = [0, 3, 1, 2]} : (tensor<6x4x4x6xf32>) -> tensor<6x6x4x4xf32>
  %2 = "top.MaxPool"(%1) {kernel_shape = [2, 2], strides = [1, 1], pads = [0, 0, 0, 0], keepdims = true} : (tensor<6x6x4x4xf32>) -> tensor<6x6x3x3xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<6x6x3x3xf32>) -> tensor<6x3x3x6xf32>
  return %3 : tensor<6x3x3x6xf32>
}
