// RUN: --passes=fold-norms,bind-matmul,fuse-matmul --round-trip

// Norm, activation and residual of an MLP: two kernels are left.
// CHECK-LABEL: @mlp
// CHECK: cpu.run "matmul"({{.*}}activation = "gelu", eps = 2.500000e-01 : f64{{.*}}norm = 1 : i64
// CHECK: cpu.run "matmul"({{.*}}, %arg0) {activation = "none"{{.*}}norm = 0 : i64
// CHECK-NOT: top.LayerNorm
// CHECK-NOT: top.GELU
// CHECK-NOT: top.Add
// CHECK: return
func.func @mlp(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %none = "top.None"() : () -> none
  %s = "top.Weight"() : () -> tensor<8xf32> loc("scale")
  %t = "top.Weight"() : () -> tensor<8xf32> loc("shift")
  %w1 = "top.Weight"() : () -> tensor<8x16xf32> loc("w1")
  %w2 = "top.Weight"() : () -> tensor<16x8xf32> loc("w2")
  %n = "top.LayerNorm"(%x, %s, %t) {axis = -1 : si32, eps = 0.25, normalized_shape = [8]} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  %0 = "top.MatMul"(%n, %w1, %none) : (tensor<4x8xf32>, tensor<8x16xf32>, none) -> tensor<4x16xf32>
  %1 = "top.GELU"(%0) : (tensor<4x16xf32>) -> tensor<4x16xf32>
  %2 = "top.MatMul"(%1, %w2, %none) : (tensor<4x16xf32>, tensor<16x8xf32>, none) -> tensor<4x8xf32>
  %3 = "top.Add"(%x, %2) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// A norm that somebody else reads stays.
// CHECK-LABEL: @norm_is_wanted
// CHECK: top.LayerNorm
// CHECK: cpu.run "matmul"({{.*}}norm = 0 : i64
func.func @norm_is_wanted(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("w3")
  %n = "top.LayerNorm"(%x, %none, %none) {axis = -1 : si32, eps = 0.25, normalized_shape = [8]} : (tensor<4x8xf32>, none, none) -> tensor<4x8xf32>
  %0 = "top.MatMul"(%n, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  return %n, %0 : tensor<4x8xf32>, tensor<4x8xf32>
}

// So does one over several axes.
// CHECK-LABEL: @norm_over_two_axes
// CHECK: top.LayerNorm
// CHECK: norm = 0 : i64
func.func @norm_over_two_axes(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("w4")
  %n = "top.LayerNorm"(%x, %none, %none) {axis = 1 : si32, eps = 0.25, normalized_shape = [4, 8]} : (tensor<2x4x8xf32>, none, none) -> tensor<2x4x8xf32>
  %0 = "top.MatMul"(%n, %w, %none) : (tensor<2x4x8xf32>, tensor<8x8xf32>, none) -> tensor<2x4x8xf32>
  return %0 : tensor<2x4x8xf32>
}

// A product that is read twice keeps its own result; an approximate or limited activation is not the kernel's.
// CHECK-LABEL: @activation_stays
// CHECK: activation = "none"
// CHECK: top.Relu
// CHECK: activation = "none"
// CHECK: top.GELU
// CHECK: activation = "none"
// CHECK: top.Relu
// CHECK: return
func.func @activation_stays(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("w5")
  %0 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.Relu"(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %3 = "top.GELU"(%2) {approx_mode = "tanh"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %5 = "top.Relu"(%4) {relu_limit = 6.0} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0, %1, %3, %5 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// After a residual has been added, an activation is no longer the product's own.
// CHECK-LABEL: @activation_after_residual
// CHECK: cpu.run "matmul"({{.*}}, %arg0) {activation = "none"
// CHECK: top.Relu
func.func @activation_after_residual(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("w6")
  %0 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.Add"(%0, %x) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.Relu"(%1) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// A residual of another shape is broadcast, which the kernel does not do; so is x + x of one product.
// CHECK-LABEL: @residual_stays
// CHECK: top.Add
// CHECK: top.Add
func.func @residual_stays(%x: tensor<4x8xf32>, %row: tensor<1x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("w7")
  %0 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.Add"(%0, %row) : (tensor<4x8xf32>, tensor<1x8xf32>) -> tensor<4x8xf32>
  %2 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %3 = "top.Add"(%2, %2) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1, %3 : tensor<4x8xf32>, tensor<4x8xf32>
}

// Two products: the later one takes the sum in, so that the earlier one's result is there in time.
// CHECK-LABEL: @two_products
// CHECK: [[A:%.*]] = cpu.run "matmul"(%arg0
// CHECK: [[B:%.*]] = cpu.run "matmul"(%arg0, {{.*}}, [[A]])
// CHECK: return [[B]]
func.func @two_products(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("w8")
  %v = "top.Weight"() : () -> tensor<8x8xf32> loc("w9")
  %0 = "top.MatMul"(%x, %w, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.MatMul"(%x, %v, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %2 = "top.Add"(%0, %1) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// One activation for each kernel, and none for a product of activations.
// CHECK-LABEL: @second_activation
// CHECK: cpu.run "matmul"({{.*}}activation = "relu"
// CHECK: top.Sigmoid
// CHECK: cpu.run "batch_matmul"
// CHECK: top.Relu
// CHECK: return
func.func @second_activation(%x: tensor<4x8xf32>, %y: tensor<2x4x8xf32>, %z: tensor<2x8x8xf32>) -> (tensor<4x8xf32>, tensor<2x4x8xf32>) {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("second_activation.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) {do_relu = true} : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.Sigmoid"(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.MatMul"(%y, %z, %none) : (tensor<2x4x8xf32>, tensor<2x8x8xf32>, none) -> tensor<2x4x8xf32>
  %3 = "top.Relu"(%2) : (tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %1, %3 : tensor<4x8xf32>, tensor<2x4x8xf32>
}

// One residual for each kernel; a sum of three, or with a relu, is none.
// CHECK-LABEL: @second_residual
// CHECK: [[R:%.*]] = cpu.run "matmul"(%arg0, {{.*}}, %arg0)
// CHECK: "top.Add"([[R]], %arg0)
// CHECK: "top.Add"({{.*}}, %arg0, %arg0)
// CHECK: "top.Add"({{.*}}, %arg0) {do_relu = true
// CHECK: return
func.func @second_residual(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("second_residual.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.Add"(%0, %x) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = "top.Add"(%1, %x) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %w1 = "top.Weight"() : () -> tensor<8x8xf32> loc("second_residual.w1")
  %3 = "top.MatMul"(%x, %w1, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %4 = "top.Add"(%3, %x, %x) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8xf32> loc("second_residual.w2")
  %5 = "top.MatMul"(%x, %w2, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %6 = "top.Add"(%5, %x) {do_relu = true} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %2, %4, %6 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// A sum that repeats the product.
// CHECK-LABEL: @larger_sum
// CHECK: cpu.run "matmul"
// CHECK: top.Add
// CHECK: return
func.func @larger_sum(%x: tensor<4x8xf32>, %y: tensor<3x4x8xf32>) -> tensor<3x4x8xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("larger_sum.w0")
  %none = "top.None"() : () -> none
  %0 = "top.MatMul"(%x, %w0, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %1 = "top.Add"(%0, %y) : (tensor<4x8xf32>, tensor<3x4x8xf32>) -> tensor<3x4x8xf32>
  return %1 : tensor<3x4x8xf32>
}

// A deconvolution adds before its activation: a residual behind one stays, and an activation may follow a residual.
// CHECK-LABEL: @deconvolutions
// CHECK: cpu.run "deconv2x2"(%arg0, {{.*}}, %arg1) {activation = "gelu"
// CHECK: [[D:%.*]] = cpu.run "deconv2x2"({{.*}}activation = "relu"
// CHECK: "top.Add"([[D]], %arg1)
// CHECK: return
func.func @deconvolutions(%x: tensor<1x2x2x8xf32>, %y: tensor<1x4x4x4xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) {
  %w0 = "top.Weight"() : () -> tensor<4x8x2x2xf32> loc("deconvolutions.w0")
  %none = "top.None"() : () -> none
  %0 = cpu.run "deconv2x2"(%x, %w0, %none) {h = 2 : i64, w = 2 : i64, in_c = 8 : i64, out_c = 4 : i64, activation = "none", weight_layout = "oihw_to_i_hwo"} : (tensor<1x2x2x8xf32>, tensor<4x8x2x2xf32>, none) -> tensor<1x4x4x4xf32>
  %1 = "top.Add"(%0, %y) : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %2 = "top.GELU"(%1) : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %w1 = "top.Weight"() : () -> tensor<4x8x2x2xf32> loc("deconvolutions.w1")
  %3 = cpu.run "deconv2x2"(%x, %w1, %none) {h = 2 : i64, w = 2 : i64, in_c = 8 : i64, out_c = 4 : i64, activation = "relu", weight_layout = "oihw_to_i_hwo"} : (tensor<1x2x2x8xf32>, tensor<4x8x2x2xf32>, none) -> tensor<1x4x4x4xf32>
  %4 = "top.Add"(%3, %y) : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %2, %4 : tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>
}

// A weight or a bias that is computed stays with its norm.
// CHECK-LABEL: @norm_of_values
// CHECK: [[N:%.*]] = "top.LayerNorm"(%arg0, %arg1
// CHECK: cpu.run "matmul"([[N]], {{.*}}norm = 0 : i64
// CHECK: [[M:%.*]] = "top.LayerNorm"(%arg0, %{{.*}}, %arg1
// CHECK: cpu.run "matmul"([[M]], {{.*}}norm = 0 : i64
// CHECK: return
func.func @norm_of_values(%x: tensor<4x8xf32>, %y: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %none = "top.None"() : () -> none
  %0 = "top.LayerNorm"(%x, %y, %none) {axis = -1 : si32, eps = 0.25, normalized_shape = [8]} : (tensor<4x8xf32>, tensor<8xf32>, none) -> tensor<4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("norm_of_values.w0")
  %1 = "top.MatMul"(%0, %w0, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %2 = "top.LayerNorm"(%x, %none, %y) {axis = -1 : si32, eps = 0.25, normalized_shape = [8]} : (tensor<4x8xf32>, none, tensor<8xf32>) -> tensor<4x8xf32>
  %w1 = "top.Weight"() : () -> tensor<8x8xf32> loc("norm_of_values.w1")
  %3 = "top.MatMul"(%2, %w1, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  return %1, %3 : tensor<4x8xf32>, tensor<4x8xf32>
}

// A norm that is a residual too, and one whose reader is no product with a weight.
// CHECK-LABEL: @norm_is_the_residual
// CHECK-DAG: [[N:%.*]] = "top.LayerNorm"(%arg0
// CHECK-DAG: [[M:%.*]] = "top.LayerNorm"(%arg1
// CHECK: cpu.run "matmul"([[N]], {{.*}}, [[N]]) {{.*}}norm = 0 : i64
// CHECK: cpu.run "batch_matmul"([[M]]
// CHECK: return
func.func @norm_is_the_residual(%x: tensor<4x8xf32>, %y: tensor<2x4x8xf32>, %z: tensor<2x8x8xf32>) -> (tensor<4x8xf32>, tensor<2x4x8xf32>) {
  %none = "top.None"() : () -> none
  %0 = "top.LayerNorm"(%x, %none, %none) {axis = -1 : si32, eps = 0.25, normalized_shape = [8]} : (tensor<4x8xf32>, none, none) -> tensor<4x8xf32>
  %1 = "top.LayerNorm"(%y, %none, %none) {axis = -1 : si32, eps = 0.25, normalized_shape = [8]} : (tensor<2x4x8xf32>, none, none) -> tensor<2x4x8xf32>
  %w0 = "top.Weight"() : () -> tensor<8x8xf32> loc("norm_is_the_residual.w0")
  %2 = "top.MatMul"(%0, %w0, %none) : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32>
  %3 = "top.Add"(%2, %0) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = "top.MatMul"(%1, %z, %none) : (tensor<2x4x8xf32>, tensor<2x8x8xf32>, none) -> tensor<2x4x8xf32>
  return %3, %4 : tensor<4x8xf32>, tensor<2x4x8xf32>
}

// A deconvolution normalises its channels and multiplies them by a few rows.
// CHECK-LABEL: @masks
// CHECK: cpu.run "deconv2x2"(%arg0, {{%.*}}, {{%.*}}, %arg1, {{%.*}}, {{%.*}}, %arg2) {activation = "gelu", eps = 9.9999999999999995E-7 : f64, h = 2 : i64, in_c = 8 : i64, norm = 1 : i64, out_c = 8 : i64{{.*}} -> tensor<1x3x16xf32>
// CHECK-NOT: batch_matmul
// CHECK-NOT: layer_norm
// CHECK: return
func.func @masks(%x: tensor<1x2x2x8xf32>, %y: tensor<1x4x4x8xf32>, %rows: tensor<1x3x8xf32>) -> tensor<1x3x16xf32> {
  %w0 = "top.Weight"() : () -> tensor<8x8x2x2xf32> loc("masks.w0")
  %s = "top.Weight"() : () -> tensor<8xf32> loc("masks.s")
  %none = "top.None"() : () -> none
  %0 = cpu.run "deconv2x2"(%x, %w0, %none) {h = 2 : i64, w = 2 : i64, in_c = 8 : i64, out_c = 8 : i64, activation = "none", weight_layout = "oihw_to_i_hwo"} : (tensor<1x2x2x8xf32>, tensor<8x8x2x2xf32>, none) -> tensor<1x4x4x8xf32>
  %1 = "top.Add"(%0, %y) : (tensor<1x4x4x8xf32>, tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  %2 = cpu.run "layer_norm"(%1, %s, %s) {activation = "none", eps = 1.0e-6 : f64} : (tensor<1x4x4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x4x4x8xf32>
  %3 = "top.GELU"(%2) : (tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  %4 = "top.Reshape"(%3) {shape = [1, 16, 8]} : (tensor<1x4x4x8xf32>) -> tensor<1x16x8xf32>
  %5 = cpu.run "batch_matmul"(%rows, %4) {batch = 1 : i64, k = 8 : i64, m = 3 : i64, n = 16 : i64, scale = 1.0 : f64, transpose_b = 1 : i64} : (tensor<1x3x8xf32>, tensor<1x16x8xf32>) -> tensor<1x3x16xf32>
  return %5 : tensor<1x3x16xf32>
}

// Not of 4 channels, which are no whole panels; not before the activation; not where others read the channels.
// CHECK-LABEL: @no_masks
// CHECK: cpu.run "deconv2x2"
// CHECK: cpu.run "layer_norm"
// CHECK: cpu.run "deconv2x2"({{.*}}activation = "relu"
// CHECK: cpu.run "layer_norm"
// CHECK: [[C:%.*]] = cpu.run "deconv2x2"
// CHECK: cpu.run "batch_matmul"(%arg1, {{.*}})
// CHECK: return
func.func @no_masks(%x: tensor<1x2x2x8xf32>, %rows: tensor<1x3x8xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x4x8xf32>, tensor<1x4x4x8xf32>, tensor<1x3x16xf32>) {
  %none = "top.None"() : () -> none
  %w0 = "top.Weight"() : () -> tensor<4x8x2x2xf32> loc("no_masks.w0")
  %0 = cpu.run "deconv2x2"(%x, %w0, %none) {h = 2 : i64, w = 2 : i64, in_c = 8 : i64, out_c = 4 : i64, activation = "none", weight_layout = "oihw_to_i_hwo"} : (tensor<1x2x2x8xf32>, tensor<4x8x2x2xf32>, none) -> tensor<1x4x4x4xf32>
  %1 = cpu.run "layer_norm"(%0, %none, %none) {activation = "none", eps = 1.0e-6 : f64} : (tensor<1x4x4x4xf32>, none, none) -> tensor<1x4x4x4xf32>
  %w1 = "top.Weight"() : () -> tensor<8x8x2x2xf32> loc("no_masks.w1")
  %2 = cpu.run "deconv2x2"(%x, %w1, %none) {h = 2 : i64, w = 2 : i64, in_c = 8 : i64, out_c = 8 : i64, activation = "relu", weight_layout = "oihw_to_i_hwo"} : (tensor<1x2x2x8xf32>, tensor<8x8x2x2xf32>, none) -> tensor<1x4x4x8xf32>
  %3 = cpu.run "layer_norm"(%2, %none, %none) {activation = "none", eps = 1.0e-6 : f64} : (tensor<1x4x4x8xf32>, none, none) -> tensor<1x4x4x8xf32>
  %w2 = "top.Weight"() : () -> tensor<8x8x2x2xf32> loc("no_masks.w2")
  %4 = cpu.run "deconv2x2"(%x, %w2, %none) {h = 2 : i64, w = 2 : i64, in_c = 8 : i64, out_c = 8 : i64, activation = "none", weight_layout = "oihw_to_i_hwo"} : (tensor<1x2x2x8xf32>, tensor<8x8x2x2xf32>, none) -> tensor<1x4x4x8xf32>
  %5 = "top.Reshape"(%4) {shape = [1, 16, 8]} : (tensor<1x4x4x8xf32>) -> tensor<1x16x8xf32>
  %6 = cpu.run "batch_matmul"(%rows, %5) {batch = 1 : i64, k = 8 : i64, m = 3 : i64, n = 16 : i64, scale = 1.0 : f64, transpose_b = 1 : i64} : (tensor<1x3x8xf32>, tensor<1x16x8xf32>) -> tensor<1x3x16xf32>
  return %1, %3, %4, %6 : tensor<1x4x4x4xf32>, tensor<1x4x4x8xf32>, tensor<1x4x4x8xf32>, tensor<1x3x16xf32>
}

// Positions go into both kinds of attention, and a norm behind token_attention into it.
// CHECK-LABEL: @positions
// CHECK-NOT: top.Add
// CHECK-DAG: cpu.run "attention"(%arg1, %arg0, %arg0, %{{.*}}, %{{.*}}, %[[P:.*]]) {batch
// CHECK-DAG: cpu.run "token_attention"(%arg0, %arg2, %arg2, %{{.*}}, %{{.*}}, %arg0, %[[P]], %{{.*}}, %{{.*}}) {eps = 1.000000e-05 : f64, heads = 2 : i64, k = 6 : i64, n = 6 : i64, norm = 1 : i64
// CHECK-NOT: top.LayerNorm
// CHECK: return
func.func @positions(%x: tensor<1x4x6xf32>, %q: tensor<1x2x6xf32>, %tokens: tensor<1x2x3x6xf32>) -> (tensor<1x2x6xf32>, tensor<1x4x6xf32>) {
  %none = "top.None"() : () -> none
  %p = "top.Weight"() : () -> tensor<1x4x6xf32> loc("positions.p")
  %k = "top.Add"(%x, %p) : (tensor<1x4x6xf32>, tensor<1x4x6xf32>) -> tensor<1x4x6xf32>
  %0 = cpu.run "attention"(%q, %k, %x, %none, %none) {batch = 1 : i64, dim = 6 : i64, grid_k_h = 1 : i64, grid_k_w = 4 : i64, grid_q_h = 1 : i64, grid_q_w = 2 : i64, heads = 1 : i64, k_offset = 0 : i64, q_offset = 0 : i64, scale = 1.0 : f64, v_offset = 0 : i64, value_dim = 6 : i64, window_k_h = 1 : i64, window_k_w = 4 : i64, window_q_h = 1 : i64, window_q_w = 2 : i64} : (tensor<1x2x6xf32>, tensor<1x4x6xf32>, tensor<1x4x6xf32>, none, none) -> tensor<1x2x6xf32>
  %1 = cpu.run "token_attention"(%k, %tokens, %tokens, %none, %none) {heads = 2 : i64, k = 6 : i64, n = 6 : i64, scale = 0.5 : f64} : (tensor<1x4x6xf32>, tensor<1x2x3x6xf32>, tensor<1x2x3x6xf32>, none, none) -> tensor<1x4x6xf32>
  %2 = "top.Add"(%x, %1) : (tensor<1x4x6xf32>, tensor<1x4x6xf32>) -> tensor<1x4x6xf32>
  %3 = "top.LayerNorm"(%2, %none, %none) {axis = 2 : si32, eps = 1.0e-5 : f64, normalized_shape = [6]} : (tensor<1x4x6xf32>, none, none) -> tensor<1x4x6xf32>
  return %0, %3 : tensor<1x2x6xf32>, tensor<1x4x6xf32>
}

// A sum that others read too, or that is the values of an attention, stays.
// CHECK-LABEL: @positions_stay
// CHECK: [[K:%.*]] = "top.Add"
// CHECK: cpu.run "token_attention"([[K]],
// CHECK: return
func.func @positions_stay(%x: tensor<1x4x6xf32>, %tokens: tensor<1x2x3x6xf32>) -> (tensor<1x4x6xf32>, tensor<1x4x6xf32>) {
  %none = "top.None"() : () -> none
  %p = "top.Weight"() : () -> tensor<1x4x6xf32> loc("positions_stay.p")
  %k = "top.Add"(%x, %p) : (tensor<1x4x6xf32>, tensor<1x4x6xf32>) -> tensor<1x4x6xf32>
  %1 = cpu.run "token_attention"(%k, %tokens, %tokens, %none, %none) {heads = 2 : i64, k = 6 : i64, n = 6 : i64, scale = 0.5 : f64} : (tensor<1x4x6xf32>, tensor<1x2x3x6xf32>, tensor<1x2x3x6xf32>, none, none) -> tensor<1x4x6xf32>
  return %k, %1 : tensor<1x4x6xf32>, tensor<1x4x6xf32>
}
