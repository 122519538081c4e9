// RUN-FAIL:
// CHECK: softmax has no implementation in bf16
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cpu.run "softmax"(%x) {scale = 1.0} {precision = "bf16"} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
