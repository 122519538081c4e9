// RUN: --passes=merge-slices --round-trip

// Offsets add up.
// CHECK-LABEL: @two
// CHECK-NOT: tensor<1x8x10x4xf32>
// CHECK: "top.Slice"(%arg0, {{.*}}ends = [1, 9, 8, 4],{{.*}} offset = [0, 3, 2, 0]
// CHECK-NOT: top.Slice
// CHECK: return
func.func @two(%x: tensor<1x10x12x4xf32>) -> tensor<1x6x6x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 1, 2, 0], steps = [1, 1, 1, 1], ends = [1, 9, 12, 4], axes = []} : (tensor<1x10x12x4xf32>, none, none, none) -> tensor<1x8x10x4xf32>
  %1 = "top.Slice"(%0, %none, %none, %none) {offset = [0, 2, 0, 0], steps = [1, 1, 1, 1], ends = [1, 8, 6, 4], axes = []} : (tensor<1x8x10x4xf32>, none, none, none) -> tensor<1x6x6x4xf32>
  return %1 : tensor<1x6x6x4xf32>
}

// The first one is read by others too: it stays, and the second one reads it.
// CHECK-LABEL: @read_between
// CHECK: [[S:%.*]] = "top.Slice"(%arg0,
// CHECK: "top.Slice"([[S]],
// CHECK: return
func.func @read_between(%x: tensor<1x10x12x4xf32>) -> (tensor<1x6x6x4xf32>, tensor<1x8x10x4xf32>) {
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 1, 2, 0], steps = [1, 1, 1, 1], ends = [1, 9, 12, 4], axes = []} : (tensor<1x10x12x4xf32>, none, none, none) -> tensor<1x8x10x4xf32>
  %1 = "top.Slice"(%0, %none, %none, %none) {offset = [0, 2, 0, 0], steps = [1, 1, 1, 1], ends = [1, 8, 6, 4], axes = []} : (tensor<1x8x10x4xf32>, none, none, none) -> tensor<1x6x6x4xf32>
  return %1, %0 : tensor<1x6x6x4xf32>, tensor<1x8x10x4xf32>
}

// A slice that leaves elements out is no shift.
// CHECK-LABEL: @steps
// CHECK: [[S:%.*]] = "top.Slice"(%arg0,
// CHECK: "top.Slice"([[S]],
// CHECK: return
func.func @steps(%x: tensor<1x10x12x4xf32>) -> tensor<1x3x6x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.Slice"(%x, %none, %none, %none) {offset = [0, 1, 2, 0], steps = [1, 1, 1, 1], ends = [1, 9, 12, 4], axes = []} : (tensor<1x10x12x4xf32>, none, none, none) -> tensor<1x8x10x4xf32>
  %1 = "top.Slice"(%0, %none, %none, %none) {offset = [0, 2, 0, 0], steps = [1, 2, 1, 1], ends = [1, 8, 6, 4], axes = []} : (tensor<1x8x10x4xf32>, none, none, none) -> tensor<1x3x6x4xf32>
  return %1 : tensor<1x3x6x4xf32>
}
