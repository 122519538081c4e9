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
  %zero = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.0")
  %one = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.5")
  %two = "top.Weight"() : () -> tensor<1x1x2xf32> loc("1.0")
  %other = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.75")
  %columns = "top.Concat"(%zero, %one, %two) {axis = 1 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x3x2xf32>
  %rows = "top.Concat"(%zero, %other) {axis = 0 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<2x1x2xf32>
  %c0 = "top.Expand"(%columns) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %r0 = "top.Expand"(%rows) {shape = [2, 3, 2]} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
  %t0 = "top.Concat"(%c0, %r0) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x4xf32>
  %t = "top.Reshape"(%t0) {shape = [6, 1, 4]} : (tensor<2x3x4xf32>) -> tensor<6x1x4xf32> loc("table")
  %w = "top.Weight"() : () -> tensor<8x2xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<8xf32> loc("b")
  %0 = "top.MatMul"(%m, %w, %b) {right_transpose = true} : (tensor<1x12x2xf32>, tensor<8x2xf32>, tensor<8xf32>) -> tensor<1x12x8xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 6, 1, 8]} : (tensor<1x12x8xf32>) -> tensor<2x6x1x8xf32>
  %cosines = "top.Cos"(%t) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %sines = "top.Sin"(%t) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %2 = cpu.run "rotary"(%1, %cosines, %sines) {dim = 8 : i64, heads = 1 : i64, positions = 6 : i64} : (tensor<2x6x1x8xf32>, tensor<6x1x4xf32>, tensor<6x1x4xf32>) -> tensor<2x6x1x8xf32>
  %3 = "top.Reshape"(%2) {shape = [1, 12, 1, 8]} : (tensor<2x6x1x8xf32>) -> tensor<1x12x1x8xf32>
  %4 = "top.Concat"(%3, %tk) {axis = 1 : si32} : (tensor<1x12x1x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x13x1x8xf32>
  %k = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<1x13x1x8xf32>) -> tensor<1x1x13x8xf32>
  %5 = "top.Concat"(%y, %tv) {axis = 1 : si32} : (tensor<1x12x3xf32>, tensor<1x1x3xf32>) -> tensor<1x13x3xf32>
  %v = "top.Reshape"(%5) {shape = [1, 1, 13, 3]} : (tensor<1x13x3xf32>) -> tensor<1x1x13x3xf32>
  %6 = vision.attention %q, %k, %v {scale = 0.5} : (tensor<1x1x6x8xf32>, tensor<1x1x13x8xf32>, tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32>
  return %6 : tensor<1x1x6x3xf32>
}

// Axial tables whose angles do not grow evenly.
// CHECK-LABEL: @uneven
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @uneven(%q: tensor<1x1x6x8xf32>, %m: tensor<1x12x2xf32>, %y: tensor<1x12x3xf32>, %tk: tensor<1x1x1x8xf32>, %tv: tensor<1x1x3xf32>) -> tensor<1x1x6x3xf32> {
  %none = "top.None"() : () -> none
  %columns = "top.Weight"() : () -> tensor<1x3x2xf32> loc("uneven.columns")
  %rows = "top.Weight"() : () -> tensor<2x1x2xf32> loc("uneven.rows")
  %c0 = "top.Expand"(%columns) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %r0 = "top.Expand"(%rows) {shape = [2, 3, 2]} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
  %t0 = "top.Concat"(%c0, %r0) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x4xf32>
  %t = "top.Reshape"(%t0) {shape = [6, 1, 4]} : (tensor<2x3x4xf32>) -> tensor<6x1x4xf32> loc("uneven.table")
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

// Two heads, a relu of the keys, three parts, and values of which the memory's are other rows.
// CHECK-LABEL: @two_heads
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @two_heads(%x: tensor<1x2x6x8xf32>, %y: tensor<1x12x2xf32>, %z: tensor<1x12x3xf32>, %u: tensor<1x1x2x8xf32>, %v: tensor<1x1x3xf32>) -> tensor<1x2x6x3xf32> {
  %zero = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.0")
  %one = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.5")
  %two = "top.Weight"() : () -> tensor<1x1x2xf32> loc("1.0")
  %other = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.75")
  %w0 = "top.Concat"(%zero, %one, %two) {axis = 1 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x3x2xf32>
  %0 = "top.Expand"(%w0) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %w1 = "top.Concat"(%zero, %other) {axis = 0 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<2x1x2xf32>
  %1 = "top.Expand"(%w1) {shape = [2, 3, 2]} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
  %2 = "top.Concat"(%0, %1) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x4xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 1, 4]} : (tensor<2x3x4xf32>) -> tensor<6x1x4xf32>
  %w2 = "top.Weight"() : () -> tensor<2x16xf32> loc("two_heads.w2")
  %w3 = "top.Weight"() : () -> tensor<16xf32> loc("two_heads.w3")
  %4 = "top.MatMul"(%y, %w2, %w3) : (tensor<1x12x2xf32>, tensor<2x16xf32>, tensor<16xf32>) -> tensor<1x12x16xf32>
  %5 = "top.Reshape"(%4) {shape = [2, 6, 2, 8]} : (tensor<1x12x16xf32>) -> tensor<2x6x2x8xf32>
  %cosines = "top.Cos"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %sines = "top.Sin"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %6 = cpu.run "rotary"(%5, %cosines, %sines) {dim = 8 : i64, heads = 2 : i64, positions = 6 : i64} : (tensor<2x6x2x8xf32>, tensor<6x1x4xf32>, tensor<6x1x4xf32>) -> tensor<2x6x2x8xf32>
  %7 = "top.Reshape"(%6) {shape = [1, 12, 2, 8]} : (tensor<2x6x2x8xf32>) -> tensor<1x12x2x8xf32>
  %8 = "top.Concat"(%7, %u) {axis = 1 : si32} : (tensor<1x12x2x8xf32>, tensor<1x1x2x8xf32>) -> tensor<1x13x2x8xf32>
  %9 = "top.Concat"(%z, %v) {axis = 1 : si32} : (tensor<1x12x3xf32>, tensor<1x1x3xf32>) -> tensor<1x13x3xf32>
  %10 = "top.Concat"(%9, %9) {axis = 2 : si32} : (tensor<1x13x3xf32>, tensor<1x13x3xf32>) -> tensor<1x13x6xf32>
  %11 = "top.Reshape"(%10) {shape = [1, 13, 2, 3]} : (tensor<1x13x6xf32>) -> tensor<1x13x2x3xf32>
  %12 = "top.Permute"(%11) {order = [0, 2, 1, 3]} : (tensor<1x13x2x3xf32>) -> tensor<1x2x13x3xf32>
  %13 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<1x13x2x8xf32>) -> tensor<1x2x13x8xf32>
  %14 = vision.attention %x, %13, %12 {scale = 0.5} : (tensor<1x2x6x8xf32>, tensor<1x2x13x8xf32>, tensor<1x2x13x3xf32>) -> tensor<1x2x6x3xf32>
  return %14 : tensor<1x2x6x3xf32>
}

// CHECK-LABEL: @relu_of_keys
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @relu_of_keys(%x: tensor<1x1x6x8xf32>, %y: tensor<1x12x2xf32>, %z: tensor<1x12x3xf32>, %u: tensor<1x1x1x8xf32>, %v: tensor<1x1x3xf32>) -> tensor<1x1x6x3xf32> {
  %zero = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.0")
  %one = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.5")
  %two = "top.Weight"() : () -> tensor<1x1x2xf32> loc("1.0")
  %other = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.75")
  %w0 = "top.Concat"(%zero, %one, %two) {axis = 1 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x3x2xf32>
  %0 = "top.Expand"(%w0) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %w1 = "top.Concat"(%zero, %other) {axis = 0 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<2x1x2xf32>
  %1 = "top.Expand"(%w1) {shape = [2, 3, 2]} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
  %2 = "top.Concat"(%0, %1) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x4xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 1, 4]} : (tensor<2x3x4xf32>) -> tensor<6x1x4xf32>
  %w2 = "top.Weight"() : () -> tensor<2x8xf32> loc("relu_of_keys.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("relu_of_keys.w3")
  %4 = "top.MatMul"(%y, %w2, %w3) : (tensor<1x12x2xf32>, tensor<2x8xf32>, tensor<8xf32>) -> tensor<1x12x8xf32>
  %5 = "top.Reshape"(%4) {shape = [2, 6, 1, 8]} : (tensor<1x12x8xf32>) -> tensor<2x6x1x8xf32>
  %cosines = "top.Cos"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %sines = "top.Sin"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %6 = cpu.run "rotary"(%5, %cosines, %sines) {dim = 8 : i64, heads = 1 : i64, positions = 6 : i64} : (tensor<2x6x1x8xf32>, tensor<6x1x4xf32>, tensor<6x1x4xf32>) -> tensor<2x6x1x8xf32>
  %7 = "top.Reshape"(%6) {shape = [1, 12, 1, 8]} : (tensor<2x6x1x8xf32>) -> tensor<1x12x1x8xf32>
  %8 = "top.Concat"(%7, %u) {axis = 1 : si32, do_relu = true} : (tensor<1x12x1x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x13x1x8xf32>
  %9 = "top.Concat"(%z, %v) {axis = 1 : si32} : (tensor<1x12x3xf32>, tensor<1x1x3xf32>) -> tensor<1x13x3xf32>
  %10 = "top.Reshape"(%9) {shape = [1, 1, 13, 3]} : (tensor<1x13x3xf32>) -> tensor<1x1x13x3xf32>
  %11 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<1x13x1x8xf32>) -> tensor<1x1x13x8xf32>
  %12 = vision.attention %x, %11, %10 {scale = 0.5} : (tensor<1x1x6x8xf32>, tensor<1x1x13x8xf32>, tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32>
  return %12 : tensor<1x1x6x3xf32>
}

// CHECK-LABEL: @three_parts
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @three_parts(%x: tensor<1x1x6x8xf32>, %y: tensor<1x12x2xf32>, %z: tensor<1x12x3xf32>, %u: tensor<1x1x1x8xf32>, %v: tensor<1x1x3xf32>) -> tensor<1x1x6x3xf32> {
  %zero = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.0")
  %one = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.5")
  %two = "top.Weight"() : () -> tensor<1x1x2xf32> loc("1.0")
  %other = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.75")
  %w0 = "top.Concat"(%zero, %one, %two) {axis = 1 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x3x2xf32>
  %0 = "top.Expand"(%w0) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %w1 = "top.Concat"(%zero, %other) {axis = 0 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<2x1x2xf32>
  %1 = "top.Expand"(%w1) {shape = [2, 3, 2]} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
  %2 = "top.Concat"(%0, %1) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x4xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 1, 4]} : (tensor<2x3x4xf32>) -> tensor<6x1x4xf32>
  %w2 = "top.Weight"() : () -> tensor<2x8xf32> loc("three_parts.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("three_parts.w3")
  %4 = "top.MatMul"(%y, %w2, %w3) : (tensor<1x12x2xf32>, tensor<2x8xf32>, tensor<8xf32>) -> tensor<1x12x8xf32>
  %5 = "top.Reshape"(%4) {shape = [2, 6, 1, 8]} : (tensor<1x12x8xf32>) -> tensor<2x6x1x8xf32>
  %cosines = "top.Cos"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %sines = "top.Sin"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %6 = cpu.run "rotary"(%5, %cosines, %sines) {dim = 8 : i64, heads = 1 : i64, positions = 6 : i64} : (tensor<2x6x1x8xf32>, tensor<6x1x4xf32>, tensor<6x1x4xf32>) -> tensor<2x6x1x8xf32>
  %7 = "top.Reshape"(%6) {shape = [1, 12, 1, 8]} : (tensor<2x6x1x8xf32>) -> tensor<1x12x1x8xf32>
  %8 = "top.Concat"(%7, %u, %u) {axis = 1 : si32} : (tensor<1x12x1x8xf32>, tensor<1x1x1x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x14x1x8xf32>
  %9 = "top.Concat"(%z, %v, %v) {axis = 1 : si32} : (tensor<1x12x3xf32>, tensor<1x1x3xf32>, tensor<1x1x3xf32>) -> tensor<1x14x3xf32>
  %10 = "top.Reshape"(%9) {shape = [1, 1, 14, 3]} : (tensor<1x14x3xf32>) -> tensor<1x1x14x3xf32>
  %11 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<1x14x1x8xf32>) -> tensor<1x1x14x8xf32>
  %12 = vision.attention %x, %11, %10 {scale = 0.5} : (tensor<1x1x6x8xf32>, tensor<1x1x14x8xf32>, tensor<1x1x14x3xf32>) -> tensor<1x1x6x3xf32>
  return %12 : tensor<1x1x6x3xf32>
}

// CHECK-LABEL: @other_rows
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @other_rows(%x: tensor<1x1x6x8xf32>, %y: tensor<1x12x2xf32>, %z: tensor<1x11x3xf32>, %u: tensor<1x1x1x8xf32>, %v: tensor<1x2x3xf32>) -> tensor<1x1x6x3xf32> {
  %zero = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.0")
  %one = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.5")
  %two = "top.Weight"() : () -> tensor<1x1x2xf32> loc("1.0")
  %other = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.75")
  %w0 = "top.Concat"(%zero, %one, %two) {axis = 1 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x3x2xf32>
  %0 = "top.Expand"(%w0) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %w1 = "top.Concat"(%zero, %other) {axis = 0 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<2x1x2xf32>
  %1 = "top.Expand"(%w1) {shape = [2, 3, 2]} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
  %2 = "top.Concat"(%0, %1) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x4xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 1, 4]} : (tensor<2x3x4xf32>) -> tensor<6x1x4xf32>
  %w2 = "top.Weight"() : () -> tensor<2x8xf32> loc("other_rows.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("other_rows.w3")
  %4 = "top.MatMul"(%y, %w2, %w3) : (tensor<1x12x2xf32>, tensor<2x8xf32>, tensor<8xf32>) -> tensor<1x12x8xf32>
  %5 = "top.Reshape"(%4) {shape = [2, 6, 1, 8]} : (tensor<1x12x8xf32>) -> tensor<2x6x1x8xf32>
  %cosines = "top.Cos"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %sines = "top.Sin"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %6 = cpu.run "rotary"(%5, %cosines, %sines) {dim = 8 : i64, heads = 1 : i64, positions = 6 : i64} : (tensor<2x6x1x8xf32>, tensor<6x1x4xf32>, tensor<6x1x4xf32>) -> tensor<2x6x1x8xf32>
  %7 = "top.Reshape"(%6) {shape = [1, 12, 1, 8]} : (tensor<2x6x1x8xf32>) -> tensor<1x12x1x8xf32>
  %8 = "top.Concat"(%7, %u) {axis = 1 : si32} : (tensor<1x12x1x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x13x1x8xf32>
  %9 = "top.Concat"(%z, %v) {axis = 1 : si32} : (tensor<1x11x3xf32>, tensor<1x2x3xf32>) -> tensor<1x13x3xf32>
  %10 = "top.Reshape"(%9) {shape = [1, 1, 13, 3]} : (tensor<1x13x3xf32>) -> tensor<1x1x13x3xf32>
  %11 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<1x13x1x8xf32>) -> tensor<1x1x13x8xf32>
  %12 = vision.attention %x, %11, %10 {scale = 0.5} : (tensor<1x1x6x8xf32>, tensor<1x1x13x8xf32>, tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32>
  return %12 : tensor<1x1x6x3xf32>
}

// Tables over all memories, whose positions are not those of the queries.
// CHECK-LABEL: @all_memories_alike
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @all_memories_alike(%x: tensor<1x1x6x8xf32>, %y: tensor<1x12x2xf32>, %z: tensor<1x12x3xf32>, %u: tensor<1x1x1x8xf32>, %v: tensor<1x1x3xf32>) -> tensor<1x1x6x3xf32> {
  %zero = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.0")
  %one = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.5")
  %two = "top.Weight"() : () -> tensor<1x1x2xf32> loc("1.0")
  %other = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.75")
  %w0 = "top.Concat"(%zero, %one, %two) {axis = 1 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x3x2xf32>
  %0 = "top.Expand"(%w0) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %w1 = "top.Concat"(%zero, %other) {axis = 0 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<2x1x2xf32>
  %1 = "top.Expand"(%w1) {shape = [2, 3, 2]} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
  %2 = "top.Concat"(%0, %1) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x4xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 1, 4]} : (tensor<2x3x4xf32>) -> tensor<6x1x4xf32>
  %4 = "top.Concat"(%3, %3) {axis = 0 : si32} : (tensor<6x1x4xf32>, tensor<6x1x4xf32>) -> tensor<12x1x4xf32>
  %w2 = "top.Weight"() : () -> tensor<2x8xf32> loc("all_memories_alike.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("all_memories_alike.w3")
  %5 = "top.MatMul"(%y, %w2, %w3) : (tensor<1x12x2xf32>, tensor<2x8xf32>, tensor<8xf32>) -> tensor<1x12x8xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 12, 1, 8]} : (tensor<1x12x8xf32>) -> tensor<1x12x1x8xf32>
  %cosines = "top.Cos"(%4) : (tensor<12x1x4xf32>) -> tensor<12x1x4xf32>
  %sines = "top.Sin"(%4) : (tensor<12x1x4xf32>) -> tensor<12x1x4xf32>
  %7 = cpu.run "rotary"(%6, %cosines, %sines) {dim = 8 : i64, heads = 1 : i64, positions = 12 : i64} : (tensor<1x12x1x8xf32>, tensor<12x1x4xf32>, tensor<12x1x4xf32>) -> tensor<1x12x1x8xf32>
  %8 = "top.Reshape"(%7) {shape = [1, 12, 1, 8]} : (tensor<1x12x1x8xf32>) -> tensor<1x12x1x8xf32>
  %9 = "top.Concat"(%8, %u) {axis = 1 : si32} : (tensor<1x12x1x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x13x1x8xf32>
  %10 = "top.Concat"(%z, %v) {axis = 1 : si32} : (tensor<1x12x3xf32>, tensor<1x1x3xf32>) -> tensor<1x13x3xf32>
  %11 = "top.Reshape"(%10) {shape = [1, 1, 13, 3]} : (tensor<1x13x3xf32>) -> tensor<1x1x13x3xf32>
  %12 = "top.Permute"(%9) {order = [0, 2, 1, 3]} : (tensor<1x13x1x8xf32>) -> tensor<1x1x13x8xf32>
  %13 = vision.attention %x, %12, %11 {scale = 0.5} : (tensor<1x1x6x8xf32>, tensor<1x1x13x8xf32>, tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32>
  return %13 : tensor<1x1x6x3xf32>
}

// Memories of as many channels as make the products no less.
// CHECK-LABEL: @many_channels
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @many_channels(%x: tensor<1x1x6x8xf32>, %y: tensor<1x12x5xf32>, %z: tensor<1x12x3xf32>, %u: tensor<1x1x1x8xf32>, %v: tensor<1x1x3xf32>) -> tensor<1x1x6x3xf32> {
  %zero = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.0")
  %one = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.5")
  %two = "top.Weight"() : () -> tensor<1x1x2xf32> loc("1.0")
  %other = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.75")
  %w0 = "top.Concat"(%zero, %one, %two) {axis = 1 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x3x2xf32>
  %0 = "top.Expand"(%w0) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %w1 = "top.Concat"(%zero, %other) {axis = 0 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<2x1x2xf32>
  %1 = "top.Expand"(%w1) {shape = [2, 3, 2]} : (tensor<2x1x2xf32>) -> tensor<2x3x2xf32>
  %2 = "top.Concat"(%0, %1) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x4xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 1, 4]} : (tensor<2x3x4xf32>) -> tensor<6x1x4xf32>
  %w2 = "top.Weight"() : () -> tensor<5x8xf32> loc("many_channels.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("many_channels.w3")
  %4 = "top.MatMul"(%y, %w2, %w3) : (tensor<1x12x5xf32>, tensor<5x8xf32>, tensor<8xf32>) -> tensor<1x12x8xf32>
  %5 = "top.Reshape"(%4) {shape = [2, 6, 1, 8]} : (tensor<1x12x8xf32>) -> tensor<2x6x1x8xf32>
  %cosines = "top.Cos"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %sines = "top.Sin"(%3) : (tensor<6x1x4xf32>) -> tensor<6x1x4xf32>
  %6 = cpu.run "rotary"(%5, %cosines, %sines) {dim = 8 : i64, heads = 1 : i64, positions = 6 : i64} : (tensor<2x6x1x8xf32>, tensor<6x1x4xf32>, tensor<6x1x4xf32>) -> tensor<2x6x1x8xf32>
  %7 = "top.Reshape"(%6) {shape = [1, 12, 1, 8]} : (tensor<2x6x1x8xf32>) -> tensor<1x12x1x8xf32>
  %8 = "top.Concat"(%7, %u) {axis = 1 : si32} : (tensor<1x12x1x8xf32>, tensor<1x1x1x8xf32>) -> tensor<1x13x1x8xf32>
  %9 = "top.Concat"(%z, %v) {axis = 1 : si32} : (tensor<1x12x3xf32>, tensor<1x1x3xf32>) -> tensor<1x13x3xf32>
  %10 = "top.Reshape"(%9) {shape = [1, 1, 13, 3]} : (tensor<1x13x3xf32>) -> tensor<1x1x13x3xf32>
  %11 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<1x13x1x8xf32>) -> tensor<1x1x13x8xf32>
  %12 = vision.attention %x, %11, %10 {scale = 0.5} : (tensor<1x1x6x8xf32>, tensor<1x1x13x8xf32>, tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32>
  return %12 : tensor<1x1x6x3xf32>
}

// Pairs that cannot be dealt to columns and rows alike.
// CHECK-LABEL: @odd_pairs
// CHECK: vision.attention
// CHECK-NOT: axial_attention
// CHECK: return
func.func @odd_pairs(%x: tensor<1x1x6x10xf32>, %y: tensor<1x12x2xf32>, %z: tensor<1x12x3xf32>, %u: tensor<1x1x1x10xf32>, %v: tensor<1x1x3xf32>) -> tensor<1x1x6x3xf32> {
  %zero = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.0")
  %one = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.5")
  %two = "top.Weight"() : () -> tensor<1x1x2xf32> loc("1.0")
  %other = "top.Weight"() : () -> tensor<1x1x2xf32> loc("0.75")
  %w0 = "top.Concat"(%zero, %one, %two) {axis = 1 : si32} : (tensor<1x1x2xf32>, tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x3x2xf32>
  %0 = "top.Expand"(%w0) {shape = [2, 3, 2]} : (tensor<1x3x2xf32>) -> tensor<2x3x2xf32>
  %w1 = "top.Weight"() : () -> tensor<2x1x3xf32> loc("odd_pairs.rows")
  %1 = "top.Expand"(%w1) {shape = [2, 3, 3]} : (tensor<2x1x3xf32>) -> tensor<2x3x3xf32>
  %2 = "top.Concat"(%0, %1) {axis = 2 : si32} : (tensor<2x3x2xf32>, tensor<2x3x3xf32>) -> tensor<2x3x5xf32>
  %3 = "top.Reshape"(%2) {shape = [6, 1, 5]} : (tensor<2x3x5xf32>) -> tensor<6x1x5xf32>
  %w2 = "top.Weight"() : () -> tensor<2x10xf32> loc("odd_pairs.w2")
  %w3 = "top.Weight"() : () -> tensor<10xf32> loc("odd_pairs.w3")
  %4 = "top.MatMul"(%y, %w2, %w3) : (tensor<1x12x2xf32>, tensor<2x10xf32>, tensor<10xf32>) -> tensor<1x12x10xf32>
  %5 = "top.Reshape"(%4) {shape = [2, 6, 1, 10]} : (tensor<1x12x10xf32>) -> tensor<2x6x1x10xf32>
  %cosines = "top.Cos"(%3) : (tensor<6x1x5xf32>) -> tensor<6x1x5xf32>
  %sines = "top.Sin"(%3) : (tensor<6x1x5xf32>) -> tensor<6x1x5xf32>
  %6 = cpu.run "rotary"(%5, %cosines, %sines) {dim = 10 : i64, heads = 1 : i64, positions = 6 : i64} : (tensor<2x6x1x10xf32>, tensor<6x1x5xf32>, tensor<6x1x5xf32>) -> tensor<2x6x1x10xf32>
  %7 = "top.Reshape"(%6) {shape = [1, 12, 1, 10]} : (tensor<2x6x1x10xf32>) -> tensor<1x12x1x10xf32>
  %8 = "top.Concat"(%7, %u) {axis = 1 : si32} : (tensor<1x12x1x10xf32>, tensor<1x1x1x10xf32>) -> tensor<1x13x1x10xf32>
  %9 = "top.Concat"(%z, %v) {axis = 1 : si32} : (tensor<1x12x3xf32>, tensor<1x1x3xf32>) -> tensor<1x13x3xf32>
  %10 = "top.Reshape"(%9) {shape = [1, 1, 13, 3]} : (tensor<1x13x3xf32>) -> tensor<1x1x13x3xf32>
  %11 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<1x13x1x10xf32>) -> tensor<1x1x13x10xf32>
  %12 = vision.attention %x, %11, %10 {scale = 0.5} : (tensor<1x1x6x10xf32>, tensor<1x1x13x10xf32>, tensor<1x1x13x3xf32>) -> tensor<1x1x6x3xf32>
  return %12 : tensor<1x1x6x3xf32>
}
