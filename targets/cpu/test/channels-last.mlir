// RUN: --passes=channels-last --round-trip

// A picture with few channels is read as it is (NCHW); the result is NHWC between permutes.
// CHECK-LABEL: @patch_embedding
// CHECK: [[Y:%.*]] = cpu.run "conv"(%arg0, {{.*}}src_nchw = 1{{.*}}weight_layout = "o_ihw"
// CHECK-SAME: -> tensor<1x4x4x8xf32>
// CHECK: "top.Permute"([[Y]]) {order = [0, 3, 1, 2]}
func.func @patch_embedding(%x: tensor<1x3x16x16xf32>) -> tensor<1x8x4x4xf32> {
  %w = "top.Weight"() : () -> tensor<8x3x7x7xf32> loc("patch.w")
  %b = "top.Weight"() : () -> tensor<8xf32> loc("patch.b")
  %0 = "top.Conv"(%x, %w, %b) {kernel_shape = [7, 7], strides = [4, 4], pads = [3, 3, 3, 3]} : (tensor<1x3x16x16xf32>, tensor<8x3x7x7xf32>, tensor<8xf32>) -> tensor<1x8x4x4xf32>
  return %0 : tensor<1x8x4x4xf32>
}

// What a permute made is better read as NHWC.
// CHECK-LABEL: @after_a_permute
// CHECK: cpu.run "conv"({{.*}}src_nchw = 0{{.*}}weight_layout = "o_hwi"
func.func @after_a_permute(%x: tensor<1x8x8x3xf32>) -> tensor<1x8x4x4xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x3x2x2xf32> loc("few.w")
  %p = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x8x8x3xf32>) -> tensor<1x3x8x8xf32>
  %0 = "top.Conv"(%p, %w, %none) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<1x3x8x8xf32>, tensor<8x3x2x2xf32>, none) -> tensor<1x8x4x4xf32>
  return %0 : tensor<1x8x4x4xf32>
}

// 1x1 of stride 1 is a matrix product; of stride 2 it is not.
// CHECK-LABEL: @one_by_one
// CHECK: cpu.run "matmul"({{.*}}activation = "relu"{{.*}}k = 8 : i64, n = 6 : i64{{.*}}weight_layout = "nk"
func.func @one_by_one(%x: tensor<1x8x4x4xf32>) -> tensor<1x6x4x4xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<6x8x1x1xf32> loc("one.w")
  %0 = "top.Conv"(%x, %w, %none) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0], do_relu = true} : (tensor<1x8x4x4xf32>, tensor<6x8x1x1xf32>, none) -> tensor<1x6x4x4xf32>
  return %0 : tensor<1x6x4x4xf32>
}
// CHECK-LABEL: @one_by_one_of_stride_two
// CHECK: cpu.run "conv"
func.func @one_by_one_of_stride_two(%x: tensor<1x8x4x4xf32>) -> tensor<1x6x2x2xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<6x8x1x1xf32> loc("two.w")
  %0 = "top.Conv"(%x, %w, %none) {kernel_shape = [1, 1], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<1x8x4x4xf32>, tensor<6x8x1x1xf32>, none) -> tensor<1x6x2x2xf32>
  return %0 : tensor<1x6x2x2xf32>
}

// CHECK-LABEL: @depthwise
// CHECK: cpu.run "depthwise_conv"({{.*}}weight_layout = "chw_to_hwc"
func.func @depthwise(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x1x7x7xf32> loc("depth.w")
  %0 = "top.Conv"(%x, %w, %none) {kernel_shape = [7, 7], strides = [1, 1], pads = [3, 3, 3, 3], group = 8} : (tensor<1x8x4x4xf32>, tensor<8x1x7x7xf32>, none) -> tensor<1x8x4x4xf32>
  return %0 : tensor<1x8x4x4xf32>
}

// No kernel has these: two groups, holes, a limited relu.
// CHECK-LABEL: @other_convolutions
// CHECK-NOT: cpu.run
// CHECK: return
func.func @other_convolutions(%x: tensor<1x8x4x4xf32>) -> (tensor<1x8x4x4xf32>, tensor<1x8x2x2xf32>, tensor<1x8x4x4xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x4x1x1xf32> loc("groups.w")
  %h = "top.Weight"() : () -> tensor<8x8x2x2xf32> loc("holes.w")
  %l = "top.Weight"() : () -> tensor<8x8x1x1xf32> loc("limit.w")
  %0 = "top.Conv"(%x, %w, %none) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0], group = 2} : (tensor<1x8x4x4xf32>, tensor<8x4x1x1xf32>, none) -> tensor<1x8x4x4xf32>
  %1 = "top.Conv"(%x, %h, %none) {kernel_shape = [2, 2], strides = [1, 1], pads = [0, 0, 0, 0], dilations = [2, 2]} : (tensor<1x8x4x4xf32>, tensor<8x8x2x2xf32>, none) -> tensor<1x8x2x2xf32>
  %2 = "top.Conv"(%x, %l, %none) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0], do_relu = true, relu_limit = 6.0} : (tensor<1x8x4x4xf32>, tensor<8x8x1x1xf32>, none) -> tensor<1x8x4x4xf32>
  return %0, %1, %2 : tensor<1x8x4x4xf32>, tensor<1x8x2x2xf32>, tensor<1x8x4x4xf32>
}

// CHECK-LABEL: @upscaling
// CHECK: cpu.run "deconv2x2"({{.*}}in_c = 8 : i64, out_c = 4 : i64
// CHECK: cpu.run "layer_norm"
// CHECK: cpu.run "upsample_nearest"({{.*}}scale = 2 : i64
func.func @upscaling(%x: tensor<1x8x4x4xf32>) -> tensor<1x4x16x16xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<4x8x2x2xf32> loc("up.w")
  %s = "top.Weight"() : () -> tensor<4xf32> loc("up.s")
  %0 = "top.Deconv"(%x, %w, %none) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<1x8x4x4xf32>, tensor<4x8x2x2xf32>, none) -> tensor<1x4x8x8xf32>
  %1 = "top.PixelNorm"(%0, %s, %none) {eps = 1.0e-6} : (tensor<1x4x8x8xf32>, tensor<4xf32>, none) -> tensor<1x4x8x8xf32>
  %2 = "top.Interp"(%1, %none) {mode = "nearest", coord_mode = "asymmetric", scale_h = 2.0, scale_w = 2.0} : (tensor<1x4x8x8xf32>, none) -> tensor<1x4x16x16xf32>
  return %2 : tensor<1x4x16x16xf32>
}

// Aligned corners pick other pixels, and overlapping deconvolutions are another kernel.
// CHECK-LABEL: @other_upscaling
// CHECK-NOT: cpu.run
// CHECK: return
func.func @other_upscaling(%x: tensor<1x8x4x4xf32>) -> (tensor<1x8x8x8xf32>, tensor<1x4x9x9xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<4x8x3x3xf32> loc("over.w")
  %0 = "top.Interp"(%x, %none) {mode = "nearest", coord_mode = "align_corners", scale_h = 2.0, scale_w = 2.0} : (tensor<1x8x4x4xf32>, none) -> tensor<1x8x8x8xf32>
  %1 = "top.Deconv"(%x, %w, %none) {kernel_shape = [3, 3], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>, none) -> tensor<1x4x9x9xf32>
  return %0, %1 : tensor<1x8x8x8xf32>, tensor<1x4x9x9xf32>
}

// CHECK-LABEL: @pooling
// CHECK: cpu.run "max_pool"({{.*}}in_h = 8 : i64
// CHECK: top.MaxPool
// CHECK: return
func.func @pooling(%x: tensor<2x3x4x6xf32>, %y: tensor<1x3x5x6xf32>) -> (tensor<2x3x2x3xf32>, tensor<1x3x2x3xf32>) {
  %0 = "top.MaxPool"(%x) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<2x3x4x6xf32>) -> tensor<2x3x2x3xf32>
  %1 = "top.MaxPool"(%y) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<1x3x5x6xf32>) -> tensor<1x3x2x3xf32>
  return %0, %1 : tensor<2x3x2x3xf32>, tensor<1x3x2x3xf32>
}
