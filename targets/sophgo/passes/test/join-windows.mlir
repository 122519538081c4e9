// RUN: --passes=fuse-attention,join-windows --round-trip

// Four windows of 16 tokens at once, and a mask between them.
// CHECK-LABEL: @sixteen
// CHECK: [[S:%.*]] = "top.MatMul"({{.*}} -> tensor<2x2x64x64xf32>
// CHECK: [[M:%.*]] = "top.Weight"() : () -> tensor<1x1x64x64xf32>
// CHECK: "top.Add"([[S]], [[M]])
// CHECK: "top.Softmax"({{.*}} -> tensor<2x2x64x64xf32>
// CHECK-NOT: vision.attention
// CHECK: return
func.func @sixteen(%q: tensor<8x16x8xf32>, %k: tensor<8x16x8xf32>, %v: tensor<8x16x8xf32>) -> tensor<8x16x8xf32> {
  %0 = "top.Reshape"(%q) {shape = [8, 16, 2, 4]} : (tensor<8x16x8xf32>) -> tensor<8x16x2x4xf32>
  %1 = "top.Permute"(%0) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %2 = "top.Reshape"(%k) {shape = [8, 16, 2, 4]} : (tensor<8x16x8xf32>) -> tensor<8x16x2x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x4x16xf32>
  %4 = "top.Reshape"(%v) {shape = [8, 16, 2, 4]} : (tensor<8x16x8xf32>) -> tensor<8x16x2x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %none = "top.None"() : () -> none
  %6 = "top.MatMul"(%1, %3, %none) : (tensor<8x2x16x4xf32>, tensor<8x2x4x16xf32>, none) -> tensor<8x2x16x16xf32>
  %7 = "top.Softmax"(%6) {axis = 3 : si32} : (tensor<8x2x16x16xf32>) -> tensor<8x2x16x16xf32>
  %8 = "top.MatMul"(%7, %5, %none) : (tensor<8x2x16x16xf32>, tensor<8x2x16x4xf32>, none) -> tensor<8x2x16x4xf32>
  %9 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<8x2x16x4xf32>) -> tensor<8x16x2x4xf32>
  %10 = "top.Reshape"(%9) {shape = [8, 16, 8]} : (tensor<8x16x2x4xf32>) -> tensor<8x16x8xf32>
  return %10 : tensor<8x16x8xf32>
}

// Eight windows of 8 would make eight times the scores.
// CHECK-LABEL: @eight
// CHECK: vision.attention
// CHECK: return
func.func @eight(%q: tensor<8x8x8xf32>, %k: tensor<8x8x8xf32>, %v: tensor<8x8x8xf32>) -> tensor<8x8x8xf32> {
  %0 = "top.Reshape"(%q) {shape = [8, 8, 2, 4]} : (tensor<8x8x8xf32>) -> tensor<8x8x2x4xf32>
  %1 = "top.Permute"(%0) {order = [0, 2, 1, 3]} : (tensor<8x8x2x4xf32>) -> tensor<8x2x8x4xf32>
  %2 = "top.Reshape"(%k) {shape = [8, 8, 2, 4]} : (tensor<8x8x8xf32>) -> tensor<8x8x2x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<8x8x2x4xf32>) -> tensor<8x2x4x8xf32>
  %4 = "top.Reshape"(%v) {shape = [8, 8, 2, 4]} : (tensor<8x8x8xf32>) -> tensor<8x8x2x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<8x8x2x4xf32>) -> tensor<8x2x8x4xf32>
  %none = "top.None"() : () -> none
  %6 = "top.MatMul"(%1, %3, %none) : (tensor<8x2x8x4xf32>, tensor<8x2x4x8xf32>, none) -> tensor<8x2x8x8xf32>
  %7 = "top.Softmax"(%6) {axis = 3 : si32} : (tensor<8x2x8x8xf32>) -> tensor<8x2x8x8xf32>
  %8 = "top.MatMul"(%7, %5, %none) : (tensor<8x2x8x8xf32>, tensor<8x2x8x4xf32>, none) -> tensor<8x2x8x4xf32>
  %9 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<8x2x8x4xf32>) -> tensor<8x8x2x4xf32>
  %10 = "top.Reshape"(%9) {shape = [8, 8, 8]} : (tensor<8x8x2x4xf32>) -> tensor<8x8x8xf32>
  return %10 : tensor<8x8x8xf32>
}

// Lanes are full.
// CHECK-LABEL: @full
// CHECK: vision.attention
// CHECK: return
func.func @full(%q: tensor<8x64x8xf32>, %k: tensor<8x64x8xf32>, %v: tensor<8x64x8xf32>) -> tensor<8x64x8xf32> {
  %0 = "top.Reshape"(%q) {shape = [8, 64, 2, 4]} : (tensor<8x64x8xf32>) -> tensor<8x64x2x4xf32>
  %1 = "top.Permute"(%0) {order = [0, 2, 1, 3]} : (tensor<8x64x2x4xf32>) -> tensor<8x2x64x4xf32>
  %2 = "top.Reshape"(%k) {shape = [8, 64, 2, 4]} : (tensor<8x64x8xf32>) -> tensor<8x64x2x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<8x64x2x4xf32>) -> tensor<8x2x4x64xf32>
  %4 = "top.Reshape"(%v) {shape = [8, 64, 2, 4]} : (tensor<8x64x8xf32>) -> tensor<8x64x2x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<8x64x2x4xf32>) -> tensor<8x2x64x4xf32>
  %none = "top.None"() : () -> none
  %6 = "top.MatMul"(%1, %3, %none) : (tensor<8x2x64x4xf32>, tensor<8x2x4x64xf32>, none) -> tensor<8x2x64x64xf32>
  %7 = "top.Softmax"(%6) {axis = 3 : si32} : (tensor<8x2x64x64xf32>) -> tensor<8x2x64x64xf32>
  %8 = "top.MatMul"(%7, %5, %none) : (tensor<8x2x64x64xf32>, tensor<8x2x64x4xf32>, none) -> tensor<8x2x64x4xf32>
  %9 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<8x2x64x4xf32>) -> tensor<8x64x2x4xf32>
  %10 = "top.Reshape"(%9) {shape = [8, 64, 8]} : (tensor<8x64x2x4xf32>) -> tensor<8x64x8xf32>
  return %10 : tensor<8x64x8xf32>
}

// Six windows are no fours.
// CHECK-LABEL: @six
// CHECK: vision.attention
// CHECK: return
func.func @six(%q: tensor<6x16x8xf32>, %k: tensor<6x16x8xf32>, %v: tensor<6x16x8xf32>) -> tensor<6x16x8xf32> {
  %0 = "top.Reshape"(%q) {shape = [6, 16, 2, 4]} : (tensor<6x16x8xf32>) -> tensor<6x16x2x4xf32>
  %1 = "top.Permute"(%0) {order = [0, 2, 1, 3]} : (tensor<6x16x2x4xf32>) -> tensor<6x2x16x4xf32>
  %2 = "top.Reshape"(%k) {shape = [6, 16, 2, 4]} : (tensor<6x16x8xf32>) -> tensor<6x16x2x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 3, 1]} : (tensor<6x16x2x4xf32>) -> tensor<6x2x4x16xf32>
  %4 = "top.Reshape"(%v) {shape = [6, 16, 2, 4]} : (tensor<6x16x8xf32>) -> tensor<6x16x2x4xf32>
  %5 = "top.Permute"(%4) {order = [0, 2, 1, 3]} : (tensor<6x16x2x4xf32>) -> tensor<6x2x16x4xf32>
  %none = "top.None"() : () -> none
  %6 = "top.MatMul"(%1, %3, %none) : (tensor<6x2x16x4xf32>, tensor<6x2x4x16xf32>, none) -> tensor<6x2x16x16xf32>
  %7 = "top.Softmax"(%6) {axis = 3 : si32} : (tensor<6x2x16x16xf32>) -> tensor<6x2x16x16xf32>
  %8 = "top.MatMul"(%7, %5, %none) : (tensor<6x2x16x16xf32>, tensor<6x2x16x4xf32>, none) -> tensor<6x2x16x4xf32>
  %9 = "top.Permute"(%8) {order = [0, 2, 1, 3]} : (tensor<6x2x16x4xf32>) -> tensor<6x16x2x4xf32>
  %10 = "top.Reshape"(%9) {shape = [6, 16, 8]} : (tensor<6x16x2x4xf32>) -> tensor<6x16x8xf32>
  return %10 : tensor<6x16x8xf32>
}

// A scale stands between product and mask.
// CHECK-LABEL: @scaled
// CHECK: vision.attention
// CHECK: return
func.func @scaled(%q: tensor<8x16x8xf32>, %k: tensor<8x16x8xf32>, %v: tensor<8x16x8xf32>) -> tensor<8x16x2x4xf32> {
  %0 = "top.Reshape"(%q) {shape = [8, 16, 2, 4]} : (tensor<8x16x8xf32>) -> tensor<8x16x2x4xf32>
  %1 = "top.Permute"(%0) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %2 = "top.MulConst"(%1) {const_val = 0.5 : f64} : (tensor<8x2x16x4xf32>) -> tensor<8x2x16x4xf32>
  %3 = "top.Reshape"(%k) {shape = [8, 16, 2, 4]} : (tensor<8x16x8xf32>) -> tensor<8x16x2x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 3, 1]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x4x16xf32>
  %5 = "top.Reshape"(%v) {shape = [8, 16, 2, 4]} : (tensor<8x16x8xf32>) -> tensor<8x16x2x4xf32>
  %6 = "top.Permute"(%5) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %none = "top.None"() : () -> none
  %7 = "top.MatMul"(%2, %4, %none) : (tensor<8x2x16x4xf32>, tensor<8x2x4x16xf32>, none) -> tensor<8x2x16x16xf32>
  %8 = "top.Softmax"(%7) {axis = 3 : si32} : (tensor<8x2x16x16xf32>) -> tensor<8x2x16x16xf32>
  %9 = "top.MatMul"(%8, %6, %none) : (tensor<8x2x16x16xf32>, tensor<8x2x16x4xf32>, none) -> tensor<8x2x16x4xf32>
  %10 = "top.Permute"(%9) {order = [0, 2, 1, 3]} : (tensor<8x2x16x4xf32>) -> tensor<8x16x2x4xf32>
  return %10 : tensor<8x16x2x4xf32>
}

// Heads that come as they are.
// CHECK-LABEL: @no_permutes
// CHECK: vision.attention
// CHECK: return
func.func @no_permutes(%q: tensor<8x2x16x4xf32>, %k: tensor<8x2x4x16xf32>, %v: tensor<8x2x16x4xf32>) -> tensor<8x16x2x4xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%q, %k, %none) : (tensor<8x2x16x4xf32>, tensor<8x2x4x16xf32>, none) -> tensor<8x2x16x16xf32>
  %1 = "top.Softmax"(%0) {axis = 3 : si32} : (tensor<8x2x16x16xf32>) -> tensor<8x2x16x16xf32>
  %2 = "top.MatMul"(%1, %v, %none) : (tensor<8x2x16x16xf32>, tensor<8x2x16x4xf32>, none) -> tensor<8x2x16x4xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 1, 3]} : (tensor<8x2x16x4xf32>) -> tensor<8x16x2x4xf32>
  return %3 : tensor<8x16x2x4xf32>
}

// Twenty-four tokens divide no 64; heads that are read, values of other dimensions, results that go elsewhere.
// CHECK-LABEL: @nine_rows
// CHECK: vision.attention
// CHECK: return
func.func @nine_rows(%x: tensor<8x24x2x4xf32>, %y: tensor<8x24x2x4xf32>, %z: tensor<8x24x2x4xf32>) -> tensor<8x24x2x4xf32> {
  %0 = "top.Permute"(%x) {order = [0, 2, 1, 3]} : (tensor<8x24x2x4xf32>) -> tensor<8x2x24x4xf32>
  %1 = "top.Permute"(%y) {order = [0, 2, 1, 3]} : (tensor<8x24x2x4xf32>) -> tensor<8x2x24x4xf32>
  %2 = "top.Permute"(%z) {order = [0, 2, 1, 3]} : (tensor<8x24x2x4xf32>) -> tensor<8x2x24x4xf32>
  %3 = vision.attention %0, %1, %2 {scale = 1.0} : (tensor<8x2x24x4xf32>, tensor<8x2x24x4xf32>, tensor<8x2x24x4xf32>) -> tensor<8x2x24x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<8x2x24x4xf32>) -> tensor<8x24x2x4xf32>
  return %4 : tensor<8x24x2x4xf32>
}

// CHECK-LABEL: @heads_are_read
// CHECK: vision.attention
// CHECK: return
func.func @heads_are_read(%x: tensor<8x16x2x4xf32>, %y: tensor<8x16x2x4xf32>, %z: tensor<8x16x2x4xf32>) -> (tensor<8x16x2x4xf32>, tensor<8x2x16x4xf32>) {
  %0 = "top.Permute"(%x) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %1 = "top.Permute"(%y) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %2 = "top.Permute"(%z) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %3 = vision.attention %0, %1, %2 {scale = 1.0} : (tensor<8x2x16x4xf32>, tensor<8x2x16x4xf32>, tensor<8x2x16x4xf32>) -> tensor<8x2x16x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<8x2x16x4xf32>) -> tensor<8x16x2x4xf32>
  return %4, %0 : tensor<8x16x2x4xf32>, tensor<8x2x16x4xf32>
}

// CHECK-LABEL: @result_is_read
// CHECK: vision.attention
// CHECK: return
func.func @result_is_read(%x: tensor<8x16x2x4xf32>, %y: tensor<8x16x2x4xf32>, %z: tensor<8x16x2x4xf32>) -> (tensor<8x16x2x4xf32>, tensor<8x2x16x4xf32>) {
  %0 = "top.Permute"(%x) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %1 = "top.Permute"(%y) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %2 = "top.Permute"(%z) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %3 = vision.attention %0, %1, %2 {scale = 1.0} : (tensor<8x2x16x4xf32>, tensor<8x2x16x4xf32>, tensor<8x2x16x4xf32>) -> tensor<8x2x16x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<8x2x16x4xf32>) -> tensor<8x16x2x4xf32>
  return %4, %3 : tensor<8x16x2x4xf32>, tensor<8x2x16x4xf32>
}

// CHECK-LABEL: @narrow_values
// CHECK: vision.attention
// CHECK: return
func.func @narrow_values(%x: tensor<8x16x2x4xf32>, %y: tensor<8x16x2x4xf32>, %z: tensor<8x16x2x2xf32>) -> tensor<8x16x2x2xf32> {
  %0 = "top.Permute"(%x) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %1 = "top.Permute"(%y) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %2 = "top.Permute"(%z) {order = [0, 2, 1, 3]} : (tensor<8x16x2x2xf32>) -> tensor<8x2x16x2xf32>
  %3 = vision.attention %0, %1, %2 {scale = 1.0} : (tensor<8x2x16x4xf32>, tensor<8x2x16x4xf32>, tensor<8x2x16x2xf32>) -> tensor<8x2x16x2xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 1, 3]} : (tensor<8x2x16x2xf32>) -> tensor<8x16x2x2xf32>
  return %4 : tensor<8x16x2x2xf32>
}

// CHECK-LABEL: @other_result
// CHECK: vision.attention
// CHECK: return
func.func @other_result(%x: tensor<8x16x2x4xf32>, %y: tensor<8x16x2x4xf32>, %z: tensor<8x16x2x4xf32>) -> tensor<8x16x4x2xf32> {
  %0 = "top.Permute"(%x) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %1 = "top.Permute"(%y) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %2 = "top.Permute"(%z) {order = [0, 2, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<8x2x16x4xf32>
  %3 = vision.attention %0, %1, %2 {scale = 1.0} : (tensor<8x2x16x4xf32>, tensor<8x2x16x4xf32>, tensor<8x2x16x4xf32>) -> tensor<8x2x16x4xf32>
  %4 = "top.Permute"(%3) {order = [0, 2, 3, 1]} : (tensor<8x2x16x4xf32>) -> tensor<8x16x4x2xf32>
  return %4 : tensor<8x16x4x2xf32>
}

// CHECK-LABEL: @tokens_first
// CHECK: vision.attention
// CHECK: return
func.func @tokens_first(%x: tensor<8x16x2x4xf32>, %y: tensor<8x16x2x4xf32>, %z: tensor<8x16x2x4xf32>) -> tensor<8x16x2x4xf32> {
  %0 = "top.Permute"(%x) {order = [2, 0, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<2x8x16x4xf32>
  %1 = "top.Permute"(%y) {order = [2, 0, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<2x8x16x4xf32>
  %2 = "top.Permute"(%z) {order = [2, 0, 1, 3]} : (tensor<8x16x2x4xf32>) -> tensor<2x8x16x4xf32>
  %3 = vision.attention %0, %1, %2 {scale = 1.0} : (tensor<2x8x16x4xf32>, tensor<2x8x16x4xf32>, tensor<2x8x16x4xf32>) -> tensor<2x8x16x4xf32>
  %4 = "top.Permute"(%3) {order = [1, 2, 0, 3]} : (tensor<2x8x16x4xf32>) -> tensor<8x16x2x4xf32>
  return %4 : tensor<8x16x2x4xf32>
}
