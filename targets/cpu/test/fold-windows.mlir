// RUN: --passes=fuse-windows,fold-windows --round-trip

// Partition of a picture that is padded below and right; the product runs over the unpadded picture, and its bias is what
// the padding becomes.
// CHECK-LABEL: @padded
// CHECK: [[B:%.*]] = "top.Weight"() : () -> tensor<6xf32>
// CHECK: [[Y:%.*]] = "top.MatMul"(%arg0, {{.*}}, [[B]]) {{.*}} : (tensor<1x7x6x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<1x7x6x6xf32>
// CHECK: vision.window_partition [[Y]], [[B]] {pad_undefined = false, window_h = 4 : i64, window_w = 4 : i64}
// CHECK-NOT: top.Pad
// CHECK: return
func.func @padded(%x: tensor<1x7x6x8xf32>) -> tensor<4x4x4x6xf32> {
  %w = "top.Weight"() : () -> tensor<8x6xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<6xf32> loc("b")
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 1, 2, 0]} : (tensor<1x7x6x8xf32>) -> tensor<1x8x8x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 2, 4, 8]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 8]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<4x4x4x8xf32>
  %4 = "top.MatMul"(%3, %w, %b) : (tensor<4x4x4x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<4x4x4x6xf32>
  return %4 : tensor<4x4x4x6xf32>
}

// Padding above is no window partition of the official kind: the pad stays, and the partition is that of the padded picture.
// CHECK-LABEL: @padded_above
// CHECK: [[P:%.*]] = "top.Pad"
// CHECK: vision.window_partition [[P]]
func.func @padded_above(%x: tensor<1x7x8x8xf32>) -> tensor<4x4x4x8xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 1, 0, 0, 0, 0, 0, 0]} : (tensor<1x7x8x8xf32>) -> tensor<1x8x8x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 2, 4, 8]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 8]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<4x4x4x8xf32>
  return %3 : tensor<4x4x4x8xf32>
}

// So does padding with another value, and padding by more than the last window needs.
// CHECK-LABEL: @padded_with_ones
// CHECK: [[P:%.*]] = "top.Pad"
// CHECK: vision.window_partition [[P]]
func.func @padded_with_ones(%x: tensor<1x7x8x8xf32>) -> tensor<4x4x4x8xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 1, 0, 0], val = 1.0} : (tensor<1x7x8x8xf32>) -> tensor<1x8x8x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 2, 4, 8]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 8]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<4x4x4x8xf32>
  return %3 : tensor<4x4x4x8xf32>
}
// CHECK-LABEL: @padded_by_a_window
// CHECK: [[P:%.*]] = "top.Pad"
// CHECK: vision.window_partition [[P]]
func.func @padded_by_a_window(%x: tensor<1x4x8x8xf32>) -> tensor<4x4x4x8xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 4, 0, 0]} : (tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 2, 4, 8]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 8]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<4x4x4x8xf32>
  return %3 : tensor<4x4x4x8xf32>
}

// Another permutation is no partition.
// CHECK-LABEL: @other_order
// CHECK-NOT: vision.window_partition
// CHECK: return
func.func @other_order(%x: tensor<1x8x8x8xf32>) -> tensor<4x4x4x8xf32> {
  %1 = "top.Reshape"(%x) {shape = [1, 2, 4, 2, 4, 8]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 3, 1, 2, 4, 5]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 8]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<4x4x4x8xf32>
  return %3 : tensor<4x4x4x8xf32>
}

// A product with activations, or with a matrix for each window, stays behind the partition.
// CHECK-LABEL: @product_of_activations
// CHECK: vision.window_partition
// CHECK: top.MatMul
func.func @product_of_activations(%x: tensor<1x8x8x8xf32>, %y: tensor<8x6xf32>) -> tensor<4x4x4x6xf32> {
  %none = "top.None"() : () -> none
  %1 = "top.Reshape"(%x) {shape = [1, 2, 4, 2, 4, 8]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 8]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<4x4x4x8xf32>
  %4 = "top.MatMul"(%3, %y, %none) : (tensor<4x4x4x8xf32>, tensor<8x6xf32>, none) -> tensor<4x4x4x6xf32>
  return %4 : tensor<4x4x4x6xf32>
}
// CHECK-LABEL: @matrix_for_each_window
// CHECK: vision.window_partition
// CHECK: top.MatMul
func.func @matrix_for_each_window(%x: tensor<1x8x8x8xf32>) -> tensor<4x4x4x6xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<4x1x8x6xf32> loc("matrices")
  %1 = "top.Reshape"(%x) {shape = [1, 2, 4, 2, 4, 8]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 8]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<4x4x4x8xf32>
  %4 = "top.MatMul"(%3, %w, %none) : (tensor<4x4x4x8xf32>, tensor<4x1x8x6xf32>, none) -> tensor<4x4x4x6xf32>
  return %4 : tensor<4x4x4x6xf32>
}

// Partition, and the same put together and cropped: nothing is left.
// CHECK-LABEL: @there_and_back
// CHECK-NOT: vision.window
// CHECK-NOT: top.
// CHECK: return %arg0
func.func @there_and_back(%x: tensor<1x7x8x8xf32>) -> tensor<1x7x8x8xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 1, 0, 0]} : (tensor<1x7x8x8xf32>) -> tensor<1x8x8x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 2, 4, 2, 4, 8]} : (tensor<1x8x8x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %2 = "top.Permute"(%1) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 8]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<4x4x4x8xf32>
  %4 = "top.Reshape"(%3) {shape = [1, 2, 2, 4, 4, 8]} : (tensor<4x4x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %5 = "top.Permute"(%4) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 8, 8, 8]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x8x8x8xf32>
  %7 = "top.Slice"(%6, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 7, 8, 8]} : (tensor<1x8x8x8xf32>, none, none, none) -> tensor<1x7x8x8xf32>
  return %7 : tensor<1x7x8x8xf32>
}

// Cropping at the upper edge, or so far that a row of windows is gone, is not part of an unpartition.
// CHECK-LABEL: @cropped_above
// CHECK: vision.window_unpartition
// CHECK: top.Slice
func.func @cropped_above(%w: tensor<4x4x4x8xf32>) -> tensor<1x7x8x8xf32> {
  %none = "top.None"() : () -> none
  %4 = "top.Reshape"(%w) {shape = [1, 2, 2, 4, 4, 8]} : (tensor<4x4x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %5 = "top.Permute"(%4) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 8, 8, 8]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x8x8x8xf32>
  %7 = "top.Slice"(%6, %none, %none, %none) {offset = [0, 1, 0, 0], steps = [1, 1, 1, 1], ends = [1, 8, 8, 8]} : (tensor<1x8x8x8xf32>, none, none, none) -> tensor<1x7x8x8xf32>
  return %7 : tensor<1x7x8x8xf32>
}
// CHECK-LABEL: @cropped_by_a_window
// CHECK: vision.window_unpartition
// CHECK: top.Slice
func.func @cropped_by_a_window(%w: tensor<4x4x4x8xf32>) -> tensor<1x4x8x8xf32> {
  %none = "top.None"() : () -> none
  %4 = "top.Reshape"(%w) {shape = [1, 2, 2, 4, 4, 8]} : (tensor<4x4x4x8xf32>) -> tensor<1x2x2x4x4x8xf32>
  %5 = "top.Permute"(%4) {order = [0, 1, 3, 2, 4, 5]} : (tensor<1x2x2x4x4x8xf32>) -> tensor<1x2x4x2x4x8xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 8, 8, 8]} : (tensor<1x2x4x2x4x8xf32>) -> tensor<1x8x8x8xf32>
  %7 = "top.Slice"(%6, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 4, 8, 8]} : (tensor<1x8x8x8xf32>, none, none, none) -> tensor<1x4x8x8xf32>
  return %7 : tensor<1x4x8x8xf32>
}

// A relu would make other rows of the padding, and a bias that is no weight is no row for it.
// CHECK-LABEL: @relu_of_windows
// CHECK: [[W:%.*]] = vision.window_partition %arg0
// CHECK: "top.MatMul"([[W]]
// CHECK: return
func.func @relu_of_windows(%x: tensor<1x7x6x8xf32>) -> tensor<4x4x4x6xf32> {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x7x6x8xf32>, none) -> tensor<4x4x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("relu_of_windows.w0")
  %w1 = "top.Weight"() : () -> tensor<6xf32> loc("relu_of_windows.w1")
  %1 = "top.MatMul"(%0, %w0, %w1) {do_relu = true} : (tensor<4x4x4x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<4x4x4x6xf32>
  return %1 : tensor<4x4x4x6xf32>
}

// CHECK-LABEL: @bias_of_values
// CHECK: [[W:%.*]] = vision.window_partition %arg0
// CHECK: "top.MatMul"([[W]]
// CHECK: return
func.func @bias_of_values(%x: tensor<1x7x6x8xf32>, %y: tensor<6xf32>) -> tensor<4x4x4x6xf32> {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x7x6x8xf32>, none) -> tensor<4x4x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("bias_of_values.w0")
  %1 = "top.MatMul"(%0, %w0, %y) : (tensor<4x4x4x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<4x4x4x6xf32>
  return %1 : tensor<4x4x4x6xf32>
}

// A partition that has a row for the positions outside already: the product of that row would be another.
// CHECK-LABEL: @row_outside
// CHECK: [[W:%.*]] = vision.window_partition %arg0
// CHECK: "top.MatMul"([[W]]
// CHECK: return
func.func @row_outside(%x: tensor<1x7x6x8xf32>) -> tensor<4x4x4x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<8xf32> loc("row_outside.w0")
  %0 = vision.window_partition %x, %w0 {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x7x6x8xf32>, tensor<8xf32>) -> tensor<4x4x4x8xf32>
  %w1 = "top.Weight"() : () -> tensor<8x6xf32> loc("row_outside.w1")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%0, %w1, %none) : (tensor<4x4x4x8xf32>, tensor<8x6xf32>, none) -> tensor<4x4x4x6xf32>
  return %1 : tensor<4x4x4x6xf32>
}

// Without padding any bias is as good, and positions that nobody reads need no row.
// CHECK-LABEL: @whole_windows
// CHECK: [[Y:%.*]] = "top.MatMul"(%arg0, {{.*}} -> tensor<1x8x8x6xf32>
// CHECK: vision.window_partition [[Y]]
// CHECK: [[Z:%.*]] = "top.MatMul"(%arg1, {{.*}} -> tensor<1x7x6x6xf32>
// CHECK: vision.window_partition [[Z]], %{{.*}} {pad_undefined = true
// CHECK: return
func.func @whole_windows(%x: tensor<1x8x8x8xf32>, %y: tensor<1x7x6x8xf32>, %z: tensor<6xf32>) -> (tensor<4x4x4x6xf32>, tensor<4x4x4x6xf32>) {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x8x8xf32>, none) -> tensor<4x4x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("whole_windows.w0")
  %1 = "top.MatMul"(%0, %w0, %z) : (tensor<4x4x4x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<4x4x4x6xf32>
  %2 = vision.window_partition %y, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = true} : (tensor<1x7x6x8xf32>, none) -> tensor<4x4x4x8xf32>
  %w1 = "top.Weight"() : () -> tensor<8x6xf32> loc("whole_windows.w1")
  %w2 = "top.Weight"() : () -> tensor<6xf32> loc("whole_windows.w2")
  %3 = "top.MatMul"(%2, %w1, %w2) : (tensor<4x4x4x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<4x4x4x6xf32>
  return %1, %3 : tensor<4x4x4x6xf32>, tensor<4x4x4x6xf32>
}

// Zeros are padded, then a row outside: both are wanted.
// CHECK-LABEL: @padded_row
// CHECK: [[P:%.*]] = "top.Pad"
// CHECK: vision.window_partition [[P]]
// CHECK: return
func.func @padded_row(%x: tensor<1x7x6x8xf32>) -> tensor<4x4x4x8xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 1, 0, 0]} : (tensor<1x7x6x8xf32>) -> tensor<1x8x6x8xf32>
  %w0 = "top.Weight"() : () -> tensor<8xf32> loc("padded_row.w0")
  %1 = vision.window_partition %0, %w0 {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x6x8xf32>, tensor<8xf32>) -> tensor<4x4x4x8xf32>
  return %1 : tensor<4x4x4x8xf32>
}

// Padding by more than the last window needs, to the right.
// CHECK-LABEL: @wide_pad
// CHECK: [[P:%.*]] = "top.Pad"
// CHECK: vision.window_partition [[P]]
// CHECK: return
func.func @wide_pad(%x: tensor<1x8x4x8xf32>) -> tensor<4x4x4x8xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0, 0, 0, 4, 0]} : (tensor<1x8x4x8xf32>) -> tensor<1x8x8x8xf32>
  %none = "top.None"() : () -> none
  %1 = vision.window_partition %0, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x8x8xf32>, none) -> tensor<4x4x4x8xf32>
  return %1 : tensor<4x4x4x8xf32>
}

// A crop of channels, of columns by a window, or not from the first on is none of the map alone.
// CHECK-LABEL: @cropped_columns
// CHECK-COUNT-3: top.Slice
// CHECK: return
func.func @cropped_columns(%x: tensor<4x4x4x8xf32>) -> (tensor<1x7x8x6xf32>, tensor<1x8x4x8xf32>, tensor<1x8x7x8xf32>) {
  %0 = vision.window_unpartition %x : (tensor<4x4x4x8xf32>) -> tensor<1x8x8x8xf32>
  %none = "top.None"() : () -> none
  %1 = "top.Slice"(%0, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 7, 8, 6], axes = []} : (tensor<1x8x8x8xf32>, none, none, none) -> tensor<1x7x8x6xf32>
  %2 = "top.Slice"(%0, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [1, 8, 4, 8], axes = []} : (tensor<1x8x8x8xf32>, none, none, none) -> tensor<1x8x4x8xf32>
  %3 = "top.Slice"(%0, %none, %none, %none) {offset = [0, 0, 1, 0], steps = [1, 1, 1, 1], ends = [1, 8, 8, 8], axes = []} : (tensor<1x8x8x8xf32>, none, none, none) -> tensor<1x8x7x8xf32>
  return %1, %2, %3 : tensor<1x7x8x6xf32>, tensor<1x8x4x8xf32>, tensor<1x8x7x8xf32>
}

// Windows put together to another map than they were cut from.
// CHECK-LABEL: @other_map
// CHECK: vision.window_partition
// CHECK: vision.window_unpartition
// CHECK: return
func.func @other_map(%x: tensor<1x8x8x8xf32>) -> tensor<1x7x8x8xf32> {
  %none = "top.None"() : () -> none
  %0 = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x8x8x8xf32>, none) -> tensor<4x4x4x8xf32>
  %1 = vision.window_unpartition %0 : (tensor<4x4x4x8xf32>) -> tensor<1x7x8x8xf32>
  return %1 : tensor<1x7x8x8xf32>
}
