// RUN: --passes=conv-products --round-trip

// The product comes before the permute, with the filter as it lies.
// CHECK-LABEL: @plain
// CHECK: [[P:%.*]] = "top.MatMul"(%arg0, {{.*}}right_transpose = true{{.*}} : (tensor<1x4x6x8xf32>, tensor<4x8xf32>, tensor<4xf32>)
// CHECK: "top.Permute"([[P]]) {{.*}}[0, 3, 1, 2]
// CHECK-NOT: top.Conv
// CHECK: return
func.func @plain(%x: tensor<1x4x6x8xf32>) -> tensor<1x4x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %w0 = "top.Weight"() : () -> tensor<4x8x1x1xf32> loc("plain.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("plain.w1")
  %1 = "top.Conv"(%0, %w0, %w1) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0]} : (tensor<1x8x4x6xf32>, tensor<4x8x1x1xf32>, tensor<4xf32>) -> tensor<1x4x4x6xf32>
  return %1 : tensor<1x4x4x6xf32>
}

// Left alone: 3 x 3, a map that is NCHW anyway, an activation.
// CHECK-LABEL: @three_by_three
// CHECK: top.Conv
// CHECK: return
func.func @three_by_three(%x: tensor<1x4x6x8xf32>) -> tensor<1x4x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %w0 = "top.Weight"() : () -> tensor<4x8x3x3xf32> loc("three_by_three.w0")
  %none = "top.None"() : () -> none
  %1 = "top.Conv"(%0, %w0, %none) {kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1]} : (tensor<1x8x4x6xf32>, tensor<4x8x3x3xf32>, none) -> tensor<1x4x4x6xf32>
  return %1 : tensor<1x4x4x6xf32>
}

// CHECK-LABEL: @no_permute
// CHECK: top.Conv
// CHECK: return
func.func @no_permute(%x: tensor<1x8x4x6xf32>) -> tensor<1x4x4x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<4x8x1x1xf32> loc("no_permute.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("no_permute.w1")
  %0 = "top.Conv"(%x, %w0, %w1) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0]} : (tensor<1x8x4x6xf32>, tensor<4x8x1x1xf32>, tensor<4xf32>) -> tensor<1x4x4x6xf32>
  return %0 : tensor<1x4x4x6xf32>
}

// CHECK-LABEL: @relu
// CHECK: top.Conv
// CHECK: return
func.func @relu(%x: tensor<1x4x6x8xf32>) -> tensor<1x4x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %w0 = "top.Weight"() : () -> tensor<4x8x1x1xf32> loc("relu.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("relu.w1")
  %1 = "top.Conv"(%0, %w0, %w1) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0], do_relu = true} : (tensor<1x8x4x6xf32>, tensor<4x8x1x1xf32>, tensor<4xf32>) -> tensor<1x4x4x6xf32>
  return %1 : tensor<1x4x4x6xf32>
}

// A stride, groups, padding, a filter or a bias that is computed, another order of the axes.
// CHECK-LABEL: @strides
// CHECK: top.Conv
// CHECK: return
func.func @strides(%x: tensor<1x4x6x8xf32>) -> tensor<1x4x2x3xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %w0 = "top.Weight"() : () -> tensor<4x8x1x1xf32> loc("strides.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("strides.w1")
  %1 = "top.Conv"(%0, %w0, %w1) {kernel_shape = [1, 1], strides = [2, 2], pads = [0, 0, 0, 0], group = 1} : (tensor<1x8x4x6xf32>, tensor<4x8x1x1xf32>, tensor<4xf32>) -> tensor<1x4x2x3xf32>
  return %1 : tensor<1x4x2x3xf32>
}

// CHECK-LABEL: @groups
// CHECK: top.Conv
// CHECK: return
func.func @groups(%x: tensor<1x4x6x8xf32>) -> tensor<1x4x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %w0 = "top.Weight"() : () -> tensor<4x4x1x1xf32> loc("groups.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("groups.w1")
  %1 = "top.Conv"(%0, %w0, %w1) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0], group = 2} : (tensor<1x8x4x6xf32>, tensor<4x4x1x1xf32>, tensor<4xf32>) -> tensor<1x4x4x6xf32>
  return %1 : tensor<1x4x4x6xf32>
}

// CHECK-LABEL: @padding
// CHECK: top.Conv
// CHECK: return
func.func @padding(%x: tensor<1x4x6x8xf32>) -> tensor<1x4x6x8xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %w0 = "top.Weight"() : () -> tensor<4x8x1x1xf32> loc("padding.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("padding.w1")
  %1 = "top.Conv"(%0, %w0, %w1) {kernel_shape = [1, 1], strides = [1, 1], pads = [1, 1, 1, 1], group = 1} : (tensor<1x8x4x6xf32>, tensor<4x8x1x1xf32>, tensor<4xf32>) -> tensor<1x4x6x8xf32>
  return %1 : tensor<1x4x6x8xf32>
}

// CHECK-LABEL: @computed_filter
// CHECK: top.Conv
// CHECK: return
func.func @computed_filter(%x: tensor<1x4x6x8xf32>, %y: tensor<4x8x1x1xf32>) -> tensor<1x4x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %w0 = "top.Weight"() : () -> tensor<4xf32> loc("computed_filter.w0")
  %1 = "top.Conv"(%0, %y, %w0) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0], group = 1} : (tensor<1x8x4x6xf32>, tensor<4x8x1x1xf32>, tensor<4xf32>) -> tensor<1x4x4x6xf32>
  return %1 : tensor<1x4x4x6xf32>
}

// CHECK-LABEL: @computed_bias
// CHECK: top.Conv
// CHECK: return
func.func @computed_bias(%x: tensor<1x4x6x8xf32>, %y: tensor<4xf32>) -> tensor<1x4x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %w0 = "top.Weight"() : () -> tensor<4x8x1x1xf32> loc("computed_bias.w0")
  %1 = "top.Conv"(%0, %w0, %y) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0], group = 1} : (tensor<1x8x4x6xf32>, tensor<4x8x1x1xf32>, tensor<4xf32>) -> tensor<1x4x4x6xf32>
  return %1 : tensor<1x4x4x6xf32>
}

// CHECK-LABEL: @other_order
// CHECK: top.Conv
// CHECK: return
func.func @other_order(%x: tensor<1x4x6x8xf32>) -> tensor<1x4x6x4xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 2, 1]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x6x4xf32>
  %w0 = "top.Weight"() : () -> tensor<4x8x1x1xf32> loc("other_order.w0")
  %w1 = "top.Weight"() : () -> tensor<4xf32> loc("other_order.w1")
  %1 = "top.Conv"(%0, %w0, %w1) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0], group = 1} : (tensor<1x8x6x4xf32>, tensor<4x8x1x1xf32>, tensor<4xf32>) -> tensor<1x4x6x4xf32>
  return %1 : tensor<1x4x6x4xf32>
}
