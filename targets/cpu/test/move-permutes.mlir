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
