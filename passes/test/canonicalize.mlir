// RUN: --passes=canonicalize --round-trip

// Permutes that cancel and reshapes in a row go away.
// CHECK: @cancel
// CHECK-NOT: top.Permute
// CHECK-NOT: top.Reshape
// CHECK: return
func.func @cancel(%a: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %x = "top.Input"(%a) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("x")
  %0 = "top.Permute"(%x) {order = [0, 2, 1]} : (tensor<2x3x4xf32>) -> tensor<2x4x3xf32> loc("turned")
  %1 = "top.Permute"(%0) {order = [0, 2, 1]} : (tensor<2x4x3xf32>) -> tensor<2x3x4xf32> loc("back")
  %2 = "top.Reshape"(%1) {shape = [6, 4]} : (tensor<2x3x4xf32>) -> tensor<6x4xf32> loc("rows")
  %3 = "top.Reshape"(%2) {shape = [2, 3, 4]} : (tensor<6x4xf32>) -> tensor<2x3x4xf32> loc("again")
  return %3 : tensor<2x3x4xf32>
}

// Two permutes that do not cancel are one.
// CHECK: @one_permute
// CHECK: top.Permute{{.*}}order = [1, 2, 0]
// CHECK-NOT: top.Permute
// CHECK: return
func.func @one_permute(%a: tensor<2x3x4xf32>) -> tensor<3x4x2xf32> {
  %x = "top.Input"(%a) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("x2")
  %0 = "top.Permute"(%x) {order = [2, 0, 1]} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32> loc("t1")
  %1 = "top.Permute"(%0) {order = [2, 0, 1]} : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32> loc("t2")
  return %1 : tensor<3x4x2xf32>
}

// What does nothing goes away; what does something of the same shape stays.
// CHECK: @nothing
// CHECK-NOT: top.Pad
// CHECK-NOT: top.Concat
// CHECK-NOT: top.Slice
// CHECK: top.Permute
// CHECK: return
func.func @nothing(%a: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %x = "top.Input"(%a) : (tensor<3x3xf32>) -> tensor<3x3xf32> loc("x3")
  %none = "top.None"() : () -> none
  %0 = "top.Pad"(%x) {mode = "constant", paddings = [0, 0, 0, 0]} : (tensor<3x3xf32>) -> tensor<3x3xf32> loc("pad")
  %1 = "top.Concat"(%0) {axis = 0 : si32} : (tensor<3x3xf32>) -> tensor<3x3xf32> loc("concat")
  %2 = "top.Slice"(%1, %none, %none, %none) {offset = [0, 0], steps = [1, 1], ends = [3, 3]} : (tensor<3x3xf32>, none, none, none) -> tensor<3x3xf32> loc("slice")
  %3 = "top.Permute"(%2) {order = [1, 0]} : (tensor<3x3xf32>) -> tensor<3x3xf32> loc("square")
  return %3 : tensor<3x3xf32>
}
