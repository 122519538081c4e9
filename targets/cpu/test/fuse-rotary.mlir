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

// Anything else between: a relu, a reversed difference, a sum or a concat of three.
// CHECK-LABEL: @with_relus
// CHECK-NOT: cpu.run
// CHECK: return
func.func @with_relus(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("with_relus.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("with_relus.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) {do_relu = true} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @relu_of_sum
// CHECK-NOT: cpu.run
// CHECK: return
func.func @relu_of_sum(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("relu_of_sum.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("relu_of_sum.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) {do_relu = true} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @relu_of_product
// CHECK-NOT: cpu.run
// CHECK: return
func.func @relu_of_product(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("relu_of_product.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("relu_of_product.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) {do_relu = true} : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @relu_of_concat
// CHECK-NOT: cpu.run
// CHECK: return
func.func @relu_of_concat(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("relu_of_concat.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("relu_of_concat.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32, do_relu = true} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @reversed
// CHECK-NOT: cpu.run
// CHECK: return
func.func @reversed(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("reversed.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("reversed.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) {is_reverse = true} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @sum_of_three
// CHECK-NOT: cpu.run
// CHECK: return
func.func @sum_of_three(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("sum_of_three.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("sum_of_three.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5, %4) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @three_parts
// CHECK-NOT: cpu.run
// CHECK: return
func.func @three_parts(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x12xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("three_parts.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("three_parts.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x12xf32>
  return %8 : tensor<2x3x2x12xf32>
}

// A table that is computed, one for each head, or of another rank.
// CHECK-LABEL: @computed_table
// CHECK-NOT: cpu.run
// CHECK: return
func.func @computed_table(%x: tensor<2x3x2x8xf32>, %y: tensor<3x1x4xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("computed_table.w0")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %y) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %y) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @table_of_heads
// CHECK-NOT: cpu.run
// CHECK: return
func.func @table_of_heads(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x2x4xf32> loc("table_of_heads.w0")
  %w1 = "top.Weight"() : () -> tensor<3x2x4xf32> loc("table_of_heads.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// Tables or halves that stand elsewhere.
// CHECK-LABEL: @other_tables
// CHECK-NOT: cpu.run
// CHECK: return
func.func @other_tables(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("other_tables.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("other_tables.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @other_halves
// CHECK-NOT: cpu.run
// CHECK: return
func.func @other_halves(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("other_halves.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("other_halves.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @halves_exchanged
// CHECK-NOT: cpu.run
// CHECK: return
func.func @halves_exchanged(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("halves_exchanged.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("halves_exchanged.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @half_twice
// CHECK-NOT: cpu.run
// CHECK: return
func.func @half_twice(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("half_twice.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("half_twice.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// Parts that are no halves, or with steps.
// CHECK-LABEL: @quarters
// CHECK-NOT: cpu.run
// CHECK: return
func.func @quarters(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("quarters.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("quarters.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 1], steps = [1, 1, 1, 1], ends = [2, 3, 2, 5], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @every_second
// CHECK-NOT: cpu.run
// CHECK: return
func.func @every_second(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("every_second.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("every_second.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 2], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @two_values
// CHECK-NOT: cpu.run
// CHECK: return
func.func @two_values(%x: tensor<2x3x2x8xf32>, %y: tensor<2x3x2x8xf32>) -> tensor<2x3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("two_values.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("two_values.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%y, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 3 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x8xf32>
  return %8 : tensor<2x3x2x8xf32>
}

// CHECK-LABEL: @three_dimensions
// CHECK-NOT: cpu.run
// CHECK: return
func.func @three_dimensions(%x: tensor<3x2x8xf32>) -> tensor<3x2x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("three_dimensions.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("three_dimensions.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0], steps = [1, 1, 1], ends = [3, 2, 4], axes = []} : (tensor<3x2x8xf32>, none, none, none) -> tensor<3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 4], steps = [1, 1, 1], ends = [3, 2, 8], axes = []} : (tensor<3x2x8xf32>, none, none, none) -> tensor<3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<3x2x4xf32>
  %4 = "top.Mul"(%0, %w1) : (tensor<3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<3x2x4xf32>
  %5 = "top.Mul"(%1, %w0) : (tensor<3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<3x2x4xf32>
  %6 = "top.Sub"(%2, %3) : (tensor<3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<3x2x4xf32>
  %7 = "top.Add"(%4, %5) : (tensor<3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<3x2x4xf32>
  %8 = "top.Concat"(%6, %7) {axis = 2 : si32} : (tensor<3x2x4xf32>, tensor<3x2x4xf32>) -> tensor<3x2x8xf32>
  return %8 : tensor<3x2x8xf32>
}

// Joined along another axis.
// CHECK-LABEL: @other_axis
// CHECK-NOT: cpu.run
// CHECK: return
func.func @other_axis(%x: tensor<2x3x2x8xf32>) -> tensor<2x3x4x4xf32> {
  %w0 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("other_axis.w0")
  %w1 = "top.Weight"() : () -> tensor<3x1x4xf32> loc("other_axis.w1")
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 0], steps = [1, 1, 1, 1], ends = [2, 3, 2, 4], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %1 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 4], steps = [1, 1, 1, 1], ends = [2, 3, 2, 8], axes = []} : (tensor<2x3x2x8xf32>, none, none, none) -> tensor<2x3x2x4xf32>
  %2 = "top.Mul"(%0, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %3 = "top.Mul"(%1, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %4 = "top.Sub"(%2, %3) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %5 = "top.Mul"(%0, %w1) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %6 = "top.Mul"(%1, %w0) : (tensor<2x3x2x4xf32>, tensor<3x1x4xf32>) -> tensor<2x3x2x4xf32>
  %7 = "top.Add"(%5, %6) : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x2x4xf32>
  %8 = "top.Concat"(%4, %7) {axis = 2 : si32} : (tensor<2x3x2x4xf32>, tensor<2x3x2x4xf32>) -> tensor<2x3x4x4xf32>
  return %8 : tensor<2x3x4x4xf32>
}
