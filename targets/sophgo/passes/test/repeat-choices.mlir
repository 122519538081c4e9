// RUN: --passes=repeat-choices --round-trip

// A condition for each token and one choice for all of them.
// CHECK-LABEL: @broadcast
// CHECK-DAG: [[W:%.*]] = "top.Weight"() : () -> tensor<1x8x16xf32>
// CHECK-DAG: [[C:%.*]] = "top.Tile"(%arg0) {{.*}}tile = [1, 1, 16]{{.*}} -> tensor<1x8x16xf32>
// CHECK: "top.Where"([[C]], [[W]], %arg1)
// CHECK: return
func.func @broadcast(%c: tensor<1x8x1xf32>, %x: tensor<1x8x16xf32>) -> tensor<1x8x16xf32> {
  %w = "top.Weight"() : () -> tensor<1x1x16xf32> loc("broadcast.w")
  %0 = "top.Where"(%c, %w, %x) : (tensor<1x8x1xf32>, tensor<1x1x16xf32>, tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
  return %0 : tensor<1x8x16xf32>
}

// Whole already; a constant has no shape.
// CHECK-LABEL: @whole
// CHECK-NOT: top.Tile
// CHECK: return
func.func @whole(%c: tensor<1x8x16xf32>, %x: tensor<1x8x16xf32>) -> tensor<1x8x16xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.Where"(%c, %none, %x) {x_is_const = true} : (tensor<1x8x16xf32>, none, tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
  return %0 : tensor<1x8x16xf32>
}
