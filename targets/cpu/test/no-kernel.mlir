// RUN-FAIL: --until cpu
// CHECK: the CPU target has no kernel for top.Mod x1 (first: rest), top.Round x2 (first: one)
func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {
  %x = "top.Input"(%a) : (tensor<4xf32>) -> tensor<4xf32> loc("x")
  %0 = "top.Round"(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("one")
  %1 = "top.Round"(%0) : (tensor<4xf32>) -> tensor<4xf32> loc("two")
  %2 = "top.Mod"(%1, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("rest")
  return %2 : tensor<4xf32>
}
