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

// Each elementwise op is the kernel of its name.
// CHECK-LABEL: @unary
// CHECK: cpu.run "unary"({{.*}}op = "sigmoid"
// CHECK: cpu.run "unary"({{.*}}op = "exp"
// CHECK: cpu.run "unary"({{.*}}op = "sin"
// CHECK: cpu.run "unary"({{.*}}op = "cos"
// CHECK: cpu.run "unary"({{.*}}op = "sqrt"
// CHECK: cpu.run "unary"({{.*}}op = "abs"
// CHECK: cpu.run "unary"({{.*}}op = "floor"
// CHECK: cpu.run "unary"({{.*}}op = "tanh"
// CHECK: cpu.run "unary"({{.*}}op = "erf"
// CHECK: cpu.run "unary"({{.*}}op = "relu"
// CHECK: cpu.run "unary"({{.*}}op = "square"
// CHECK: cpu.run "binary"({{.*}}op = "add"
// CHECK: cpu.run "binary"({{.*}}op = "mul"
// CHECK: cpu.run "binary"({{.*}}op = "div"
// CHECK: cpu.run "binary"({{.*}}op = "max"
// CHECK: cpu.run "binary"({{.*}}op = "min"
// CHECK: cpu.run "binary"({{.*}}op = "div"
// CHECK: cpu.run "binary"({{.*}}op = "max"
// CHECK: cpu.run "binary"({{.*}}op = "min"
// CHECK: cpu.run "binary"({{.*}}op = "max"
// CHECK: cpu.run "binary"({{.*}}op = "min"
// CHECK: return
func.func @unary(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = "top.Sigmoid"(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = "top.Exp"(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.Sin"(%1) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = "top.Cos"(%2) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = "top.Sqrt"(%3) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = "top.Abs"(%4) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %6 = "top.Floor"(%5) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = "top.Tanh"(%6) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %8 = "top.Erf"(%7) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %9 = "top.Relu"(%8) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %10 = "top.Pow"(%9) {exponent = 2.0} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %11 = "top.Add"(%10, %y) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %12 = "top.Mul"(%11, %y) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %13 = "top.Div"(%12, %y) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %14 = "top.Max"(%13, %y) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %15 = "top.Min"(%14, %y) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %16 = "top.Reciprocal"(%15) {const_val = 2.0} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %17 = "top.MaxConst"(%16) {const_val = 2.0} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %18 = "top.MinConst"(%17) {const_val = 2.0} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %19 = "top.Clip"(%18) {min = -1.0, max = 1.0} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %19 : tensor<4x8xf32>
}

// A relu of an op itself is a kernel behind it.
// CHECK-LABEL: @with_relu
// CHECK: [[S:%.*]] = cpu.run "binary"(%arg0, %arg1)
// CHECK: cpu.run "unary"([[S]]) {op = "relu"}
// CHECK: return
func.func @with_relu(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = "top.Add"(%x, %y) {do_relu = true} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// Over the last axis: norms and softmax; sums over any.
// CHECK-LABEL: @rows
// CHECK: cpu.run "layer_norm"(
// CHECK: cpu.run "softmax"({{.*}}scale = 5.000000e-01
// CHECK: cpu.run "reduce"({{.*}}axes = [0], op = "sum"
// CHECK: cpu.run "reduce"({{.*}}axes = [1], op = "max"
// CHECK: return
func.func @rows(%x: tensor<4x8xf32>) -> (tensor<1x8xf32>, tensor<4xf32>) {
  %w0 = "top.Weight"() : () -> tensor<8xf32> loc("rows.w0")
  %none = "top.None"() : () -> none
  %0 = "top.LayerNorm"(%x, %w0, %none) {axis = 1 : si32, eps = 0.25, normalized_shape = [8]} : (tensor<4x8xf32>, tensor<8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.Softmax"(%0) {axis = 1 : si32, beta = 0.5} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.Reduce"(%1) {axes = [0], keepdims = true, mode = "ReduceSum"} : (tensor<4x8xf32>) -> tensor<1x8xf32>
  %3 = "top.Reduce"(%1) {axes = [-1], keepdims = false, mode = "ReduceMax"} : (tensor<4x8xf32>) -> tensor<4xf32>
  return %2, %3 : tensor<1x8xf32>, tensor<4xf32>
}

// CHECK-LABEL: @comparisons
// CHECK: cpu.run "compare"({{.*}}op = "equal"
// CHECK: cpu.run "compare"({{.*}}op = "not_equal"
// CHECK: cpu.run "compare"({{.*}}op = "less"
// CHECK: cpu.run "compare"({{.*}}op = "less_equal"
// CHECK: cpu.run "compare"({{.*}}op = "greater"
// CHECK: cpu.run "compare"({{.*}}op = "greater_equal"
// CHECK: cpu.run "compare"({{.*}}op = "less", value = 5.000000e-01
// CHECK: cpu.run "compare"({{.*}}op = "equal", value = 0.000000e+00
// CHECK: return
func.func @comparisons(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = "top.Compare"(%x, %y) {mode = "Equal"} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = "top.Compare"(%x, %y) {mode = "NotEqual"} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.Compare"(%x, %y) {mode = "Less"} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = "top.Compare"(%x, %y) {mode = "LessOrEqual"} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = "top.Compare"(%x, %y) {mode = "Greater"} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = "top.Compare"(%x, %y) {mode = "GreaterOrEqual"} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %6 = "top.CompareConst"(%x) {mode = "Less", const_val = 0.5, inversed = false} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = "top.CompareConst"(%x) {mode = "Not", const_val = 3.0, inversed = false} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// Padding is a concat with weights, before or behind; an Expand that repeats nothing is its operand.
// CHECK-LABEL: @moved
// CHECK: cpu.run "concat"(%{{.*}}, %arg0) {axis = 0 : i64} {{.*}} -> tensor<5x8xf32>
// CHECK: cpu.run "concat"({{.*}}) {axis = 1 : i64} {{.*}} -> tensor<5x10xf32>
// CHECK: cpu.run "gather"({{.*}}axis = 1 : i64
// CHECK: cpu.run "concat"({{.*}}axis = 0 : i64
// CHECK: cpu.run "permute"({{.*}}order = [1, 0]
// CHECK: return
func.func @moved(%x: tensor<4x8xf32>, %y: tensor<3xf32>) -> tensor<3x10xf32> {
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [1, 0, 0, 2], val = 1.0} : (tensor<4x8xf32>) -> tensor<5x10xf32>
  %1 = "top.Expand"(%0) {shape = [5, 10]} : (tensor<5x10xf32>) -> tensor<5x10xf32>
  %2 = "top.Gather"(%1, %y) {axis = 1 : si32} : (tensor<5x10xf32>, tensor<3xf32>) -> tensor<5x3xf32>
  %3 = "top.Concat"(%2, %2) {axis = 0 : si32} : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<10x3xf32>
  %4 = "top.Permute"(%3) {order = [1, 0]} : (tensor<10x3xf32>) -> tensor<3x10xf32>
  return %4 : tensor<3x10xf32>
}
