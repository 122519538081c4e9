// RUN: --passes=fuse-attention,fuse-windows,pad-products --round-trip

// The product is of the map without padding.
// CHECK-LABEL: @no_bias
// CHECK: [[P:%.*]] = "top.MatMul"(%arg0, {{.*}} -> tensor<1x6x10x6xf32>
// CHECK: "top.Pad"([[P]]) {{.*}} -> tensor<1x8x12x6xf32>
// CHECK: return
func.func @no_bias(%x: tensor<1x6x10x8xf32>) -> tensor<6x4x4x6xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 2, 2, 0], val = 0.0 : f64} : (tensor<1x6x10x8xf32>) -> tensor<1x8x12x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 8]} : (tensor<1x8x12x8xf32>) -> tensor<1x2x4x3x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x8xf32>) -> tensor<1x2x3x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 8]} : (tensor<1x2x3x4x4x8xf32>) -> tensor<6x4x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("no_bias.w0")
  %none = "top.None"() : () -> none
  %4 = "top.MatMul"(%3, %w0, %none) {right_transpose = true} : (tensor<6x4x4x8xf32>, tensor<6x8xf32>, none) -> tensor<6x4x4x6xf32>
  return %4 : tensor<6x4x4x6xf32>
}

// Queries may have a bias: their results outside the map are cropped.
// CHECK-LABEL: @queries
// CHECK: "top.MatMul"(%arg0, {{.*}} : (tensor<1x6x10x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<1x6x10x8xf32>
// CHECK-COUNT-2: "top.MatMul"(%arg0, {{.*}} : (tensor<1x6x10x8xf32>, tensor<8x8xf32>, none) -> tensor<1x6x10x8xf32>
// CHECK: return
func.func @queries(%x: tensor<1x6x10x8xf32>) -> tensor<1x6x10x8xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 2, 2, 0], val = 0.0 : f64} : (tensor<1x6x10x8xf32>) -> tensor<1x8x12x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 8]} : (tensor<1x8x12x8xf32>) -> tensor<1x2x4x3x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x8xf32>) -> tensor<1x2x3x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 8]} : (tensor<1x2x3x4x4x8xf32>) -> tensor<6x4x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("queries.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("queries.w1")
  %4 = "top.MatMul"(%3, %w0, %w1) {right_transpose = true} : (tensor<6x4x4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<6x4x4x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8xf32> loc("queries.w2")
  %none = "top.None"() : () -> none
  %5 = "top.MatMul"(%3, %w2, %none) {right_transpose = true} : (tensor<6x4x4x8xf32>, tensor<8x8xf32>, none) -> tensor<6x4x4x8xf32>
  %w3 = "top.Weight"() : () -> tensor<8x8xf32> loc("queries.w3")
  %6 = "top.MatMul"(%3, %w3, %none) {right_transpose = true} : (tensor<6x4x4x8xf32>, tensor<8x8xf32>, none) -> tensor<6x4x4x8xf32>
  %7 = "top.Reshape"(%4) {shape = [6, 16, 8]} : (tensor<6x4x4x8xf32>) -> tensor<6x16x8xf32>
  %8 = "top.Reshape"(%5) {shape = [6, 16, 8]} : (tensor<6x4x4x8xf32>) -> tensor<6x16x8xf32>
  %9 = "top.Reshape"(%6) {shape = [6, 16, 8]} : (tensor<6x4x4x8xf32>) -> tensor<6x16x8xf32>
  %10 = "top.Reshape"(%7) {shape = [6, 16, 2, 4]} : (tensor<6x16x8xf32>) -> tensor<6x16x2x4xf32>
  %11 = "top.Permute"(%10) {order = [0, 2, 1, 3]} : (tensor<6x16x2x4xf32>) -> tensor<6x2x16x4xf32>
  %12 = "top.Reshape"(%8) {shape = [6, 16, 2, 4]} : (tensor<6x16x8xf32>) -> tensor<6x16x2x4xf32>
  %13 = "top.Permute"(%12) {order = [0, 2, 3, 1]} : (tensor<6x16x2x4xf32>) -> tensor<6x2x4x16xf32>
  %14 = "top.Reshape"(%9) {shape = [6, 16, 2, 4]} : (tensor<6x16x8xf32>) -> tensor<6x16x2x4xf32>
  %15 = "top.Permute"(%14) {order = [0, 2, 1, 3]} : (tensor<6x16x2x4xf32>) -> tensor<6x2x16x4xf32>
  %16 = "top.MatMul"(%11, %13, %none) : (tensor<6x2x16x4xf32>, tensor<6x2x4x16xf32>, none) -> tensor<6x2x16x16xf32>
  %17 = "top.Softmax"(%16) {axis = 3 : si32} : (tensor<6x2x16x16xf32>) -> tensor<6x2x16x16xf32>
  %18 = "top.MatMul"(%17, %15, %none) : (tensor<6x2x16x16xf32>, tensor<6x2x16x4xf32>, none) -> tensor<6x2x16x4xf32>
  %19 = "top.Permute"(%18) {order = [0, 2, 1, 3]} : (tensor<6x2x16x4xf32>) -> tensor<6x16x2x4xf32>
  %20 = "top.Reshape"(%19) {shape = [6, 16, 8]} : (tensor<6x16x2x4xf32>) -> tensor<6x16x8xf32>
  %21 = "top.Reshape"(%20) {shape = [6, 4, 4, 8]} : (tensor<6x16x8xf32>) -> tensor<6x4x4x8xf32>
  %22 = "top.Reshape"(%21) {shape = [1, 2, 3, 4, 4, 8]} : (tensor<6x4x4x8xf32>) -> tensor<1x2x3x4x4x8xf32>
  %23 = "top.Permute"(%22) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x8xf32>) -> tensor<1x2x4x3x4x8xf32>
  %24 = "top.Reshape"(%23) {shape = [1, 8, 12, 8]} : (tensor<1x2x4x3x4x8xf32>) -> tensor<1x8x12x8xf32>
  %25 = "top.Slice"(%24, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 6, 10, 8], axes = []} : (tensor<1x8x12x8xf32>, none, none, none) -> tensor<1x6x10x8xf32>
  return %25 : tensor<1x6x10x8xf32>
}

// Any other bias would be padded with 0 instead of itself.
// CHECK-LABEL: @bias_is_read
// CHECK: "top.Pad"(%arg0)
// CHECK: "top.MatMul"({{.*}} -> tensor<6x4x4x6xf32>
// CHECK: return
func.func @bias_is_read(%x: tensor<1x6x10x8xf32>) -> tensor<6x4x4x6xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 2, 2, 0], val = 0.0 : f64} : (tensor<1x6x10x8xf32>) -> tensor<1x8x12x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 8]} : (tensor<1x8x12x8xf32>) -> tensor<1x2x4x3x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x8xf32>) -> tensor<1x2x3x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 8]} : (tensor<1x2x3x4x4x8xf32>) -> tensor<6x4x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("bias_is_read.w0")
  %w1 = "top.Weight"() : () -> tensor<6xf32> loc("bias_is_read.w1")
  %4 = "top.MatMul"(%3, %w0, %w1) {right_transpose = true} : (tensor<6x4x4x8xf32>, tensor<6x8xf32>, tensor<6xf32>) -> tensor<6x4x4x6xf32>
  return %4 : tensor<6x4x4x6xf32>
}

// Padded with something else than 0.
// CHECK-LABEL: @ones
// CHECK: "top.Pad"(%arg0)
// CHECK: "top.MatMul"({{.*}} -> tensor<6x4x4x6xf32>
// CHECK: return
func.func @ones(%x: tensor<1x6x10x8xf32>) -> tensor<6x4x4x6xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 2, 2, 0], val = 1.0 : f64} : (tensor<1x6x10x8xf32>) -> tensor<1x8x12x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 8]} : (tensor<1x8x12x8xf32>) -> tensor<1x2x4x3x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x8xf32>) -> tensor<1x2x3x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 8]} : (tensor<1x2x3x4x4x8xf32>) -> tensor<6x4x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("ones.w0")
  %none = "top.None"() : () -> none
  %4 = "top.MatMul"(%3, %w0, %none) {right_transpose = true} : (tensor<6x4x4x8xf32>, tensor<6x8xf32>, none) -> tensor<6x4x4x6xf32>
  return %4 : tensor<6x4x4x6xf32>
}

// Others read the windows.
// CHECK-LABEL: @windows_are_read
// CHECK: "top.Pad"(%arg0)
// CHECK: "top.MatMul"({{.*}} -> tensor<6x4x4x6xf32>
// CHECK: return
func.func @windows_are_read(%x: tensor<1x6x10x8xf32>) -> (tensor<6x4x4x6xf32>, tensor<6x4x4x8xf32>) {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 2, 2, 0], val = 0.0 : f64} : (tensor<1x6x10x8xf32>) -> tensor<1x8x12x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 3, 4, 8]} : (tensor<1x8x12x8xf32>) -> tensor<1x2x4x3x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x3x4x8xf32>) -> tensor<1x2x3x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 4, 4, 8]} : (tensor<1x2x3x4x4x8xf32>) -> tensor<6x4x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("windows_are_read.w0")
  %none = "top.None"() : () -> none
  %4 = "top.MatMul"(%3, %w0, %none) {right_transpose = true} : (tensor<6x4x4x8xf32>, tensor<6x8xf32>, none) -> tensor<6x4x4x6xf32>
  %5 = "top.GELU"(%3) : (tensor<6x4x4x8xf32>) -> tensor<6x4x4x8xf32>
  return %4, %5 : tensor<6x4x4x6xf32>, tensor<6x4x4x8xf32>
}

// Cropped before the product behind the windows.
// CHECK-LABEL: @crop
// CHECK: [[C:%.*]] = "top.Slice"({{.*}} -> tensor<1x6x10x8xf32>
// CHECK: "top.MatMul"([[C]],
// CHECK: return
func.func @crop(%x: tensor<6x4x4x8xf32>) -> tensor<1x6x10x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("crop.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("crop.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<6x4x4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<6x4x4x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 3, 4, 4, 8]} : (tensor<6x4x4x8xf32>) -> tensor<1x2x3x4x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x8xf32>) -> tensor<1x2x4x3x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [1, 8, 12, 8]} : (tensor<1x2x4x3x4x8xf32>) -> tensor<1x8x12x8xf32>
  %none = "top.None"() : () -> none
  %4 = "top.Slice"(%3, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 6, 10, 8], axes = []} : (tensor<1x8x12x8xf32>, none, none, none) -> tensor<1x6x10x8xf32>
  return %4 : tensor<1x6x10x8xf32>
}

// Not where what is put back would be wider.
// CHECK-LABEL: @crop_wider
// CHECK: "top.MatMul"(%arg0, {{.*}} -> tensor<6x4x4x6xf32>
// CHECK: "top.Slice"({{.*}} -> tensor<1x6x10x6xf32>
// CHECK: return
func.func @crop_wider(%x: tensor<6x4x4x8xf32>) -> tensor<1x6x10x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("crop_wider.w0")
  %w1 = "top.Weight"() : () -> tensor<6xf32> loc("crop_wider.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<6x4x4x8xf32>, tensor<6x8xf32>, tensor<6xf32>) -> tensor<6x4x4x6xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 3, 4, 4, 6]} : (tensor<6x4x4x6xf32>) -> tensor<1x2x3x4x4x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x3x4x4x6xf32>) -> tensor<1x2x4x3x4x6xf32>
  %3 = "top.Reshape"(%2) {shape = [1, 8, 12, 6]} : (tensor<1x2x4x3x4x6xf32>) -> tensor<1x8x12x6xf32>
  %none = "top.None"() : () -> none
  %4 = "top.Slice"(%3, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 6, 10, 6], axes = []} : (tensor<1x8x12x6xf32>, none, none, none) -> tensor<1x6x10x6xf32>
  return %4 : tensor<1x6x10x6xf32>
}

// Rows that are cut off above, channels, every second row; a map or a product that others read; a right side that is computed.
// CHECK-LABEL: @crop_above
// CHECK: [[P:%.*]] = "top.MatMul"(%arg0
// CHECK: vision.window_unpartition [[P]]
// CHECK: return
func.func @crop_above(%x: tensor<6x4x4x4xf32>, %y: tensor<4x8xf32>) -> tensor<1x5x10x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x8xf32> loc("crop_above.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<6x4x4x4xf32>, tensor<4x8xf32>, none) -> tensor<6x4x4x8xf32>
  %1 = vision.window_unpartition %0 : (tensor<6x4x4x8xf32>) -> tensor<1x8x12x8xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 1, 0, 0], steps = [1, 1, 1, 1], ends = [1, 6, 10, 8], axes = []} : (tensor<1x8x12x8xf32>, none, none, none) -> tensor<1x5x10x8xf32>
  return %2 : tensor<1x5x10x8xf32>
}

// CHECK-LABEL: @crop_channels
// CHECK: [[P:%.*]] = "top.MatMul"(%arg0
// CHECK: vision.window_unpartition [[P]]
// CHECK: return
func.func @crop_channels(%x: tensor<6x4x4x4xf32>, %y: tensor<4x8xf32>) -> tensor<1x6x10x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x8xf32> loc("crop_channels.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<6x4x4x4xf32>, tensor<4x8xf32>, none) -> tensor<6x4x4x8xf32>
  %1 = vision.window_unpartition %0 : (tensor<6x4x4x8xf32>) -> tensor<1x8x12x8xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 6, 10, 4], axes = []} : (tensor<1x8x12x8xf32>, none, none, none) -> tensor<1x6x10x4xf32>
  return %2 : tensor<1x6x10x4xf32>
}

// CHECK-LABEL: @every_second
// CHECK: [[P:%.*]] = "top.MatMul"(%arg0
// CHECK: vision.window_unpartition [[P]]
// CHECK: return
func.func @every_second(%x: tensor<6x4x4x4xf32>, %y: tensor<4x8xf32>) -> tensor<1x4x12x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x8xf32> loc("every_second.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<6x4x4x4xf32>, tensor<4x8xf32>, none) -> tensor<6x4x4x8xf32>
  %1 = vision.window_unpartition %0 : (tensor<6x4x4x8xf32>) -> tensor<1x8x12x8xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 2, 1, 1], ends = [1, 8, 12, 8], axes = []} : (tensor<1x8x12x8xf32>, none, none, none) -> tensor<1x4x12x8xf32>
  return %2 : tensor<1x4x12x8xf32>
}

// CHECK-LABEL: @map_is_read
// CHECK: [[P:%.*]] = "top.MatMul"(%arg0
// CHECK: vision.window_unpartition [[P]]
// CHECK: return
func.func @map_is_read(%x: tensor<6x4x4x4xf32>, %y: tensor<4x8xf32>) -> (tensor<1x6x10x8xf32>, tensor<1x8x12x8xf32>) {
  %w0 = "top.Weight"() : () -> tensor<4x8xf32> loc("map_is_read.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<6x4x4x4xf32>, tensor<4x8xf32>, none) -> tensor<6x4x4x8xf32>
  %1 = vision.window_unpartition %0 : (tensor<6x4x4x8xf32>) -> tensor<1x8x12x8xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 6, 10, 8], axes = []} : (tensor<1x8x12x8xf32>, none, none, none) -> tensor<1x6x10x8xf32>
  return %2, %1 : tensor<1x6x10x8xf32>, tensor<1x8x12x8xf32>
}

// CHECK-LABEL: @product_is_read
// CHECK: [[P:%.*]] = "top.MatMul"(%arg0
// CHECK: vision.window_unpartition [[P]]
// CHECK: return
func.func @product_is_read(%x: tensor<6x4x4x4xf32>, %y: tensor<4x8xf32>) -> (tensor<1x6x10x8xf32>, tensor<6x4x4x8xf32>) {
  %w0 = "top.Weight"() : () -> tensor<4x8xf32> loc("product_is_read.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<6x4x4x4xf32>, tensor<4x8xf32>, none) -> tensor<6x4x4x8xf32>
  %1 = vision.window_unpartition %0 : (tensor<6x4x4x8xf32>) -> tensor<1x8x12x8xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 6, 10, 8], axes = []} : (tensor<1x8x12x8xf32>, none, none, none) -> tensor<1x6x10x8xf32>
  return %2, %0 : tensor<1x6x10x8xf32>, tensor<6x4x4x8xf32>
}

// CHECK-LABEL: @computed
// CHECK: [[P:%.*]] = "top.MatMul"(%arg0
// CHECK: vision.window_unpartition [[P]]
// CHECK: return
func.func @computed(%x: tensor<6x4x4x4xf32>, %y: tensor<4x8xf32>) -> tensor<1x6x10x8xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %y, %none) : (tensor<6x4x4x4xf32>, tensor<4x8xf32>, none) -> tensor<6x4x4x8xf32>
  %1 = vision.window_unpartition %0 : (tensor<6x4x4x8xf32>) -> tensor<1x8x12x8xf32>
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 6, 10, 8], axes = []} : (tensor<1x8x12x8xf32>, none, none, none) -> tensor<1x6x10x8xf32>
  return %2 : tensor<1x6x10x8xf32>
}
