// RUN: --passes=remove-dead --round-trip

// What nothing reads goes, with all that was made for it alone.
// CHECK-LABEL: @dead
// CHECK-NOT: tensor<8x8xf32>
// CHECK-NOT: top.GELU
// CHECK-NOT: top.MatMul
// CHECK: [[Y:%.*]] = "top.MulConst"
// CHECK-NEXT: return [[Y]]
func.func @dead(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("dead.w")
  %0 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.GELU"(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.MulConst"(%x) {const_val = 2.0} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// What something reads stays, though another of its readers goes.
// CHECK-LABEL: @read
// CHECK: top.Weight
// CHECK: [[Y:%.*]] = "top.MatMul"
// CHECK-NOT: top.GELU
// CHECK: return [[Y]]
func.func @read(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("read.w")
  %0 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.GELU"(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// An input stays, read or not: it is what the function promises to take.
// CHECK-LABEL: @inputs
// CHECK: "top.Input"(%arg0)
// CHECK: "top.Input"(%arg1)
// CHECK: return
func.func @inputs(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %x = "top.Input"(%a) : (tensor<4xf32>) -> tensor<4xf32> loc("x")
  %y = "top.Input"(%b) : (tensor<4xf32>) -> tensor<4xf32> loc("y")
  return %x : tensor<4xf32>
}
