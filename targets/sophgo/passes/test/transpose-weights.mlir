// RUN: --passes=transpose-weights --round-trip

// Turned once and for all.
// CHECK-LABEL: @transposed
// CHECK: [[W:%.*]] = "top.Weight"() : () -> tensor<16x8xf32>
// CHECK: "top.MatMul"(%arg0, [[W]]
// CHECK-SAME: right_transpose = false
// CHECK: return
func.func @transposed(%x: tensor<4x16xf32>, %y: tensor<8x16xf32>) -> tensor<4x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x16xf32> loc("transposed.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("transposed.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) {right_transpose = true} : (tensor<4x16xf32>, tensor<8x16xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// As it should be already.
// CHECK-LABEL: @already
// CHECK: "top.Weight"() : () -> tensor<16x8xf32>
// CHECK-NOT: right_transpose = true
// CHECK: return
func.func @already(%x: tensor<4x16xf32>, %y: tensor<8x16xf32>) -> tensor<4x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<16x8xf32> loc("already.w0")
  %w1 = "top.Weight"() : () -> tensor<8xf32> loc("already.w1")
  %0 = "top.MatMul"(%x, %w0, %w1) : (tensor<4x16xf32>, tensor<16x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// No weight: the chip turns it.
// CHECK-LABEL: @values
// CHECK: "top.MatMul"(%arg0, %arg1, {{.*}}right_transpose = true
// CHECK: return
func.func @values(%x: tensor<4x16xf32>, %y: tensor<8x16xf32>) -> tensor<4x8xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %y, %none) {right_transpose = true} : (tensor<4x16xf32>, tensor<8x16xf32>, none) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
