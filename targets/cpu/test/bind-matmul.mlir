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
