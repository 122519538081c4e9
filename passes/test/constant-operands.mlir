// RUN: --passes=constant-operands --round-trip

// A weight named as a number holds it.
// CHECK-LABEL: @numbers
// CHECK: top.AddConst{{.*}}const_val = 5.000000e-01
// CHECK: top.MulConst{{.*}}const_val = 2.000000e+00{{.*}}do_relu = true
// CHECK: top.SubConst{{.*}}const_val = 5.000000e-01{{.*}}is_reverse = false
// CHECK: top.SubConst{{.*}}const_val = 5.000000e-01{{.*}}is_reverse = true
// CHECK: top.MulConst{{.*}}const_val = 5.000000e-01
// CHECK: top.Reciprocal{{.*}}const_val = 2.000000e+00
// CHECK-NOT: top.Weight
// CHECK: return
func.func @numbers(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %half = "top.Weight"() : () -> tensor<1xf32> loc("0.5")
  %two = "top.Weight"() : () -> tensor<1x1xf32> loc("2")
  %0 = "top.Add"(%x, %half) : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %1 = "top.Mul"(%two, %0) {do_relu = true} : (tensor<1x1xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.Sub"(%1, %half) : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %3 = "top.Sub"(%half, %2) : (tensor<1xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = "top.Div"(%3, %two) : (tensor<4x8xf32>, tensor<1x1xf32>) -> tensor<4x8xf32>
  %5 = "top.Div"(%two, %4) : (tensor<1x1xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %5 : tensor<4x8xf32>
}

// A number that gives the result its rank, several numbers, and division by zero stay as they are.
// CHECK-LABEL: @stays
// CHECK: "top.Add"
// CHECK: "top.Mul"
// CHECK: "top.Div"
func.func @stays(%x: tensor<8xf32>) -> tensor<1x8xf32> {
  %half = "top.Weight"() : () -> tensor<1x1xf32> loc("0.25")
  %row = "top.Weight"() : () -> tensor<8xf32> loc("row")
  %zero = "top.Weight"() : () -> tensor<1xf32> loc("0")
  %0 = "top.Add"(%x, %half) : (tensor<8xf32>, tensor<1x1xf32>) -> tensor<1x8xf32>
  %1 = "top.Mul"(%0, %row) : (tensor<1x8xf32>, tensor<8xf32>) -> tensor<1x8xf32>
  %2 = "top.Div"(%1, %zero) : (tensor<1x8xf32>, tensor<1xf32>) -> tensor<1x8xf32>
  return %2 : tensor<1x8xf32>
}

// A difference that is reversed, and a sum of three.
// CHECK-LABEL: @reversed
// CHECK: "top.Sub"
// CHECK: "top.Add"
// CHECK: return
func.func @reversed(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %w0 = "top.Weight"() : () -> tensor<1xf32> loc("0.75")
  %0 = "top.Sub"(%x, %w0) {is_reverse = true} : (tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  %1 = "top.Add"(%x, %x, %w0) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}
