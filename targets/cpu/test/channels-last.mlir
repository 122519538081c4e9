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

// Nor these: a batch of images, a filter that is computed.
// CHECK-LABEL: @convolutions_of_a_batch
// CHECK-NOT: cpu.run
// CHECK: return
func.func @convolutions_of_a_batch(%x: tensor<2x8x4x4xf32>, %y: tensor<1x8x4x4xf32>, %z: tensor<8x8x3x3xf32>) -> (tensor<2x8x4x4xf32>, tensor<1x8x4x4xf32>) {
  %w0 = "top.Weight"() : () -> tensor<8x8x3x3xf32> loc("convolutions_of_a_batch.w0")
  %none = "top.None"() : () -> none
  %0 = "top.Conv"(%x, %w0, %none) {kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1]} : (tensor<2x8x4x4xf32>, tensor<8x8x3x3xf32>, none) -> tensor<2x8x4x4xf32>
  %1 = "top.Conv"(%y, %z, %none) {kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1]} : (tensor<1x8x4x4xf32>, tensor<8x8x3x3xf32>, none) -> tensor<1x8x4x4xf32>
  return %0, %1 : tensor<2x8x4x4xf32>, tensor<1x8x4x4xf32>
}

// Several results for each channel are none of the depthwise kernel.
// CHECK-LABEL: @depthwise_to_more
// CHECK-NOT: cpu.run
// CHECK: return
func.func @depthwise_to_more(%x: tensor<1x8x4x4xf32>) -> tensor<1x16x4x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x1x3x3xf32> loc("depthwise_to_more.w0")
  %none = "top.None"() : () -> none
  %0 = "top.Conv"(%x, %w0, %none) {kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1], group = 8} : (tensor<1x8x4x4xf32>, tensor<16x1x3x3xf32>, none) -> tensor<1x16x4x4xf32>
  return %0 : tensor<1x16x4x4xf32>
}

// Only images of few channels are read as they are.
// CHECK-LABEL: @many_channels
// CHECK: cpu.run "conv"({{.*}}src_nchw = 0
// CHECK: return
func.func @many_channels(%x: tensor<1x5x8x8xf32>) -> tensor<1x8x8x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x5x3x3xf32> loc("many_channels.w0")
  %none = "top.None"() : () -> none
  %0 = "top.Conv"(%x, %w0, %none) {kernel_shape = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1]} : (tensor<1x5x8x8xf32>, tensor<8x5x3x3xf32>, none) -> tensor<1x8x8x8xf32>
  return %0 : tensor<1x8x8x8xf32>
}

// A batch, a filter that is computed, groups, a limited relu, padding, and cells that are cut or apart.
// CHECK-LABEL: @deconvolutions
// CHECK-NOT: cpu.run
// CHECK: return
func.func @deconvolutions(%x: tensor<2x8x4x4xf32>, %y: tensor<1x8x4x4xf32>, %z: tensor<4x8x2x2xf32>) -> (tensor<2x4x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x8x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x4x6x6xf32>, tensor<1x4x8x9xf32>, tensor<1x4x11x11xf32>) {
  %w0 = "top.Weight"() : () -> tensor<4x8x2x2xf32> loc("deconvolutions.w0")
  %none = "top.None"() : () -> none
  %0 = "top.Deconv"(%x, %w0, %none) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<2x8x4x4xf32>, tensor<4x8x2x2xf32>, none) -> tensor<2x4x8x8xf32>
  %1 = "top.Deconv"(%y, %z, %none) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<1x8x4x4xf32>, tensor<4x8x2x2xf32>, none) -> tensor<1x4x8x8xf32>
  %w1 = "top.Weight"() : () -> tensor<4x8x2x2xf32> loc("deconvolutions.w1")
  %2 = "top.Deconv"(%y, %w1, %none) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], group = 2} : (tensor<1x8x4x4xf32>, tensor<4x8x2x2xf32>, none) -> tensor<1x8x8x8xf32>
  %w2 = "top.Weight"() : () -> tensor<4x8x2x2xf32> loc("deconvolutions.w2")
  %3 = "top.Deconv"(%y, %w2, %none) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], do_relu = true, relu_limit = 6.0} : (tensor<1x8x4x4xf32>, tensor<4x8x2x2xf32>, none) -> tensor<1x4x8x8xf32>
  %w3 = "top.Weight"() : () -> tensor<4x8x2x2xf32> loc("deconvolutions.w3")
  %4 = "top.Deconv"(%y, %w3, %none) {kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1]} : (tensor<1x8x4x4xf32>, tensor<4x8x2x2xf32>, none) -> tensor<1x4x6x6xf32>
  %w4 = "top.Weight"() : () -> tensor<4x8x2x3xf32> loc("deconvolutions.w4")
  %5 = "top.Deconv"(%y, %w4, %none) {kernel_shape = [2, 3], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<1x8x4x4xf32>, tensor<4x8x2x3xf32>, none) -> tensor<1x4x8x9xf32>
  %w5 = "top.Weight"() : () -> tensor<4x8x2x2xf32> loc("deconvolutions.w5")
  %6 = "top.Deconv"(%y, %w5, %none) {kernel_shape = [2, 2], strides = [3, 3], pads = [0, 0, 0, 0]} : (tensor<1x8x4x4xf32>, tensor<4x8x2x2xf32>, none) -> tensor<1x4x11x11xf32>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<2x4x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x8x8x8xf32>, tensor<1x4x8x8xf32>, tensor<1x4x6x6xf32>, tensor<1x4x8x9xf32>, tensor<1x4x11x11xf32>
}

// Pools with a relu, with padding, or that overlap.
// CHECK-LABEL: @other_pools
// CHECK-NOT: cpu.run
// CHECK: return
func.func @other_pools(%x: tensor<1x3x4x6xf32>) -> (tensor<1x3x2x3xf32>, tensor<1x3x3x4xf32>, tensor<1x3x3x5xf32>) {
  %0 = "top.MaxPool"(%x) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0], do_relu = true} : (tensor<1x3x4x6xf32>) -> tensor<1x3x2x3xf32>
  %1 = "top.MaxPool"(%x) {kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1]} : (tensor<1x3x4x6xf32>) -> tensor<1x3x3x4xf32>
  %2 = "top.MaxPool"(%x) {kernel_shape = [2, 2], strides = [1, 1], pads = [0, 0, 0, 0]} : (tensor<1x3x4x6xf32>) -> tensor<1x3x3x5xf32>
  return %0, %1, %2 : tensor<1x3x2x3xf32>, tensor<1x3x3x4xf32>, tensor<1x3x3x5xf32>
}

// CHECK-LABEL: @linear
// CHECK: cpu.run "interp_linear"(%arg0) {in_h = 4 : i64, in_w = 4 : i64, out_h = 7 : i64, out_w = 9 : i64, planes = 8 : i64}
// CHECK: return
func.func @linear(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x7x9xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.Interp"(%x, %none) {mode = "linear", coord_mode = "half_pixel", scale_h = 1.75, scale_w = 2.25} : (tensor<1x8x4x4xf32>, none) -> tensor<1x8x7x9xf32>
  return %0 : tensor<1x8x7x9xf32>
}

// A batch, cubic, other coordinates, and factors that are not whole.
// CHECK-LABEL: @other_interps
// CHECK-NOT: cpu.run
// CHECK: return
func.func @other_interps(%x: tensor<2x8x4x4xf32>, %y: tensor<1x8x4x4xf32>) -> (tensor<2x8x8x8xf32>, tensor<1x8x8x8xf32>, tensor<1x8x8x8xf32>, tensor<1x8x7x8xf32>, tensor<1x8x8x7xf32>, tensor<1x8x2x2xf32>) {
  %none = "top.None"() : () -> none
  %0 = "top.Interp"(%x, %none) {mode = "linear", coord_mode = "half_pixel", scale_h = 2.0, scale_w = 2.0} : (tensor<2x8x4x4xf32>, none) -> tensor<2x8x8x8xf32>
  %1 = "top.Interp"(%y, %none) {mode = "cubic", coord_mode = "half_pixel", scale_h = 2.0, scale_w = 2.0} : (tensor<1x8x4x4xf32>, none) -> tensor<1x8x8x8xf32>
  %2 = "top.Interp"(%y, %none) {mode = "linear", coord_mode = "align_corners", scale_h = 2.0, scale_w = 2.0} : (tensor<1x8x4x4xf32>, none) -> tensor<1x8x8x8xf32>
  %3 = "top.Interp"(%y, %none) {mode = "nearest", coord_mode = "asymmetric", scale_h = 1.75, scale_w = 2.0} : (tensor<1x8x4x4xf32>, none) -> tensor<1x8x7x8xf32>
  %4 = "top.Interp"(%y, %none) {mode = "nearest", coord_mode = "asymmetric", scale_h = 2.0, scale_w = 1.75} : (tensor<1x8x4x4xf32>, none) -> tensor<1x8x8x7xf32>
  %5 = "top.Interp"(%y, %none) {mode = "nearest", coord_mode = "asymmetric", scale_h = 0.5, scale_w = 0.5} : (tensor<1x8x4x4xf32>, none) -> tensor<1x8x2x2xf32>
  return %0, %1, %2, %3, %4, %5 : tensor<2x8x8x8xf32>, tensor<1x8x8x8xf32>, tensor<1x8x8x8xf32>, tensor<1x8x7x8xf32>, tensor<1x8x8x7xf32>, tensor<1x8x2x2xf32>
}

// Channels of three dimensions.
// CHECK-LABEL: @norm_of_rows
// CHECK-NOT: cpu.run
// CHECK: return
func.func @norm_of_rows(%x: tensor<1x8x4xf32>) -> tensor<1x8x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<8xf32> loc("norm_of_rows.w0")
  %none = "top.None"() : () -> none
  %0 = "top.PixelNorm"(%x, %w0, %none) {eps = 1.0e-6} : (tensor<1x8x4xf32>, tensor<8xf32>, none) -> tensor<1x8x4xf32>
  return %0 : tensor<1x8x4xf32>
}
