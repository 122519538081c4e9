// RUN-FAIL:
// CHECK: permute has no attribute ordre
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cpu.run "permute"(%x) {order = [0], ordre = [0]} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
