// RUN: --passes=fuse-rotary --round-trip

// Halves of the last axis, turned by tables: one kernel, also where factors and sums stand the other way round.
// CHECK-LABEL: @turned
// CHECK: cpu.run "rotary"(%{{.*}}, [[COS:%.*]], [[SIN:%.*]]) {dim = 8 : i64, heads = 2 : i64, positions = 3 : i64}
// CHECK-NOT: top.Mul
// CHECK: return
func.func @turned(%x: tensor<5x3x2x8xf32>) -> tensor<5x3x2x8xf32> {
  %none = "top.None"() : () -> none
  %cos = "top.Weight"() : () -> tensor<3x1x4xf32> loc("cos")
  %sin = "top.Weight"() : () -> tensor<3x1x4xf32> loc("sin")
  %first = "top.Slice"(%x, %none, %none, %none) {axes = [3], ends = [4], offset = [0], steps = [1]} : (tensor<5x3x2x8xf32>, none, none, none) -> tensor<5x3x2x4xf32>
  %second = "top.Slice"(%x, %none, %none, %none) {axes = [3], ends = [8], offset = [4], steps = [1]} : (tensor<5x3x2x8xf32>, none, none, none) -> tensor<5x3x2x4xf32>
  %0 = "top.Mul"(%first, %cos) : (tensor<5x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<5x3x2x4xf32>
  %1 = "top.Mul"(%sin, %second) : (tensor<3x1x4xf32>, tensor<5x3x2x4xf32>) -> tensor<5x3x2x4xf32>
  %2 = "top.Sub"(%0, %1) : (tensor<5x3x2x4xf32>, tensor<5x3x2x4xf32>) -> tensor<5x3x2x4xf32>
  %3 = "top.Mul"(%first, %sin) : (tensor<5x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<5x3x2x4xf32>
  %4 = "top.Mul"(%second, %cos) : (tensor<5x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<5x3x2x4xf32>
  %5 = "top.Add"(%4, %3) : (tensor<5x3x2x4xf32>, tensor<5x3x2x4xf32>) -> tensor<5x3x2x4xf32>
  %6 = "top.Concat"(%2, %5) {axis = 3 : si32} : (tensor<5x3x2x4xf32>, tensor<5x3x2x4xf32>) -> tensor<5x3x2x8xf32>
  return %6 : tensor<5x3x2x8xf32>
}

// The other way round: first sin - second cos is no turning by these angles.
// CHECK-LABEL: @exchanged
// CHECK-NOT: cpu.run
// CHECK: return
func.func @exchanged(%x: tensor<1x3x1x8xf32>) -> tensor<1x3x1x8xf32> {
  %none = "top.None"() : () -> none
  %cos = "top.Weight"() : () -> tensor<3x1x4xf32> loc("cos")
  %sin = "top.Weight"() : () -> tensor<3x1x4xf32> loc("sin")
  %first = "top.Slice"(%x, %none, %none, %none) {axes = [3], ends = [4], offset = [0], steps = [1]} : (tensor<1x3x1x8xf32>, none, none, none) -> tensor<1x3x1x4xf32>
  %second = "top.Slice"(%x, %none, %none, %none) {axes = [3], ends = [8], offset = [4], steps = [1]} : (tensor<1x3x1x8xf32>, none, none, none) -> tensor<1x3x1x4xf32>
  %0 = "top.Mul"(%first, %cos) : (tensor<1x3x1x4xf32>, tensor<3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %1 = "top.Mul"(%second, %sin) : (tensor<1x3x1x4xf32>, tensor<3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %2 = "top.Sub"(%0, %1) : (tensor<1x3x1x4xf32>, tensor<1x3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %3 = "top.Mul"(%first, %cos) : (tensor<1x3x1x4xf32>, tensor<3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %4 = "top.Mul"(%second, %sin) : (tensor<1x3x1x4xf32>, tensor<3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %5 = "top.Add"(%3, %4) : (tensor<1x3x1x4xf32>, tensor<1x3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %6 = "top.Concat"(%2, %5) {axis = 3 : si32} : (tensor<1x3x1x4xf32>, tensor<1x3x1x4xf32>) -> tensor<1x3x1x8xf32>
  return %6 : tensor<1x3x1x8xf32>
}

// Halves that overlap, or of two values, are none.
// CHECK-LABEL: @no_halves
// CHECK-NOT: cpu.run
// CHECK: return
func.func @no_halves(%x: tensor<1x3x1x8xf32>, %y: tensor<1x3x1x8xf32>) -> tensor<1x3x1x8xf32> {
  %none = "top.None"() : () -> none
  %cos = "top.Weight"() : () -> tensor<3x1x4xf32> loc("cos")
  %sin = "top.Weight"() : () -> tensor<3x1x4xf32> loc("sin")
  %first = "top.Slice"(%x, %none, %none, %none) {axes = [3], ends = [4], offset = [0], steps = [1]} : (tensor<1x3x1x8xf32>, none, none, none) -> tensor<1x3x1x4xf32>
  %second = "top.Slice"(%y, %none, %none, %none) {axes = [3], ends = [8], offset = [4], steps = [1]} : (tensor<1x3x1x8xf32>, none, none, none) -> tensor<1x3x1x4xf32>
  %0 = "top.Mul"(%first, %cos) : (tensor<1x3x1x4xf32>, tensor<3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %1 = "top.Mul"(%second, %sin) : (tensor<1x3x1x4xf32>, tensor<3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %2 = "top.Sub"(%0, %1) : (tensor<1x3x1x4xf32>, tensor<1x3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %3 = "top.Mul"(%first, %sin) : (tensor<1x3x1x4xf32>, tensor<3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %4 = "top.Mul"(%second, %cos) : (tensor<1x3x1x4xf32>, tensor<3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %5 = "top.Add"(%3, %4) : (tensor<1x3x1x4xf32>, tensor<1x3x1x4xf32>) -> tensor<1x3x1x4xf32>
  %6 = "top.Concat"(%2, %5) {axis = 3 : si32} : (tensor<1x3x1x4xf32>, tensor<1x3x1x4xf32>) -> tensor<1x3x1x8xf32>
  return %6 : tensor<1x3x1x8xf32>
}
