// RUN: --passes=fold-constants,attend-by-axes --round-trip

// Keys of 2 memories of a map of 2 rows and 3 columns, projected from 2 channels to 8 and turned, and one token. The
// tables turn the first two pairs by the column, the others by the row.
// CHECK-LABEL: @axial
// CHECK-DAG: [[KEYS:%.*]] = "top.Permute"({{.*}}) {order = [1, 0, 2]} : (tensor<2x6x2xf32>) -> tensor<6x2x2xf32>
// CHECK-DAG: [[VALUES:%.*]] = "top.Permute"({{.*}}) {order = [1, 0, 2]} : (tensor<2x6x3xf32>) -> tensor<6x2x3xf32>
// CHECK: cpu.run "axial_attention"(%arg0, %{{.*}}, %{{.*}}, %{{.*}}, [[KEYS]], [[VALUES]], %arg3, %arg4) {dim = 8 : i64, grid_h = 2 : i64, grid_w = 3 : i64, key_channels = 2 : i64, memories = 2 : i64, scale = 5.000000e-01 : f64, tokens = 1 : i64, value_channels = 3 : i64}
// CHECK-SAME: tensor<2x3x4xf32>, tensor<6x1x4xf32>, tensor<6x1x4xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @axial(%q: tensor<1x1x6x8xf32>, %m: tensor<1x12x2xf32>, %y: tensor<1x12x3xf32>, %tk: tensor<1x1x1x8xf32>, %tv: tensor<1x1x3xf32>) -> tensor<1x1x6x3xf32> {
  %none = "top.None"() : () -> none
  %columns = "top.Weight"() : () -> tensor<1x3x2xf32> loc("columns")
  %rows = "top.Weight"() : () -> tensor<2x1x2xf32> loc("rows")
  %c0 = "top.Expand"(%columns) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %r0 = "top.Expand"(%rows) {shape = [2, 3, 2]} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
  %t0 = "top.Concat"(%c0, %r0) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x4xf32>
  %t = "top.Reshape"(%t0) {shape = [6, 1, 4]} : (tensor<2x3x4xf32>) -> tensor<6x1x4xf32> loc("table")
  %w = "top.Weight"() : () -> tensor<8x2xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<8xf32> loc("b")
  %0 = "top.MatMul"(%m, %w, %b) {right_transpose = true} : (tensor<1x12x2xf32>, tensor<8x2xf32>, tensor<8xf32>) -> tensor<1x12x8xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 6, 1, 8]} : (tensor<1x12x8xf32>) -> tensor<2x6x1x8xf32>
  %2 = cpu.run "rotary"(%1, %t, %t) {dim = 8 : i64, heads = 1 : i64, positions = 6 : i64} : (tensor<2x6x1x8xf32>, tensor<6x1x4xf32>, tensor<6x1x4xf32>) -> tensor<2x6x1x8xf32>
  %3 = "top.Reshape"(%2) {shape = [1, 12, 1, 8]} : (tensor<2x6x1x8xf32>) -> tensor<1x12x1x8xf32>
  %4 = "top.Concat"(%3, %tk) {axis = 1 : si32} : (tensor<1x12x1x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x13x1x8xf32>
  %k = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<1x13x1x8xf32>) -> tensor<1x1x13x8xf32>
  %5 = "top.Concat"(%y, %tv) {axis = 1 : si32} : (tensor<1x12x3xf32>, tensor<1x1x3xf32>) -> tensor<1x13x3xf32>
  %v = "top.Reshape"(%5) {shape = [1, 1, 13, 3]} : (tensor<1x13x3xf32>) -> tensor<1x1x13x3xf32>
  %6 = vision.attention %q, %k, %v {scale = 0.5} : (tensor<1x1x6x8xf32>, tensor<1x1x13x8xf32>, tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32>
  return %6 : tensor<1x1x6x3xf32>
}

// Tables that are no sum of columns and rows.
// CHECK-LABEL: @not_axial
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @not_axial(%q: tensor<1x1x6x8xf32>, %m: tensor<1x12x2xf32>, %y: tensor<1x12x3xf32>, %tk: tensor<1x1x1x8xf32>, %tv: tensor<1x1x3xf32>) -> tensor<1x1x6x3xf32> {
  %none = "top.None"() : () -> none
  %t = "top.Weight"() : () -> tensor<6x1x4xf32> loc("any")
  %w = "top.Weight"() : () -> tensor<8x2xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<8xf32> loc("b")
  %0 = "top.MatMul"(%m, %w, %b) {right_transpose = true} : (tensor<1x12x2xf32>, tensor<8x2xf32>, tensor<8xf32>) -> tensor<1x12x8xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 6, 1, 8]} : (tensor<1x12x8xf32>) -> tensor<2x6x1x8xf32>
  %2 = cpu.run "rotary"(%1, %t, %t) {dim = 8 : i64, heads = 1 : i64, positions = 6 : i64} : (tensor<2x6x1x8xf32>, tensor<6x1x4xf32>, tensor<6x1x4xf32>) -> tensor<2x6x1x8xf32>
  %3 = "top.Reshape"(%2) {shape = [1, 12, 1, 8]} : (tensor<2x6x1x8xf32>) -> tensor<1x12x1x8xf32>
  %4 = "top.Concat"(%3, %tk) {axis = 1 : si32} : (tensor<1x12x1x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x13x1x8xf32>
  %k = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<1x13x1x8xf32>) -> tensor<1x1x13x8xf32>
  %5 = "top.Concat"(%y, %tv) {axis = 1 : si32} : (tensor<1x12x3xf32>, tensor<1x1x3xf32>) -> tensor<1x13x3xf32>
  %v = "top.Reshape"(%5) {shape = [1, 1, 13, 3]} : (tensor<1x13x3xf32>) -> tensor<1x1x13x3xf32>
  %6 = vision.attention %q, %k, %v {scale = 0.5} : (tensor<1x1x6x8xf32>, tensor<1x1x13x8xf32>, tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32>
  return %6 : tensor<1x1x6x3xf32>
}

// Keys that nothing turned.
// CHECK-LABEL: @not_turned
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @not_turned(%q: tensor<1x1x6x8xf32>, %k: tensor<1x1x13x8xf32>, %v: tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32> {
  %6 = vision.attention %q, %k, %v {scale = 0.5} : (tensor<1x1x6x8xf32>, tensor<1x1x13x8xf32>, tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32>
  return %6 : tensor<1x1x6x3xf32>
}
