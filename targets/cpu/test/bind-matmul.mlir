// RUN: --passes=bind-matmul --round-trip

// CHECK-LABEL: @weight
// CHECK: cpu.run "matmul"(%arg0, {{.*}}k = 8 : i64, n = 6 : i64{{.*}}weight_layout = "kn"
// CHECK: cpu.run "matmul"(%arg0, {{.*}}activation = "relu"{{.*}}weight_layout = "nk"
func.func @weight(%x: tensor<4x8xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x6xf32> loc("kn")
  %v = "top.Weight"() : () -> tensor<6x8xf32> loc("nk")
  %0 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x6xf32>, none) -> tensor<4x6xf32>
  %1 = "top.MatMul"(%x, %v, %none) {right_transpose = true, do_relu = true} : (tensor<4x8xf32>, tensor<6x8xf32>, none) -> tensor<4x6xf32>
  return %0, %1 : tensor<4x6xf32>, tensor<4x6xf32>
}

// Two activations; a permute of the right one's last axes is taken in, another is not.
// CHECK-LABEL: @activations
// CHECK: cpu.run "batch_matmul"(%arg0, %arg1) {batch = 3 : i64, k = 8 : i64, m = 4 : i64, n = 6 : i64{{.*}}transpose_b = 1
// CHECK: [[P:%.*]] = "top.Permute"(%arg2)
// CHECK: cpu.run "batch_matmul"(%arg0, [[P]]) {{.*}}transpose_b = 0
func.func @activations(%a: tensor<3x4x8xf32>, %b: tensor<3x6x8xf32>, %c: tensor<8x6x3xf32>) -> (tensor<3x4x6xf32>, tensor<3x4x6xf32>) {
  %none = "top.None"() : () -> none
  %0 = "top.Permute"(%b) {order = [0, 2, 1]} : (tensor<3x6x8xf32>) -> tensor<3x8x6xf32>
  %1 = "top.MatMul"(%a, %0, %none) : (tensor<3x4x8xf32>, tensor<3x8x6xf32>, none) -> tensor<3x4x6xf32>
  %2 = "top.Permute"(%c) {order = [2, 0, 1]} : (tensor<8x6x3xf32>) -> tensor<3x8x6xf32>
  %3 = "top.MatMul"(%a, %2, %none) : (tensor<3x4x8xf32>, tensor<3x8x6xf32>, none) -> tensor<3x4x6xf32>
  return %1, %3 : tensor<3x4x6xf32>, tensor<3x4x6xf32>
}

// One right matrix for the whole batch: the batch's rows are rows of one product. The bias is added afterwards.
// CHECK-LABEL: @shared
// CHECK: [[P:%.*]] = cpu.run "batch_matmul"(%arg0, %arg1) {batch = 1 : i64, k = 8 : i64, m = 12 : i64, n = 6 : i64
// CHECK: "top.Add"([[P]],
func.func @shared(%a: tensor<3x4x8xf32>, %b: tensor<8x6xf32>) -> tensor<3x4x6xf32> {
  %bias = "top.Weight"() : () -> tensor<6xf32> loc("bias")
  %0 = "top.MatMul"(%a, %b, %bias) : (tensor<3x4x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<3x4x6xf32>
  return %0 : tensor<3x4x6xf32>
}

// No kernel: a transposed left operand, a limited relu, batches that must be repeated.
// CHECK-LABEL: @without_kernel
// CHECK-NOT: cpu.run
// CHECK: return
func.func @without_kernel(%a: tensor<3x8x4xf32>, %b: tensor<3x8x6xf32>, %c: tensor<1x4x8xf32>) -> (tensor<3x4x6xf32>, tensor<3x4x6xf32>, tensor<1x4x4xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x4xf32> loc("limit")
  %0 = "top.MatMul"(%a, %b, %none) {left_transpose = true} : (tensor<3x8x4xf32>, tensor<3x8x6xf32>, none) -> tensor<3x4x6xf32>
  %1 = "top.MatMul"(%c, %b, %none) : (tensor<1x4x8xf32>, tensor<3x8x6xf32>, none) -> tensor<3x4x6xf32>
  %2 = "top.MatMul"(%c, %w, %none) {do_relu = true, relu_limit = 6.0} : (tensor<1x4x8xf32>, tensor<8x4xf32>, none) -> tensor<1x4x4xf32>
  return %0, %1, %2 : tensor<3x4x6xf32>, tensor<3x4x6xf32>, tensor<1x4x4xf32>
}

// A bias that is computed is added behind a product of activations, and so is a relu.
// CHECK-LABEL: @bias_of_values
// CHECK: [[P:%.*]] = cpu.run "batch_matmul"({{.*}}batch = 1 : i64
// CHECK: [[S:%.*]] = "top.Add"([[P]], %arg1)
// CHECK: "top.Relu"([[S]])
// CHECK: return
func.func @bias_of_values(%x: tensor<4x8xf32>, %y: tensor<6xf32>) -> tensor<4x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("bias_of_values.w0")
  %0 = "top.MatMul"(%x, %w0, %y) {do_relu = true} : (tensor<4x8xf32>, tensor<8x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// A permute of the last two axes goes into the kernel; any other stays.
// CHECK-LABEL: @permuted_right
// CHECK: cpu.run "batch_matmul"(%arg0, %arg1) {{.*}}transpose_b = 1
// CHECK: cpu.run "batch_matmul"(%arg0, %arg2) {{.*}}transpose_b = 0
// CHECK: [[P:%.*]] = "top.Permute"(%arg3)
// CHECK: cpu.run "batch_matmul"(%arg0, [[P]]) {{.*}}transpose_b = 0
// CHECK: return
func.func @permuted_right(%x: tensor<3x4x8xf32>, %y: tensor<3x6x8xf32>, %z: tensor<3x8x6xf32>, %u: tensor<8x3x6xf32>) -> (tensor<3x4x6xf32>, tensor<3x4x6xf32>, tensor<3x4x6xf32>) {
  %0 = "top.Permute"(%y) {order = [0, 2, 1]} : (tensor<3x6x8xf32>) -> tensor<3x8x6xf32>
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%x, %0, %none) : (tensor<3x4x8xf32>, tensor<3x8x6xf32>, none) -> tensor<3x4x6xf32>
  %2 = "top.Permute"(%z) {order = [0, 2, 1]} : (tensor<3x8x6xf32>) -> tensor<3x6x8xf32>
  %3 = "top.MatMul"(%x, %2, %none) {right_transpose = true} : (tensor<3x4x8xf32>, tensor<3x6x8xf32>, none) -> tensor<3x4x6xf32>
  %4 = "top.Permute"(%u) {order = [1, 0, 2]} : (tensor<8x3x6xf32>) -> tensor<3x8x6xf32>
  %5 = "top.MatMul"(%x, %4, %none) : (tensor<3x4x8xf32>, tensor<3x8x6xf32>, none) -> tensor<3x4x6xf32>
  return %1, %3, %5 : tensor<3x4x6xf32>, tensor<3x4x6xf32>, tensor<3x4x6xf32>
}
