// RUN: --passes=choose-precision --round-trip

// Nobody asks for bf16: nothing changes.
// CHECK: cpu.run "matmul"(
// CHECK-NOT: bf16
func.func @mlp(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("w")
  %0 = cpu.run "matmul"(%x, %w, %none) {activation = "none", eps = 0.0, k = 8 : i64, n = 8 : i64, norm = 0 : i64, weight_layout = "kn"} : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32> loc("out")
  return %0 : tensor<4x8xf32>
}
