// RUN: --passes=fuse-attention,absorb-for-few-tokens --round-trip

// Many rows attend to 3 tokens, which they follow from too: the rows' projection and the product after the heads go to the tokens.
// CHECK-LABEL: @few_keys
// CHECK-DAG: [[KEYS:%.*]] = "top.MatMul"({{.*}}) {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x4x6xf32>, none) -> tensor<1x2x3x6xf32>
// CHECK-DAG: [[BIAS:%.*]] = "top.MatMul"({{.*}}) {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x4x1xf32>, none) -> tensor<1x2x3x1xf32>
// CHECK-DAG: [[VALUES:%.*]] = "top.MatMul"({{.*}}) {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x4x6xf32>, none) -> tensor<1x2x3x6xf32>
// CHECK: cpu.run "token_attention"(%{{.*}}, [[KEYS]], [[VALUES]], [[BIAS]], %{{.*}}) {heads = 2 : i64, k = 6 : i64, n = 6 : i64, scale = 5.000000e-01 : f64}
// CHECK-NOT: vision.attention
// CHECK: return
func.func @few_keys(%r: tensor<1x256x6xf32>, %k: tensor<1x2x3x4xf32>, %v: tensor<1x2x3x4xf32>) -> tensor<1x256x6xf32> {
  %none = "top.None"() : () -> none
  %s0 = "top.Reshape"(%k) {shape = [1, 4, 6]} : (tensor<1x2x3x4xf32>) -> tensor<1x4x6xf32>
  %s1 = "top.Reduce"(%s0) {axes = [1], keepdims = true, mode = "ReduceMean"} : (tensor<1x4x6xf32>) -> tensor<1x1x6xf32>
  %x = "top.Add"(%r, %s1) : (tensor<1x256x6xf32>, tensor<1x1x6xf32>) -> tensor<1x256x6xf32>
  %w = "top.Weight"() : () -> tensor<8x6xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<8xf32> loc("b")
  %o = "top.Weight"() : () -> tensor<6x8xf32> loc("o")
  %c = "top.Weight"() : () -> tensor<6xf32> loc("c")
  %0 = "top.MatMul"(%x, %w, %b) {right_transpose = true} : (tensor<1x256x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %q = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %2 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x256x4xf32>, tensor<1x2x3x4xf32>, none) -> tensor<1x2x256x3xf32>
  %3 = "top.Softmax"(%2) {axis = 3 : si32, beta = 0.5} : (tensor<1x2x256x3xf32>) -> tensor<1x2x256x3xf32>
  %4 = "top.MatMul"(%3, %v, %none) : (tensor<1x2x256x3xf32>, tensor<1x2x3x4xf32>, none) -> tensor<1x2x256x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<1x2x256x4xf32>) -> tensor<1x256x2x4xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 256, 8]} : (tensor<1x256x2x4xf32>) -> tensor<1x256x8xf32>
  %7 = "top.MatMul"(%6, %o, %c) {right_transpose = true} : (tensor<1x256x8xf32>, tensor<6x8xf32>, tensor<6xf32>) -> tensor<1x256x6xf32>
  return %7 : tensor<1x256x6xf32>
}

// Rows that do not follow from the tokens may be known before them, and their projection too: it stays, and each key takes the
// place of its head among the columns.
// CHECK-LABEL: @few_keys_rows_known_earlier
// CHECK-DAG: [[ROWS:%.*]] = "top.MatMul"(%arg0, {{.*}}) {{.*}} : (tensor<1x256x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<1x256x8xf32>
// CHECK-DAG: [[KEYS:%.*]] = "top.MatMul"({{.*}}) {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x4x8xf32>, none) -> tensor<1x2x3x8xf32>
// CHECK-DAG: [[VALUES:%.*]] = "top.MatMul"({{.*}}) {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x4x6xf32>, none) -> tensor<1x2x3x6xf32>
// CHECK: cpu.run "token_attention"([[ROWS]], [[KEYS]], [[VALUES]], %{{.*}}) {heads = 2 : i64, k = 8 : i64, n = 6 : i64, scale = 5.000000e-01 : f64}
// CHECK-NOT: vision.attention
// CHECK: return
func.func @few_keys_rows_known_earlier(%x: tensor<1x256x6xf32>, %k: tensor<1x2x3x4xf32>, %v: tensor<1x2x3x4xf32>) -> tensor<1x256x6xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x6xf32> loc("w")
  %b = "top.Weight"() : () -> tensor<8xf32> loc("b")
  %o = "top.Weight"() : () -> tensor<6x8xf32> loc("o")
  %c = "top.Weight"() : () -> tensor<6xf32> loc("c")
  %0 = "top.MatMul"(%x, %w, %b) {right_transpose = true} : (tensor<1x256x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %q = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %2 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x256x4xf32>, tensor<1x2x3x4xf32>, none) -> tensor<1x2x256x3xf32>
  %3 = "top.Softmax"(%2) {axis = 3 : si32, beta = 0.5} : (tensor<1x2x256x3xf32>) -> tensor<1x2x256x3xf32>
  %4 = "top.MatMul"(%3, %v, %none) : (tensor<1x2x256x3xf32>, tensor<1x2x3x4xf32>, none) -> tensor<1x2x256x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<1x2x256x4xf32>) -> tensor<1x256x2x4xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 256, 8]} : (tensor<1x256x2x4xf32>) -> tensor<1x256x8xf32>
  %7 = "top.MatMul"(%6, %o, %c) {right_transpose = true} : (tensor<1x256x8xf32>, tensor<6x8xf32>, tensor<6xf32>) -> tensor<1x256x6xf32>
  return %7 : tensor<1x256x6xf32>
}

// With as many tokens as a head has dimensions there is nothing to gain.
// CHECK-LABEL: @as_many_tokens
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @as_many_tokens(%x: tensor<1x256x6xf32>, %k: tensor<1x2x4x4xf32>, %v: tensor<1x2x4x4xf32>) -> tensor<1x256x6xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x6xf32> loc("w")
  %o = "top.Weight"() : () -> tensor<6x8xf32> loc("o")
  %0 = "top.MatMul"(%x, %w, %none) {right_transpose = true} : (tensor<1x256x6xf32>, tensor<8x6xf32>, none) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %q = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %2 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x256x4xf32>, tensor<1x2x4x4xf32>, none) -> tensor<1x2x256x4xf32>
  %3 = "top.Softmax"(%2) {axis = 3 : si32} : (tensor<1x2x256x4xf32>) -> tensor<1x2x256x4xf32>
  %4 = "top.MatMul"(%3, %v, %none) : (tensor<1x2x256x4xf32>, tensor<1x2x4x4xf32>, none) -> tensor<1x2x256x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<1x2x256x4xf32>) -> tensor<1x256x2x4xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 256, 8]} : (tensor<1x256x2x4xf32>) -> tensor<1x256x8xf32>
  %7 = "top.MatMul"(%6, %o, %none) {right_transpose = true} : (tensor<1x256x8xf32>, tensor<6x8xf32>, none) -> tensor<1x256x6xf32>
  return %7 : tensor<1x256x6xf32>
}

// 3 tokens attend to many rows that follow from the tokens too: all heads' queries become queries of one head over the rows.
// CHECK-LABEL: @few_queries
// CHECK: "top.MatMul"(%arg0, {{.*}}) {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x4x6xf32>, none) -> tensor<1x2x3x6xf32>
// CHECK: vision.attention {{.*}} {scale = 5.000000e-01 : f64} : (tensor<1x1x6x6xf32>, tensor<1x1x256x6xf32>, tensor<1x1x256x6xf32>) -> tensor<1x1x6x6xf32>
// CHECK: "top.MatMul"({{.*}}) {{.*}} : (tensor<1x2x3x6xf32>, tensor<1x2x6x4xf32>, none) -> tensor<1x2x3x4xf32>
// CHECK: "top.Add"
// CHECK: return
func.func @few_queries(%q: tensor<1x2x3x4xf32>, %r: tensor<1x256x6xf32>) -> tensor<1x2x3x4xf32> {
  %none = "top.None"() : () -> none
  %wk = "top.Weight"() : () -> tensor<8x6xf32> loc("wk")
  %bk = "top.Weight"() : () -> tensor<8xf32> loc("bk")
  %wv = "top.Weight"() : () -> tensor<6x8xf32> loc("wv")
  %bv = "top.Weight"() : () -> tensor<8xf32> loc("bv")
  %s0 = "top.Reshape"(%q) {shape = [1, 4, 6]} : (tensor<1x2x3x4xf32>) -> tensor<1x4x6xf32>
  %s1 = "top.Reduce"(%s0) {axes = [1], keepdims = true, mode = "ReduceMean"} : (tensor<1x4x6xf32>) -> tensor<1x1x6xf32>
  %y = "top.Add"(%r, %s1) : (tensor<1x256x6xf32>, tensor<1x1x6xf32>) -> tensor<1x256x6xf32>
  %0 = "top.MatMul"(%y, %wk, %bk) {right_transpose = true} : (tensor<1x256x6xf32>, tensor<8x6xf32>, tensor<8xf32>) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %k = "top.Permute"(%1) {order = [0, 2, 3, 1]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x4x256xf32>
  %2 = "top.MatMul"(%y, %wv, %bv) : (tensor<1x256x6xf32>, tensor<6x8xf32>, tensor<8xf32>) -> tensor<1x256x8xf32>
  %3 = "top.Reshape"(%2) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %v = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %4 = "top.MatMul"(%q, %k, %none) : (tensor<1x2x3x4xf32>, tensor<1x2x4x256xf32>, none) -> tensor<1x2x3x256xf32>
  %5 = "top.Softmax"(%4) {axis = 3 : si32, beta = 0.5} : (tensor<1x2x3x256xf32>) -> tensor<1x2x3x256xf32>
  %6 = "top.MatMul"(%5, %v, %none) : (tensor<1x2x3x256xf32>, tensor<1x2x256x4xf32>, none) -> tensor<1x2x3x4xf32>
  return %6 : tensor<1x2x3x4xf32>
}

// Rows that do not follow from the tokens may be known before them, and their projections too.
// CHECK-LABEL: @rows_known_earlier
// CHECK: vision.attention {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x256x4xf32>, tensor<1x2x256x4xf32>) -> tensor<1x2x3x4xf32>
// CHECK: return
func.func @rows_known_earlier(%q: tensor<1x2x3x4xf32>, %y: tensor<1x256x6xf32>) -> tensor<1x2x3x4xf32> {
  %none = "top.None"() : () -> none
  %wk = "top.Weight"() : () -> tensor<8x6xf32> loc("wk")
  %wv = "top.Weight"() : () -> tensor<8x6xf32> loc("wv")
  %0 = "top.MatMul"(%y, %wk, %none) {right_transpose = true} : (tensor<1x256x6xf32>, tensor<8x6xf32>, none) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %k = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %2 = "top.MatMul"(%y, %wv, %none) {right_transpose = true} : (tensor<1x256x6xf32>, tensor<8x6xf32>, none) -> tensor<1x256x8xf32>
  %3 = "top.Reshape"(%2) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %v = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %4 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x3x4xf32>, tensor<1x2x256x4xf32>, none) -> tensor<1x2x3x256xf32>
  %5 = "top.Softmax"(%4) {axis = 3 : si32} : (tensor<1x2x3x256xf32>) -> tensor<1x2x3x256xf32>
  %6 = "top.MatMul"(%5, %v, %none) : (tensor<1x2x3x256xf32>, tensor<1x2x256x4xf32>, none) -> tensor<1x2x3x4xf32>
  return %6 : tensor<1x2x3x4xf32>
}

// Witnesses of one function: 3 tokens would be few enough, the 4 of the other are not, so neither changes.
// CHECK-LABEL: @of_three
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @of_three(%x: tensor<1x256x6xf32>, %k: tensor<1x2x3x4xf32>, %v: tensor<1x2x3x4xf32>) -> tensor<1x256x6xf32> attributes {cpu.witness_of = "f"} {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x6xf32> loc("w")
  %o = "top.Weight"() : () -> tensor<6x8xf32> loc("o")
  %0 = "top.MatMul"(%x, %w, %none) {right_transpose = true} : (tensor<1x256x6xf32>, tensor<8x6xf32>, none) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %q = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %2 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x256x4xf32>, tensor<1x2x3x4xf32>, none) -> tensor<1x2x256x3xf32>
  %3 = "top.Softmax"(%2) {axis = 3 : si32} : (tensor<1x2x256x3xf32>) -> tensor<1x2x256x3xf32>
  %4 = "top.MatMul"(%3, %v, %none) : (tensor<1x2x256x3xf32>, tensor<1x2x3x4xf32>, none) -> tensor<1x2x256x4xf32> loc("mixed")
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<1x2x256x4xf32>) -> tensor<1x256x2x4xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 256, 8]} : (tensor<1x256x2x4xf32>) -> tensor<1x256x8xf32>
  %7 = "top.MatMul"(%6, %o, %none) {right_transpose = true} : (tensor<1x256x8xf32>, tensor<6x8xf32>, none) -> tensor<1x256x6xf32>
  return %7 : tensor<1x256x6xf32>
}
// CHECK-LABEL: @of_four
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @of_four(%x: tensor<1x256x6xf32>, %k: tensor<1x2x4x4xf32>, %v: tensor<1x2x4x4xf32>) -> tensor<1x256x6xf32> attributes {cpu.witness_of = "f"} {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x6xf32> loc("w")
  %o = "top.Weight"() : () -> tensor<6x8xf32> loc("o")
  %0 = "top.MatMul"(%x, %w, %none) {right_transpose = true} : (tensor<1x256x6xf32>, tensor<8x6xf32>, none) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %q = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %2 = "top.MatMul"(%q, %k, %none) {right_transpose = true} : (tensor<1x2x256x4xf32>, tensor<1x2x4x4xf32>, none) -> tensor<1x2x256x4xf32>
  %3 = "top.Softmax"(%2) {axis = 3 : si32} : (tensor<1x2x256x4xf32>) -> tensor<1x2x256x4xf32>
  %4 = "top.MatMul"(%3, %v, %none) : (tensor<1x2x256x4xf32>, tensor<1x2x4x4xf32>, none) -> tensor<1x2x256x4xf32> loc("mixed")
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<1x2x256x4xf32>) -> tensor<1x256x2x4xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 256, 8]} : (tensor<1x256x2x4xf32>) -> tensor<1x256x8xf32>
  %7 = "top.MatMul"(%6, %o, %none) {right_transpose = true} : (tensor<1x256x8xf32>, tensor<6x8xf32>, none) -> tensor<1x256x6xf32>
  return %7 : tensor<1x256x6xf32>
}

// A batch of two, few rows, heads that do not divide 16, and a scale of 0, which the kernel does not have.
// CHECK-LABEL: @batch_of_rows
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @batch_of_rows(%x: tensor<2x256x6xf32>, %y: tensor<2x2x3x4xf32>, %z: tensor<2x2x3x4xf32>) -> tensor<2x256x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("batch_of_rows.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<2x256x6xf32>, tensor<6x8xf32>, none) -> tensor<2x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [2, 256, 2, 4]} : (tensor<2x256x8xf32>) -> tensor<2x256x2x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<2x256x2x4xf32>) -> tensor<2x2x256x4xf32>
  %3 = vision.attention %2, %y, %z {scale = 0.5} : (tensor<2x2x256x4xf32>, tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32>) -> tensor<2x2x256x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<2x2x256x4xf32>) -> tensor<2x256x2x4xf32>
  %5 = "top.Reshape"(%4) {shape = [2, 256, 8]} : (tensor<2x256x2x4xf32>) -> tensor<2x256x8xf32>
  %w1 = "top.Weight"() : () -> tensor<8x6xf32> loc("batch_of_rows.w1")
  %6 = "top.MatMul"(%5, %w1, %none) : (tensor<2x256x8xf32>, tensor<8x6xf32>, none) -> tensor<2x256x6xf32>
  return %6 : tensor<2x256x6xf32>
}

// CHECK-LABEL: @few_rows
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @few_rows(%x: tensor<1x255x6xf32>, %y: tensor<1x2x3x4xf32>, %z: tensor<1x2x3x4xf32>) -> tensor<1x255x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("few_rows.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<1x255x6xf32>, tensor<6x8xf32>, none) -> tensor<1x255x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 255, 2, 4]} : (tensor<1x255x8xf32>) -> tensor<1x255x2x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x255x2x4xf32>) -> tensor<1x2x255x4xf32>
  %3 = vision.attention %2, %y, %z {scale = 0.5} : (tensor<1x2x255x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x255x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<1x2x255x4xf32>) -> tensor<1x255x2x4xf32>
  %5 = "top.Reshape"(%4) {shape = [1, 255, 8]} : (tensor<1x255x2x4xf32>) -> tensor<1x255x8xf32>
  %w1 = "top.Weight"() : () -> tensor<8x6xf32> loc("few_rows.w1")
  %6 = "top.MatMul"(%5, %w1, %none) : (tensor<1x255x8xf32>, tensor<8x6xf32>, none) -> tensor<1x255x6xf32>
  return %6 : tensor<1x255x6xf32>
}

// CHECK-LABEL: @three_heads
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @three_heads(%x: tensor<1x256x6xf32>, %y: tensor<1x3x3x4xf32>, %z: tensor<1x3x3x4xf32>) -> tensor<1x256x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x12xf32> loc("three_heads.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<1x256x6xf32>, tensor<6x12xf32>, none) -> tensor<1x256x12xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 3, 4]} : (tensor<1x256x12xf32>) -> tensor<1x256x3x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x3x4xf32>) -> tensor<1x3x256x4xf32>
  %3 = vision.attention %2, %y, %z {scale = 0.5} : (tensor<1x3x256x4xf32>, tensor<1x3x3x4xf32>, tensor<1x3x3x4xf32>) -> tensor<1x3x256x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<1x3x256x4xf32>) -> tensor<1x256x3x4xf32>
  %5 = "top.Reshape"(%4) {shape = [1, 256, 12]} : (tensor<1x256x3x4xf32>) -> tensor<1x256x12xf32>
  %w1 = "top.Weight"() : () -> tensor<12x6xf32> loc("three_heads.w1")
  %6 = "top.MatMul"(%5, %w1, %none) : (tensor<1x256x12xf32>, tensor<12x6xf32>, none) -> tensor<1x256x6xf32>
  return %6 : tensor<1x256x6xf32>
}

// CHECK-LABEL: @scale_of_zero
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @scale_of_zero(%x: tensor<1x256x6xf32>, %y: tensor<1x2x3x4xf32>, %z: tensor<1x2x3x4xf32>) -> tensor<1x256x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("scale_of_zero.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<1x256x6xf32>, tensor<6x8xf32>, none) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %3 = vision.attention %2, %y, %z {scale = 0.0} : (tensor<1x2x256x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x256x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<1x2x256x4xf32>) -> tensor<1x256x2x4xf32>
  %5 = "top.Reshape"(%4) {shape = [1, 256, 8]} : (tensor<1x256x2x4xf32>) -> tensor<1x256x8xf32>
  %w1 = "top.Weight"() : () -> tensor<8x6xf32> loc("scale_of_zero.w1")
  %6 = "top.MatMul"(%5, %w1, %none) : (tensor<1x256x8xf32>, tensor<8x6xf32>, none) -> tensor<1x256x6xf32>
  return %6 : tensor<1x256x6xf32>
}

// Somebody else reads the projection, none follows, or the rows are none.
// CHECK-LABEL: @queries_are_read
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @queries_are_read(%x: tensor<1x256x6xf32>, %y: tensor<1x2x3x4xf32>, %z: tensor<1x2x3x4xf32>) -> (tensor<1x256x6xf32>, tensor<1x256x8xf32>) {
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("queries_are_read.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<1x256x6xf32>, tensor<6x8xf32>, none) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %3 = vision.attention %2, %y, %z {scale = 0.5} : (tensor<1x2x256x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x256x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<1x2x256x4xf32>) -> tensor<1x256x2x4xf32>
  %5 = "top.Reshape"(%4) {shape = [1, 256, 8]} : (tensor<1x256x2x4xf32>) -> tensor<1x256x8xf32>
  %w1 = "top.Weight"() : () -> tensor<8x6xf32> loc("queries_are_read.w1")
  %6 = "top.MatMul"(%5, %w1, %none) : (tensor<1x256x8xf32>, tensor<8x6xf32>, none) -> tensor<1x256x6xf32>
  return %6, %0 : tensor<1x256x6xf32>, tensor<1x256x8xf32>
}

// CHECK-LABEL: @no_join
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @no_join(%x: tensor<1x256x6xf32>, %y: tensor<1x2x3x4xf32>, %z: tensor<1x2x3x4xf32>) -> tensor<1x256x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("no_join.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<1x256x6xf32>, tensor<6x8xf32>, none) -> tensor<1x256x8xf32>
  %1 = "top.Reshape"(%0) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %3 = vision.attention %2, %y, %z {scale = 0.5} : (tensor<1x2x256x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x256x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<1x2x256x4xf32>) -> tensor<1x256x2x4xf32>
  %5 = "top.Reshape"(%4) {shape = [1, 256, 8]} : (tensor<1x256x2x4xf32>) -> tensor<1x256x8xf32>
  return %5 : tensor<1x256x8xf32>
}

// CHECK-LABEL: @no_projection
// CHECK: vision.attention
// CHECK-NOT: token_attention
// CHECK: return
func.func @no_projection(%x: tensor<1x256x6xf32>, %y: tensor<1x2x3x4xf32>, %z: tensor<1x2x3x4xf32>) -> tensor<1x256x6xf32> {
  %0 = "top.Concat"(%x, %x) {axis = 2 : si32} : (tensor<1x256x6xf32>, tensor<1x256x6xf32>) -> tensor<1x256x12xf32>
  %none = "top.None"() : () -> none
  %1 = "top.Slice"(%0, %none, %none, %none) {offset = [0, 0, 0], steps = [1, 1, 1], ends = [1, 256, 8], axes = []} : (tensor<1x256x12xf32>, none, none, none) -> tensor<1x256x8xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %4 = vision.attention %3, %y, %z {scale = 0.5} : (tensor<1x2x256x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x256x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<1x2x256x4xf32>) -> tensor<1x256x2x4xf32>
  %6 = "top.Reshape"(%5) {shape = [1, 256, 8]} : (tensor<1x256x2x4xf32>) -> tensor<1x256x8xf32>
  %w0 = "top.Weight"() : () -> tensor<8x6xf32> loc("no_projection.w0")
  %7 = "top.MatMul"(%6, %w0, %none) : (tensor<1x256x8xf32>, tensor<8x6xf32>, none) -> tensor<1x256x6xf32>
  return %7 : tensor<1x256x6xf32>
}

// The same of queries: a batch of two, few rows, as many queries as dimensions, keys or values that are read.
// CHECK-LABEL: @queries_of_two
// CHECK: vision.attention {{.*}} : (tensor<2x2x3x4xf32>, tensor<2x2x256x4xf32>, tensor<2x2x256x4xf32>)
// CHECK: return
func.func @queries_of_two(%x: tensor<2x2x3x4xf32>, %y: tensor<2x256x6xf32>) -> tensor<2x2x3x4xf32> {
  %0 = "top.Reshape"(%x) {shape = [2, 4, 6]} : (tensor<2x2x3x4xf32>) -> tensor<2x4x6xf32>
  %1 = "top.Reduce"(%0) {axes = [1], keepdims = true, mode = "ReduceMean"} : (tensor<2x4x6xf32>) -> tensor<2x1x6xf32>
  %2 = "top.Add"(%y, %1) : (tensor<2x256x6xf32>, tensor<2x1x6xf32>) -> tensor<2x256x6xf32>
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("queries_of_two.w0")
  %none = "top.None"() : () -> none
  %3 = "top.MatMul"(%2, %w0, %none) : (tensor<2x256x6xf32>, tensor<6x8xf32>, none) -> tensor<2x256x8xf32>
  %w1 = "top.Weight"() : () -> tensor<6x8xf32> loc("queries_of_two.w1")
  %4 = "top.MatMul"(%2, %w1, %none) : (tensor<2x256x6xf32>, tensor<6x8xf32>, none) -> tensor<2x256x8xf32>
  %5 = "top.Reshape"(%3) {shape = [2, 256, 2, 4]} : (tensor<2x256x8xf32>) -> tensor<2x256x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<2x256x2x4xf32>) -> tensor<2x2x256x4xf32>
  %7 = "top.Reshape"(%4) {shape = [2, 256, 2, 4]} : (tensor<2x256x8xf32>) -> tensor<2x256x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<2x256x2x4xf32>) -> tensor<2x2x256x4xf32>
  %9 = vision.attention %x, %6, %8 {scale = 0.5} : (tensor<2x2x3x4xf32>, tensor<2x2x256x4xf32>, tensor<2x2x256x4xf32>) -> tensor<2x2x3x4xf32>
  return %9 : tensor<2x2x3x4xf32>
}

// CHECK-LABEL: @queries_of_few_rows
// CHECK: vision.attention {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x255x4xf32>, tensor<1x2x255x4xf32>)
// CHECK: return
func.func @queries_of_few_rows(%x: tensor<1x2x3x4xf32>, %y: tensor<1x255x6xf32>) -> tensor<1x2x3x4xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 4, 6]} : (tensor<1x2x3x4xf32>) -> tensor<1x4x6xf32>
  %1 = "top.Reduce"(%0) {axes = [1], keepdims = true, mode = "ReduceMean"} : (tensor<1x4x6xf32>) -> tensor<1x1x6xf32>
  %2 = "top.Add"(%y, %1) : (tensor<1x255x6xf32>, tensor<1x1x6xf32>) -> tensor<1x255x6xf32>
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("queries_of_few_rows.w0")
  %none = "top.None"() : () -> none
  %3 = "top.MatMul"(%2, %w0, %none) : (tensor<1x255x6xf32>, tensor<6x8xf32>, none) -> tensor<1x255x8xf32>
  %w1 = "top.Weight"() : () -> tensor<6x8xf32> loc("queries_of_few_rows.w1")
  %4 = "top.MatMul"(%2, %w1, %none) : (tensor<1x255x6xf32>, tensor<6x8xf32>, none) -> tensor<1x255x8xf32>
  %5 = "top.Reshape"(%3) {shape = [1, 255, 2, 4]} : (tensor<1x255x8xf32>) -> tensor<1x255x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<1x255x2x4xf32>) -> tensor<1x2x255x4xf32>
  %7 = "top.Reshape"(%4) {shape = [1, 255, 2, 4]} : (tensor<1x255x8xf32>) -> tensor<1x255x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<1x255x2x4xf32>) -> tensor<1x2x255x4xf32>
  %9 = vision.attention %x, %6, %8 {scale = 0.5} : (tensor<1x2x3x4xf32>, tensor<1x2x255x4xf32>, tensor<1x2x255x4xf32>) -> tensor<1x2x3x4xf32>
  return %9 : tensor<1x2x3x4xf32>
}

// CHECK-LABEL: @many_queries
// CHECK: vision.attention {{.*}} : (tensor<1x2x6x4xf32>, tensor<1x2x256x4xf32>, tensor<1x2x256x4xf32>)
// CHECK: return
func.func @many_queries(%x: tensor<1x2x6x4xf32>, %y: tensor<1x256x6xf32>) -> tensor<1x2x6x4xf32> {
  %0 = "top.Reshape"(%x) {shape = [1, 8, 6]} : (tensor<1x2x6x4xf32>) -> tensor<1x8x6xf32>
  %1 = "top.Reduce"(%0) {axes = [1], keepdims = true, mode = "ReduceMean"} : (tensor<1x8x6xf32>) -> tensor<1x1x6xf32>
  %2 = "top.Add"(%y, %1) : (tensor<1x256x6xf32>, tensor<1x1x6xf32>) -> tensor<1x256x6xf32>
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("many_queries.w0")
  %none = "top.None"() : () -> none
  %3 = "top.MatMul"(%2, %w0, %none) : (tensor<1x256x6xf32>, tensor<6x8xf32>, none) -> tensor<1x256x8xf32>
  %w1 = "top.Weight"() : () -> tensor<6x8xf32> loc("many_queries.w1")
  %4 = "top.MatMul"(%2, %w1, %none) : (tensor<1x256x6xf32>, tensor<6x8xf32>, none) -> tensor<1x256x8xf32>
  %5 = "top.Reshape"(%3) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %7 = "top.Reshape"(%4) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %9 = vision.attention %x, %6, %8 {scale = 0.5} : (tensor<1x2x6x4xf32>, tensor<1x2x256x4xf32>, tensor<1x2x256x4xf32>) -> tensor<1x2x6x4xf32>
  return %9 : tensor<1x2x6x4xf32>
}

// CHECK-LABEL: @keys_are_read
// CHECK: vision.attention {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x256x4xf32>, tensor<1x2x256x4xf32>)
// CHECK: return
func.func @keys_are_read(%x: tensor<1x2x3x4xf32>, %y: tensor<1x256x6xf32>) -> (tensor<1x2x3x4xf32>, tensor<1x256x8xf32>) {
  %0 = "top.Reshape"(%x) {shape = [1, 4, 6]} : (tensor<1x2x3x4xf32>) -> tensor<1x4x6xf32>
  %1 = "top.Reduce"(%0) {axes = [1], keepdims = true, mode = "ReduceMean"} : (tensor<1x4x6xf32>) -> tensor<1x1x6xf32>
  %2 = "top.Add"(%y, %1) : (tensor<1x256x6xf32>, tensor<1x1x6xf32>) -> tensor<1x256x6xf32>
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("keys_are_read.w0")
  %none = "top.None"() : () -> none
  %3 = "top.MatMul"(%2, %w0, %none) : (tensor<1x256x6xf32>, tensor<6x8xf32>, none) -> tensor<1x256x8xf32>
  %w1 = "top.Weight"() : () -> tensor<6x8xf32> loc("keys_are_read.w1")
  %4 = "top.MatMul"(%2, %w1, %none) : (tensor<1x256x6xf32>, tensor<6x8xf32>, none) -> tensor<1x256x8xf32>
  %5 = "top.Reshape"(%3) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %7 = "top.Reshape"(%4) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %9 = vision.attention %x, %6, %8 {scale = 0.5} : (tensor<1x2x3x4xf32>, tensor<1x2x256x4xf32>, tensor<1x2x256x4xf32>) -> tensor<1x2x3x4xf32>
  return %9, %3 : tensor<1x2x3x4xf32>, tensor<1x256x8xf32>
}

// CHECK-LABEL: @values_are_read
// CHECK: vision.attention {{.*}} : (tensor<1x2x3x4xf32>, tensor<1x2x256x4xf32>, tensor<1x2x256x4xf32>)
// CHECK: return
func.func @values_are_read(%x: tensor<1x2x3x4xf32>, %y: tensor<1x256x6xf32>) -> (tensor<1x2x3x4xf32>, tensor<1x256x8xf32>) {
  %0 = "top.Reshape"(%x) {shape = [1, 4, 6]} : (tensor<1x2x3x4xf32>) -> tensor<1x4x6xf32>
  %1 = "top.Reduce"(%0) {axes = [1], keepdims = true, mode = "ReduceMean"} : (tensor<1x4x6xf32>) -> tensor<1x1x6xf32>
  %2 = "top.Add"(%y, %1) : (tensor<1x256x6xf32>, tensor<1x1x6xf32>) -> tensor<1x256x6xf32>
  %w0 = "top.Weight"() : () -> tensor<6x8xf32> loc("values_are_read.w0")
  %none = "top.None"() : () -> none
  %3 = "top.MatMul"(%2, %w0, %none) : (tensor<1x256x6xf32>, tensor<6x8xf32>, none) -> tensor<1x256x8xf32>
  %w1 = "top.Weight"() : () -> tensor<6x8xf32> loc("values_are_read.w1")
  %4 = "top.MatMul"(%2, %w1, %none) : (tensor<1x256x6xf32>, tensor<6x8xf32>, none) -> tensor<1x256x8xf32>
  %5 = "top.Reshape"(%3) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %7 = "top.Reshape"(%4) {shape = [1, 256, 2, 4]} : (tensor<1x256x8xf32>) -> tensor<1x256x2x4xf32>
  %8 = "top.Permute"(%7) {order = [0, 2, 1, 3]} : (tensor<1x256x2x4xf32>) -> tensor<1x2x256x4xf32>
  %9 = vision.attention %x, %6, %8 {scale = 0.5} : (tensor<1x2x3x4xf32>, tensor<1x2x256x4xf32>, tensor<1x2x256x4xf32>) -> tensor<1x2x3x4xf32>
  return %9, %4 : tensor<1x2x3x4xf32>, tensor<1x256x8xf32>
}
