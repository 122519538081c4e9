// RUN: --passes=fuse-bias --round-trip

// CHECK: @product
// CHECK: [[B:%.*]] = "top.Weight"() : () -> tensor<6xf32>
// CHECK: "top.MatMul"({{.*}}, [[B]]){{.*}}do_relu = true
// CHECK-NOT: "top.Add"
// CHECK: return
func.func @product(%x: tensor<2x4x8xf32>) -> tensor<2x4x6xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x6xf32> loc("w")
  %row = "top.Weight"() : () -> tensor<1x1x6xf32> loc("row")
  %0 = "top.MatMul"(%x, %w, %none) : (tensor<2x4x8xf32>, tensor<8x6xf32>, none) -> tensor<2x4x6xf32> loc("product")
  %1 = "top.Add"(%row, %0) {do_relu = true} : (tensor<1x1x6xf32>, tensor<2x4x6xf32>) -> tensor<2x4x6xf32> loc("sum")
  return %1 : tensor<2x4x6xf32>
}

// Added to a bias that is there already.
// CHECK: @channels
// CHECK: [[B:%.*]] = "top.Weight"() : () -> tensor<6xf32>
// CHECK: "top.Conv"({{.*}}, [[B]])
// CHECK-NOT: "top.Add"
// CHECK: return
func.func @channels(%x: tensor<1x8x4x4xf32>) -> tensor<1x6x4x4xf32> {
  %w = "top.Weight"() : () -> tensor<6x8x1x1xf32> loc("cw")
  %b = "top.Weight"() : () -> tensor<6xf32> loc("cb")
  %row = "top.Weight"() : () -> tensor<6x1x1xf32> loc("crow")
  %0 = "top.Conv"(%x, %w, %b) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0]} : (tensor<1x8x4x4xf32>, tensor<6x8x1x1xf32>, tensor<6xf32>) -> tensor<1x6x4x4xf32> loc("conv")
  %1 = "top.Add"(%0, %row) : (tensor<1x6x4x4xf32>, tensor<6x1x1xf32>) -> tensor<1x6x4x4xf32> loc("csum")
  return %1 : tensor<1x6x4x4xf32>
}

// Not a bias: a column, a row along a picture's width, a row that is no weight.
// CHECK: @other_rows
// CHECK-COUNT-3: "top.Add"
// CHECK: return
func.func @other_rows(%x: tensor<1x4x6x6xf32>, %y: tensor<6x6xf32>, %r: tensor<6xf32>) -> (tensor<1x6x6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>) {
  %none = "top.None"() : () -> none
  %f = "top.Weight"() : () -> tensor<6x4x1x1xf32> loc("of")
  %w = "top.Weight"() : () -> tensor<6x6xf32> loc("ow")
  %width = "top.Weight"() : () -> tensor<6xf32> loc("width")
  %column = "top.Weight"() : () -> tensor<6x1xf32> loc("column")
  %0 = "top.Conv"(%x, %f, %none) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0]} : (tensor<1x4x6x6xf32>, tensor<6x4x1x1xf32>, none) -> tensor<1x6x6x6xf32> loc("o0")
  %1 = "top.Add"(%0, %width) : (tensor<1x6x6x6xf32>, tensor<6xf32>) -> tensor<1x6x6x6xf32> loc("o1")
  %2 = "top.MatMul"(%y, %w, %none) : (tensor<6x6xf32>, tensor<6x6xf32>, none) -> tensor<6x6xf32> loc("o2")
  %3 = "top.Add"(%2, %column) : (tensor<6x6xf32>, tensor<6x1xf32>) -> tensor<6x6xf32> loc("o3")
  %4 = "top.MatMul"(%y, %w, %none) : (tensor<6x6xf32>, tensor<6x6xf32>, none) -> tensor<6x6xf32> loc("o4")
  %5 = "top.Add"(%4, %r) : (tensor<6x6xf32>, tensor<6xf32>) -> tensor<6x6xf32> loc("o5")
  return %1, %3, %5 : tensor<1x6x6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>
}

// A relu between them, or a product that somebody else reads.
// CHECK: @in_between
// CHECK-COUNT-2: "top.Add"
// CHECK: return
func.func @in_between(%y: tensor<6x6xf32>) -> (tensor<6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<6x6xf32> loc("iw")
  %row = "top.Weight"() : () -> tensor<6xf32> loc("irow")
  %0 = "top.MatMul"(%y, %w, %none) {do_relu = true} : (tensor<6x6xf32>, tensor<6x6xf32>, none) -> tensor<6x6xf32> loc("i0")
  %1 = "top.Add"(%0, %row) : (tensor<6x6xf32>, tensor<6xf32>) -> tensor<6x6xf32> loc("i1")
  %2 = "top.MatMul"(%y, %w, %none) : (tensor<6x6xf32>, tensor<6x6xf32>, none) -> tensor<6x6xf32> loc("i2")
  %3 = "top.Add"(%2, %row) : (tensor<6x6xf32>, tensor<6xf32>) -> tensor<6x6xf32> loc("i3")
  return %1, %2, %3 : tensor<6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>
}

// Three operands, a sum that repeats the product, one of no product, and a bias that is computed.
// CHECK-LABEL: @sums_of_others
// CHECK-COUNT-4: "top.Add"
// CHECK: return
func.func @sums_of_others(%x: tensor<6x6xf32>, %y: tensor<6xf32>) -> (tensor<6x6xf32>, tensor<2x6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>) {
  %w0 = "top.Weight"() : () -> tensor<6xf32> loc("sums_of_others.w0")
  %w1 = "top.Weight"() : () -> tensor<6x6xf32> loc("sums_of_others.w1")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w1, %none) : (tensor<6x6xf32>, tensor<6x6xf32>, none) -> tensor<6x6xf32>
  %1 = "top.Add"(%0, %w0, %w0) : (tensor<6x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<6x6xf32>
  %w2 = "top.Weight"() : () -> tensor<6x6xf32> loc("sums_of_others.w2")
  %2 = "top.MatMul"(%x, %w2, %none) : (tensor<6x6xf32>, tensor<6x6xf32>, none) -> tensor<6x6xf32>
  %w3 = "top.Weight"() : () -> tensor<2x1x6xf32> loc("sums_of_others.w3")
  %3 = "top.Add"(%2, %w3) : (tensor<6x6xf32>, tensor<2x1x6xf32>) -> tensor<2x6x6xf32>
  %4 = "top.Add"(%x, %w0) : (tensor<6x6xf32>, tensor<6xf32>) -> tensor<6x6xf32>
  %w4 = "top.Weight"() : () -> tensor<6x6xf32> loc("sums_of_others.w4")
  %5 = "top.MatMul"(%x, %w4, %y) : (tensor<6x6xf32>, tensor<6x6xf32>, tensor<6xf32>) -> tensor<6x6xf32>
  %6 = "top.Add"(%5, %w0) : (tensor<6x6xf32>, tensor<6xf32>) -> tensor<6x6xf32>
  return %1, %3, %4, %6 : tensor<6x6xf32>, tensor<2x6x6xf32>, tensor<6x6xf32>, tensor<6x6xf32>
}

// Channels of a deconvolution; of a convolution with a relu they stay.
// CHECK-LABEL: @deconvolution
// CHECK: "top.Deconv"({{.*}} : (tensor<1x4x3x3xf32>, tensor<6x4x2x2xf32>, tensor<6xf32>)
// CHECK-NOT: "top.Add"
// CHECK: do_relu = true
// CHECK: "top.Add"
// CHECK: return
func.func @deconvolution(%x: tensor<1x4x3x3xf32>) -> (tensor<1x6x6x6xf32>, tensor<1x6x3x3xf32>) {
  %w0 = "top.Weight"() : () -> tensor<1x6x1x1xf32> loc("deconvolution.w0")
  %w1 = "top.Weight"() : () -> tensor<6x4x2x2xf32> loc("deconvolution.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Deconv"(%x, %w1, %none) {kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]} : (tensor<1x4x3x3xf32>, tensor<6x4x2x2xf32>, none) -> tensor<1x6x6x6xf32>
  %1 = "top.Add"(%0, %w0) : (tensor<1x6x6x6xf32>, tensor<1x6x1x1xf32>) -> tensor<1x6x6x6xf32>
  %w2 = "top.Weight"() : () -> tensor<6x4x1x1xf32> loc("deconvolution.w2")
  %2 = "top.Conv"(%x, %w2, %none) {kernel_shape = [1, 1], strides = [1, 1], pads = [0, 0, 0, 0], do_relu = true} : (tensor<1x4x3x3xf32>, tensor<6x4x1x1xf32>, none) -> tensor<1x6x3x3xf32>
  %3 = "top.Add"(%2, %w0) : (tensor<1x6x3x3xf32>, tensor<1x6x1x1xf32>) -> tensor<1x6x3x3xf32>
  return %1, %3 : tensor<1x6x6x6xf32>, tensor<1x6x3x3xf32>
}
