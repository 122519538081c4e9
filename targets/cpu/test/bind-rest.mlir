// RUN: --passes=bind-rest --round-trip

// CHECK-LABEL: @kernels
// CHECK: cpu.run "unary"(%arg0) {op = "gelu"}
// CHECK: cpu.run "unary"({{.*}}alpha = -1.000000e+00 : f64, beta = 2.000000e+00 : f64, op = "affine"
// CHECK: cpu.run "binary"({{.*}}op = "sub"
// CHECK: cpu.run "reduce"({{.*}}axes = [1], op = "mean"
// CHECK: cpu.run "slice"({{.*}}starts = [0, 2], steps = [1, 3]
// CHECK-NOT: "top
// CHECK: return
func.func @kernels(%x: tensor<4x8xf32>) -> (tensor<4x1xf32>, tensor<4x2xf32>) {
  %none = "top.None"() : () -> none
  %0 = "top.GELU"(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = "top.SubConst"(%0) {const_val = 2.0, is_reverse = true} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.Sub"(%1, %x) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = "top.Reduce"(%2) {axes = [-1], keepdims = true, mode = "ReduceMean"} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %4 = "top.Slice"(%2, %none, %none, %none) {offset = [-6], steps = [3], ends = [100], axes = [-1]} : (tensor<4x8xf32>, none, none, none) -> tensor<4x2xf32>
  return %3, %4 : tensor<4x1xf32>, tensor<4x2xf32>
}

// A constant branch is a weight of one number.
// CHECK-LABEL: @choice
// CHECK: [[N:%.*]] = "top.Weight"() : () -> tensor<1xf32>
// CHECK: cpu.run "where"(%arg0, %arg1, [[N]])
func.func @choice(%c: tensor<4x1xf32>, %x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.Where"(%c, %x, %none) {y_is_const = true, y_const_val = -1.0} : (tensor<4x1xf32>, tensor<4x8xf32>, none) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// A partition that no attention took in is unfolded: padded by the row that its padding holds.
// CHECK-LABEL: @window
// CHECK: cpu.run "concat"(%arg0, {{.*}}axis = 1
// CHECK: cpu.run "concat"({{.*}}axis = 2
// CHECK: cpu.run "permute"({{.*}}order = [0, 1, 3, 2, 4, 5]
// CHECK-NOT: vision.window
// CHECK: return
func.func @window(%x: tensor<1x6x6x8xf32>) -> tensor<4x4x4x8xf32> {
  %pad = "top.Weight"() : () -> tensor<8xf32> loc("row")
  %w = vision.window_partition %x, %pad {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x6x6x8xf32>, tensor<8xf32>) -> tensor<4x4x4x8xf32>
  return %w : tensor<4x4x4x8xf32>
}

// Reshapes stay: they are aliases in the plan.
// CHECK-LABEL: @aliases
// CHECK: top.Reshape
// CHECK: top.Unsqueeze
func.func @aliases(%x: tensor<4x8xf32>) -> tensor<1x32xf32> {
  %0 = "top.Reshape"(%x) {shape = [32]} : (tensor<4x8xf32>) -> tensor<32xf32>
  %1 = "top.Unsqueeze"(%0) {axes = [0]} : (tensor<32xf32>) -> tensor<1x32xf32>
  return %1 : tensor<1x32xf32>
}
