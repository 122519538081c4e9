// RUN-FAIL: --passes=bind-rest
// CHECK: the CPU target has no kernel for top.Add x1 ({{[^)]*}}), top.CompareConst x1 ({{[^)]*}}), top.GELU x1 ({{[^)]*}}), top.LayerNorm x1 ({{[^)]*}}), top.Mul x1 ({{[^)]*}}), top.Pad x2 ({{[^)]*}}), top.Pow x1 ({{[^)]*}}), top.Reduce x1 ({{[^)]*}}), top.Relu x1 ({{[^)]*}}), top.Softmax x2 ({{[^)]*}}), top.Sub x1 ({{[^)]*}}), top.Tile x1 ({{[^)]*}})
// None of these is what a kernel of the op's name computes.
func.func @main(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x1xf32>, tensor<8x8xf32>, tensor<5x8xf32>, tensor<3x8xf32>) {
  %0 = "top.Softmax"(%x) {axis = 0 : si32} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = "top.Softmax"(%x) {axis = 1 : si32, log = true} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %none = "top.None"() : () -> none
  %2 = "top.LayerNorm"(%x, %none, %none) {axis = 0 : si32, eps = 0.25, normalized_shape = [4, 8]} : (tensor<4x8xf32>, none, none) -> tensor<4x8xf32>
  %3 = "top.Pow"(%x) {exponent = 3.0} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = "top.GELU"(%x) {approx_mode = "tanh"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = "top.Relu"(%x) {relu_limit = 6.0} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %6 = "top.Add"(%x, %x, %x) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = "top.Sub"(%x, %x) {is_reverse = true} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %8 = "top.Mul"(%x, %x) {do_relu = true, relu_limit = 6.0} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %9 = "top.CompareConst"(%x) {mode = "Less", const_val = 0.5, inversed = true} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %10 = "top.Reduce"(%x) {axes = [1], keepdims = true, mode = "ReduceL2"} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %11 = "top.Tile"(%x) {tile = [2, 1]} : (tensor<4x8xf32>) -> tensor<8x8xf32>
  %12 = "top.Pad"(%x) {mode = "reflect", paddings = [1, 0, 0, 0]} : (tensor<4x8xf32>) -> tensor<5x8xf32>
  %13 = "top.Pad"(%x) {mode = "constant", paddings = [-1, 0, 0, 0], val = 0.0} : (tensor<4x8xf32>) -> tensor<3x8xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x1xf32>, tensor<8x8xf32>, tensor<5x8xf32>, tensor<3x8xf32>
}
