// RUN: --passes=fold-norms --round-trip

// Into both products that read it.
// CHECK-LABEL: @two_products
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<4x16xf32>, none, none)
// CHECK-COUNT-2: top.MatMul
// CHECK: return
func.func @two_products(%x: tensor<4x16xf32>) -> (tensor<4x8xf32>, tensor<4x6xf32>) {
  %w0 = "top.Weight"() : () -> tensor<16xf32> loc("two_products.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("two_products.w1")
  %0 = "top.LayerNorm"(%x, %w0, %w1) {axis = 1 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<4x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %w2 = "top.Weight"() : () -> tensor<8x16xf32> loc("two_products.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("two_products.w3")
  %1 = "top.MatMul"(%0, %w2, %w3) {right_transpose = true} : (tensor<4x16xf32>, tensor<8x16xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %w4 = "top.Weight"() : () -> tensor<16x6xf32> loc("two_products.w4")
  %w5 = "top.Weight"() : () -> tensor<6xf32> loc("two_products.w5")
  %2 = "top.MatMul"(%0, %w4, %w5) : (tensor<4x16xf32>, tensor<16x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  return %1, %2 : tensor<4x8xf32>, tensor<4x6xf32>
}

// Somebody else reads the norm.
// CHECK-LABEL: @read_by_others
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<4x16xf32>, tensor<16xf32>, tensor<16xf32>)
// CHECK: return
func.func @read_by_others(%x: tensor<4x16xf32>) -> (tensor<4x8xf32>, tensor<4x6xf32>, tensor<4x16xf32>) {
  %w0 = "top.Weight"() : () -> tensor<16xf32> loc("read_by_others.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("read_by_others.w1")
  %0 = "top.LayerNorm"(%x, %w0, %w1) {axis = 1 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<4x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<4x16xf32>
  %w2 = "top.Weight"() : () -> tensor<8x16xf32> loc("read_by_others.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("read_by_others.w3")
  %1 = "top.MatMul"(%0, %w2, %w3) {right_transpose = true} : (tensor<4x16xf32>, tensor<8x16xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %w4 = "top.Weight"() : () -> tensor<16x6xf32> loc("read_by_others.w4")
  %w5 = "top.Weight"() : () -> tensor<6xf32> loc("read_by_others.w5")
  %2 = "top.MatMul"(%0, %w4, %w5) : (tensor<4x16xf32>, tensor<16x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  %3 = "top.GELU"(%0) : (tensor<4x16xf32>) -> tensor<4x16xf32>
  return %1, %2, %3 : tensor<4x8xf32>, tensor<4x6xf32>, tensor<4x16xf32>
}

// Not over rows alone.
// CHECK-LABEL: @other_axis
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>)
// CHECK: return
func.func @other_axis(%x: tensor<4x16xf32>) -> (tensor<4x8xf32>, tensor<4x6xf32>) {
  %w0 = "top.Weight"() : () -> tensor<4x16xf32> loc("other_axis.w0")
  %w1 = "top.Weight"() : () -> tensor<4x16xf32> loc("other_axis.w1")
  %0 = "top.LayerNorm"(%x, %w0, %w1) {axis = 0 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<4x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  %w2 = "top.Weight"() : () -> tensor<8x16xf32> loc("other_axis.w2")
  %w3 = "top.Weight"() : () -> tensor<8xf32> loc("other_axis.w3")
  %1 = "top.MatMul"(%0, %w2, %w3) {right_transpose = true} : (tensor<4x16xf32>, tensor<8x16xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %w4 = "top.Weight"() : () -> tensor<16x6xf32> loc("other_axis.w4")
  %w5 = "top.Weight"() : () -> tensor<6xf32> loc("other_axis.w5")
  %2 = "top.MatMul"(%0, %w4, %w5) : (tensor<4x16xf32>, tensor<16x6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  return %1, %2 : tensor<4x8xf32>, tensor<4x6xf32>
}

// A weight alone scales rows, a bias alone is a bias.
// CHECK-LABEL: @weight_alone
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<16x16xf32>, none, none)
// CHECK: "top.MatMul"({{.*}} : (tensor<16x16xf32>, tensor<16x16xf32>, none)
// CHECK: return
func.func @weight_alone(%x: tensor<16x16xf32>, %y: tensor<16xf32>, %z: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<16xf32> loc("weight_alone.w0")
  %none = "top.None"() : () -> none
  %0 = "top.LayerNorm"(%x, %w0, %none) {axis = 1 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<16x16xf32>, tensor<16xf32>, none) -> tensor<16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<16x16xf32> loc("weight_alone.w1")
  %1 = "top.MatMul"(%0, %w1, %none) : (tensor<16x16xf32>, tensor<16x16xf32>, none) -> tensor<16x16xf32>
  return %1 : tensor<16x16xf32>
}

// CHECK-LABEL: @bias_alone
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<16x16xf32>, none, none)
// CHECK: "top.MatMul"({{.*}} : (tensor<16x16xf32>, tensor<16x16xf32>, tensor<16xf32>)
// CHECK: return
func.func @bias_alone(%x: tensor<16x16xf32>, %y: tensor<16xf32>, %z: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<16xf32> loc("bias_alone.w0")
  %none = "top.None"() : () -> none
  %0 = "top.LayerNorm"(%x, %none, %w0) {axis = 1 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<16x16xf32>, none, tensor<16xf32>) -> tensor<16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<16x16xf32> loc("bias_alone.w1")
  %1 = "top.MatMul"(%0, %w1, %none) : (tensor<16x16xf32>, tensor<16x16xf32>, none) -> tensor<16x16xf32>
  return %1 : tensor<16x16xf32>
}

// A weight or a bias that is computed, products without a weight, and a norm that is their right side.
// CHECK-LABEL: @computed_weight
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>)
// CHECK: return
func.func @computed_weight(%x: tensor<16x16xf32>, %y: tensor<16xf32>, %z: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<16xf32> loc("computed_weight.w0")
  %0 = "top.LayerNorm"(%x, %y, %w0) {axis = 1 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<16x16xf32> loc("computed_weight.w1")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%0, %w1, %none) : (tensor<16x16xf32>, tensor<16x16xf32>, none) -> tensor<16x16xf32>
  return %1 : tensor<16x16xf32>
}

// CHECK-LABEL: @computed_bias
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>)
// CHECK: return
func.func @computed_bias(%x: tensor<16x16xf32>, %y: tensor<16xf32>, %z: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<16xf32> loc("computed_bias.w0")
  %0 = "top.LayerNorm"(%x, %w0, %y) {axis = 1 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<16x16xf32>
  %w1 = "top.Weight"() : () -> tensor<16x16xf32> loc("computed_bias.w1")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%0, %w1, %none) : (tensor<16x16xf32>, tensor<16x16xf32>, none) -> tensor<16x16xf32>
  return %1 : tensor<16x16xf32>
}

// CHECK-LABEL: @product_of_values
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>)
// CHECK: return
func.func @product_of_values(%x: tensor<16x16xf32>, %y: tensor<16xf32>, %z: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<16xf32> loc("product_of_values.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("product_of_values.w1")
  %0 = "top.LayerNorm"(%x, %w0, %w1) {axis = 1 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<16x16xf32>
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%0, %z, %none) : (tensor<16x16xf32>, tensor<16x16xf32>, none) -> tensor<16x16xf32>
  return %1 : tensor<16x16xf32>
}

// CHECK-LABEL: @right_side
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>)
// CHECK: return
func.func @right_side(%x: tensor<16x16xf32>, %y: tensor<16xf32>, %z: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<16xf32> loc("right_side.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("right_side.w1")
  %0 = "top.LayerNorm"(%x, %w0, %w1) {axis = 1 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x16xf32> loc("right_side.w2")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%z, %0, %none) : (tensor<16x16xf32>, tensor<16x16xf32>, none) -> tensor<16x16xf32>
  return %1 : tensor<16x16xf32>
}

// CHECK-LABEL: @both_sides
// CHECK: "top.LayerNorm"(%arg0, {{.*}} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>)
// CHECK: return
func.func @both_sides(%x: tensor<16x16xf32>, %y: tensor<16xf32>, %z: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<16xf32> loc("both_sides.w0")
  %w1 = "top.Weight"() : () -> tensor<16xf32> loc("both_sides.w1")
  %0 = "top.LayerNorm"(%x, %w0, %w1) {axis = 1 : si32, eps = 1.0e-6, normalized_shape = []} : (tensor<16x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<16x16xf32>
  %w2 = "top.Weight"() : () -> tensor<16x16xf32> loc("both_sides.w2")
  %none = "top.None"() : () -> none
  %1 = "top.MatMul"(%0, %0, %none) : (tensor<16x16xf32>, tensor<16x16xf32>, none) -> tensor<16x16xf32>
  return %1 : tensor<16x16xf32>
}
