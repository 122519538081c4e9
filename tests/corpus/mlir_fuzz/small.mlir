module @m attributes {module.chip = "ALL", module.platform = "ONNX", module.state = "TOP_F32", module.weight_file = "m.npz"} {
  func.func @main(%arg0: tensor<1x2x3xf32> loc(unknown)) -> tensor<1x2x3xf32> {
    %0 = "top.None"() : () -> none loc(unknown)
    %1 = "top.Input"(%arg0) : (tensor<1x2x3xf32>) -> tensor<1x2x3xf32> loc("x")
    %2 = "top.Weight"() : () -> tensor<3x3xf32> loc("w")
    %3 = "top.MatMul"(%1, %2, %0) {do_relu = true, relu_limit = -1.000000e+00 : f64} : (tensor<1x2x3xf32>, tensor<3x3xf32>, none) -> tensor<1x2x3xf32> loc("y")
    %4 = "top.RMSNorm"(%3, %0) {eps = 1.000000e-05 : f64} : (tensor<1x2x3xf32>, none) -> tensor<1x2x3xf32> loc("z")
    return %4 : tensor<1x2x3xf32> loc(unknown)
  } loc(unknown)
} loc(unknown)
