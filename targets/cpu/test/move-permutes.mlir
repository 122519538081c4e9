// RUN: --passes=move-permutes --round-trip

// Permutes move past elementwise ops and reshapes until they meet their inverse.
// CHECK-LABEL: @cancels
// CHECK-NOT: top.Permute
// CHECK: top.GELU{{.*}}tensor<1x4x6x8xf32>
// CHECK-NOT: top.Permute
// CHECK: return
func.func @cancels(%x: tensor<1x4x6x8xf32>) -> tensor<1x24x8xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = "top.GELU"(%0) : (tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32>
  %2 = "top.Reshape"(%1) {shape = [1, 8, 24]} : (tensor<1x8x4x6xf32>) -> tensor<1x8x24xf32>
  %3 = "top.Permute"(%2) {order = [0, 2, 1]} : (tensor<1x8x24xf32>) -> tensor<1x24x8xf32>
  return %3 : tensor<1x24x8xf32>
}

// A reshape that joins what is apart in memory cannot pass.
// CHECK-LABEL: @joins_what_is_apart
// CHECK: top.Permute
// CHECK: top.Reshape
func.func @joins_what_is_apart(%x: tensor<4x6x8xf32>) -> tensor<32x6xf32> {
  %0 = "top.Permute"(%x) {order = [2, 0, 1]} : (tensor<4x6x8xf32>) -> tensor<8x4x6xf32>
  %1 = "top.Reshape"(%0) {shape = [32, 6]} : (tensor<8x4x6xf32>) -> tensor<32x6xf32>
  return %1 : tensor<32x6xf32>
}

// A permute of extents of 1 is a reshape.
// CHECK-LABEL: @ones
// CHECK-NOT: top.Permute
// CHECK: top.Reshape
func.func @ones(%x: tensor<1x4x1x8xf32>) -> tensor<4x1x1x8xf32> {
  %0 = "top.Permute"(%x) {order = [1, 2, 0, 3]} : (tensor<1x4x1x8xf32>) -> tensor<4x1x1x8xf32>
  return %0 : tensor<4x1x1x8xf32>
}

// Beside a weight, the weight is turned at compile time.
// CHECK-LABEL: @weight
// CHECK: top.Weight{{.*}}tensor<1x1x1x8xf32>
// CHECK: top.Add{{.*}}tensor<1x4x6x8xf32>
// CHECK: top.Permute
func.func @weight(%x: tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32> {
  %w = "top.Weight"() : () -> tensor<8x1x1xf32> loc("channels")
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = "top.Add"(%0, %w) : (tensor<1x8x4x6xf32>, tensor<8x1x1xf32>) -> tensor<1x8x4x6xf32>
  return %1 : tensor<1x8x4x6xf32>
}

// Both operands permuted alike: one permute behind the addition.
// CHECK-LABEL: @both
// CHECK: top.Add"(%arg0, %arg1)
// CHECK: top.Permute
// CHECK-NOT: top.Permute
// CHECK: return
func.func @both(%x: tensor<4x6x8xf32>, %y: tensor<4x6x8xf32>) -> tensor<8x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [2, 0, 1]} : (tensor<4x6x8xf32>) -> tensor<8x4x6xf32>
  %1 = "top.Permute"(%y) {order = [2, 0, 1]} : (tensor<4x6x8xf32>) -> tensor<8x4x6xf32>
  %2 = "top.Add"(%0, %1) : (tensor<8x4x6xf32>, tensor<8x4x6xf32>) -> tensor<8x4x6xf32>
  return %2 : tensor<8x4x6xf32>
}

// Permuted apart, in an order that no kernel makes: neither moves, or they would chase each other.
// CHECK-LABEL: @apart
// CHECK-DAG: [[A:%.*]] = "top.Permute"(%arg0)
// CHECK-DAG: [[B:%.*]] = "top.Permute"(%arg1)
// CHECK: "top.Add"([[A]], [[B]])
func.func @apart(%x: tensor<4x6x8xf32>, %y: tensor<8x6x4xf32>) -> tensor<8x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [2, 0, 1]} : (tensor<4x6x8xf32>) -> tensor<8x4x6xf32>
  %1 = "top.Permute"(%y) {order = [0, 2, 1]} : (tensor<8x6x4xf32>) -> tensor<8x4x6xf32>
  %2 = "top.Add"(%0, %1) : (tensor<8x4x6xf32>, tensor<8x4x6xf32>) -> tensor<8x4x6xf32>
  return %2 : tensor<8x4x6xf32>
}

// A permute of which somebody else wants the result stays for them.
// CHECK-LABEL: @several_uses
// CHECK: [[P:%.*]] = "top.Permute"(%arg0)
// CHECK: top.Relu"(%arg0)
// CHECK: return [[P]]
func.func @several_uses(%x: tensor<1x4x6x8xf32>) -> (tensor<1x8x4x6xf32>, tensor<1x4x6x8xf32>) {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = "top.Relu"(%0) : (tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 3, 1]} : (tensor<1x8x4x6xf32>) -> tensor<1x4x6x8xf32>
  return %0, %2 : tensor<1x8x4x6xf32>, tensor<1x4x6x8xf32>
}

// The order of a softmax's axes matters: nothing moves past it.
// CHECK-LABEL: @softmax
// CHECK: top.Permute
// CHECK: top.Softmax
func.func @softmax(%x: tensor<4x6xf32>) -> tensor<6x4xf32> {
  %0 = "top.Permute"(%x) {order = [1, 0]} : (tensor<4x6xf32>) -> tensor<6x4xf32>
  %1 = "top.Softmax"(%0) {axis = 1 : si32} : (tensor<6x4xf32>) -> tensor<6x4xf32>
  return %1 : tensor<6x4xf32>
}

// From NHWC towards NCHW a permute moves past a sum with anything; the other operand is turned instead.
// CHECK-LABEL: @towards_outputs
// CHECK: [[Y:%.*]] = "top.Permute"(%arg1) {order = [0, 2, 3, 1]}
// CHECK: [[S:%.*]] = "top.Add"(%arg0, [[Y]])
// CHECK: "top.Permute"([[S]]) {order = [0, 3, 1, 2]}
// CHECK: return
func.func @towards_outputs(%x: tensor<1x4x6x8xf32>, %y: tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = "top.Add"(%0, %y) : (tensor<1x8x4x6xf32>, tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32>
  return %1 : tensor<1x8x4x6xf32>
}

// In another order it stays before a sum with values.
// CHECK-LABEL: @other_order_and_values
// CHECK: [[P:%.*]] = "top.Permute"(%arg0)
// CHECK: "top.Add"([[P]], %arg1)
// CHECK: return
func.func @other_order_and_values(%x: tensor<4x6x8xf32>, %y: tensor<8x4x6xf32>) -> tensor<8x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [2, 0, 1]} : (tensor<4x6x8xf32>) -> tensor<8x4x6xf32>
  %1 = "top.Add"(%0, %y) : (tensor<8x4x6xf32>, tensor<8x4x6xf32>) -> tensor<8x4x6xf32>
  return %1 : tensor<8x4x6xf32>
}

// Beside a weight it stays too where others read it, since a second one would follow.
// CHECK-LABEL: @weight_beside_a_read_permute
// CHECK: [[P:%.*]] = "top.Permute"(%arg0)
// CHECK: "top.Mul"([[P]], 
// CHECK: return
func.func @weight_beside_a_read_permute(%x: tensor<4x6x8xf32>) -> (tensor<8x4x6xf32>, tensor<8x4x6xf32>) {
  %0 = "top.Permute"(%x) {order = [2, 0, 1]} : (tensor<4x6x8xf32>) -> tensor<8x4x6xf32>
  %w0 = "top.Weight"() : () -> tensor<8x1x1xf32> loc("weight_beside_a_read_permute.w0")
  %1 = "top.Mul"(%0, %w0) : (tensor<8x4x6xf32>, tensor<8x1x1xf32>) -> tensor<8x4x6xf32>
  return %1, %0 : tensor<8x4x6xf32>, tensor<8x4x6xf32>
}

// A permuted value that the sum repeats.
// CHECK-LABEL: @broadcast_permute
// CHECK: [[P:%.*]] = "top.Permute"(%arg0)
// CHECK: "top.Add"([[P]], %arg1)
// CHECK: return
func.func @broadcast_permute(%x: tensor<1x4x6x2xf32>, %y: tensor<3x2x4x6xf32>) -> tensor<3x2x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x2xf32>) -> tensor<1x2x4x6xf32>
  %1 = "top.Add"(%0, %y) : (tensor<1x2x4x6xf32>, tensor<3x2x4x6xf32>) -> tensor<3x2x4x6xf32>
  return %1 : tensor<3x2x4x6xf32>
}

// A sum of three.
// CHECK-LABEL: @three_operands
// CHECK: [[P:%.*]] = "top.Permute"(%arg0)
// CHECK: "top.Add"([[P]], %arg1, %arg1)
// CHECK: return
func.func @three_operands(%x: tensor<1x4x6x8xf32>, %y: tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32> {
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = "top.Add"(%0, %y, %y) : (tensor<1x8x4x6xf32>, tensor<1x8x4x6xf32>, tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32>
  return %1 : tensor<1x8x4x6xf32>
}

// A reshape that cuts and joins at once cannot pass.
// CHECK-LABEL: @cut_and_joined
// CHECK: [[P:%.*]] = "top.Permute"(%arg0)
// CHECK: "top.Reshape"([[P]])
// CHECK: return
func.func @cut_and_joined(%x: tensor<4x6x8xf32>) -> tensor<8x24xf32> {
  %0 = "top.Permute"(%x) {order = [1, 0, 2]} : (tensor<4x6x8xf32>) -> tensor<6x4x8xf32>
  %1 = "top.Reshape"(%0) {shape = [8, 24]} : (tensor<6x4x8xf32>) -> tensor<8x24xf32>
  return %1 : tensor<8x24xf32>
}

// The permuted operand may be the second; the order of a difference stays.
// CHECK-LABEL: @second_operand
// CHECK: [[W:%.*]] = "top.Weight"() : () -> tensor<1x1x1x8xf32>
// CHECK: "top.Sub"([[W]], %arg0)
// CHECK: return
func.func @second_operand(%x: tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32> {
  %w0 = "top.Weight"() : () -> tensor<1x8x1x1xf32> loc("second_operand.w0")
  %0 = "top.Permute"(%x) {order = [0, 3, 1, 2]} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = "top.Sub"(%w0, %0) : (tensor<1x8x1x1xf32>, tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32>
  return %1 : tensor<1x8x4x6xf32>
}
