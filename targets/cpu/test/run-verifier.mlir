// RUN-FAIL:
// CHECK: names no kernel of the plan: madmul
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cpu.run "madmul"(%x) {} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
