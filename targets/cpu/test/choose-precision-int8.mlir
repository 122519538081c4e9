// RUN: --passes=choose-precision --round-trip

module attributes {cpu.precision = "int8"} {

// An MLP: both products compute in int8, and what is between them is stored as bf16. The residual stream stays f32.
// CHECK-LABEL: @mlp
// CHECK: cpu.run "matmul"{{.*}}norm = 1 : i64{{.*}} {dtype = "bf16", precision = "int8"}
// CHECK: cpu.run "matmul"{{.*}}norm = 0 : i64{{.*}} {precision = "int8"}
func.func @mlp(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %none = "top.None"() : () -> none
  %w1 = "top.Weight"() : () -> tensor<8x16xf32> loc("w1")
  %w2 = "top.Weight"() : () -> tensor<16x8xf32> loc("w2")
  %0 = cpu.run "matmul"(%x, %w1, %none) {activation = "gelu", eps = 0.25, k = 8 : i64, n = 16 : i64, norm = 1 : i64, weight_layout = "kn"} : (tensor<4x8xf32>, tensor<8x16xf32>, none) -> tensor<4x16xf32> loc("hidden")
  %1 = cpu.run "matmul"(%0, %w2, %none, %x) {activation = "none", eps = 0.0, k = 16 : i64, n = 8 : i64, norm = 0 : i64, weight_layout = "kn"} : (tensor<4x16xf32>, tensor<16x8xf32>, none, tensor<4x8xf32>) -> tensor<4x8xf32> loc("out")
  return %1 : tensor<4x8xf32>
}

// Attention has its own whole numbers.
// CHECK-LABEL: @attention
// CHECK: cpu.run "matmul"{{.*}} {dtype = "bf16", precision = "int8"}
// CHECK: cpu.run "attention"{{.*}} {dtype = "bf16", precision = "int8"}
// CHECK: cpu.run "matmul"{{.*}} {precision = "int8"}
func.func @attention(%x: tensor<5x8xf32>) -> tensor<5x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x24xf32> loc("w3")
  %v = "top.Weight"() : () -> tensor<8x8xf32> loc("w4")
  %0 = cpu.run "matmul"(%x, %w, %none) {activation = "none", eps = 0.0, k = 8 : i64, n = 24 : i64, norm = 0 : i64, weight_layout = "kn"} : (tensor<5x8xf32>, tensor<8x24xf32>, none) -> tensor<5x24xf32> loc("qkv")
  %1 = "top.Reshape"(%0) {shape = [1, 5, 24]} : (tensor<5x24xf32>) -> tensor<1x5x24xf32>
  %2 = cpu.run "attention"(%1, %1, %1, %none, %none) {batch = 1 : i64, dim = 4 : i64, grid_k_h = 1 : i64, grid_k_w = 5 : i64, grid_q_h = 1 : i64, grid_q_w = 5 : i64, heads = 2 : i64, k_offset = 8 : i64, q_offset = 0 : i64, scale = 5.0e-01 : f64, v_offset = 16 : i64, value_dim = 4 : i64, window_k_h = 1 : i64, window_k_w = 5 : i64, window_q_h = 1 : i64, window_q_w = 5 : i64} : (tensor<1x5x24xf32>, tensor<1x5x24xf32>, tensor<1x5x24xf32>, none, none) -> tensor<1x5x8xf32> loc("mixed")
  %3 = "top.Reshape"(%2) {shape = [5, 8]} : (tensor<1x5x8xf32>) -> tensor<5x8xf32>
  %4 = cpu.run "matmul"(%3, %v, %none) {activation = "none", eps = 0.0, k = 8 : i64, n = 8 : i64, norm = 0 : i64, weight_layout = "kn"} : (tensor<5x8xf32>, tensor<8x8xf32>, none) -> tensor<5x8xf32> loc("proj")
  return %4 : tensor<5x8xf32>
}

// Queries pooled between a projection and attention are stored as bf16; plain code compares such numbers everywhere.
// CHECK-LABEL: @pooled
// CHECK: cpu.run "matmul"{{.*}} {dtype = "bf16", precision = "int8"}
// CHECK: cpu.run "max_pool"{{.*}} {dtype = "bf16", precision = "bf16"}
// CHECK: cpu.run "attention"{{.*}} {precision = "int8"}
// CHECK: cpu.run "max_pool"({{.*}}) {{[{][^}]*[}]}} :
func.func @pooled(%x: tensor<1x4x4x8xf32>) -> (tensor<1x2x2x8xf32>, tensor<1x2x2x8xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x24xf32> loc("w8")
  %0 = cpu.run "matmul"(%x, %w, %none) {activation = "none", eps = 0.25, k = 8 : i64, n = 24 : i64, norm = 1 : i64, weight_layout = "kn"} : (tensor<1x4x4x8xf32>, tensor<8x24xf32>, none) -> tensor<1x4x4x24xf32> loc("qkv2")
  %1 = cpu.run "max_pool"(%0) {c = 8 : i64, in_h = 4 : i64, in_w = 4 : i64, kernel_h = 2 : i64, kernel_w = 2 : i64, offset = 0 : i64, stride_h = 2 : i64, stride_w = 2 : i64} : (tensor<1x4x4x24xf32>) -> tensor<1x2x2x8xf32> loc("q_pool")
  %2 = cpu.run "attention"(%1, %0, %0, %none, %none) {batch = 1 : i64, dim = 4 : i64, grid_k_h = 4 : i64, grid_k_w = 4 : i64, grid_q_h = 2 : i64, grid_q_w = 2 : i64, heads = 2 : i64, k_offset = 8 : i64, q_offset = 0 : i64, scale = 5.0e-01 : f64, v_offset = 16 : i64, value_dim = 4 : i64, window_k_h = 4 : i64, window_k_w = 4 : i64, window_q_h = 2 : i64, window_q_w = 2 : i64} : (tensor<1x2x2x8xf32>, tensor<1x4x4x24xf32>, tensor<1x4x4x24xf32>, none, none) -> tensor<1x2x2x8xf32> loc("mixed2")
  %3 = cpu.run "max_pool"(%x) {c = 8 : i64, in_h = 4 : i64, in_w = 4 : i64, kernel_h = 2 : i64, kernel_w = 2 : i64, offset = 0 : i64, stride_h = 2 : i64, stride_w = 2 : i64} : (tensor<1x4x4x8xf32>) -> tensor<1x2x2x8xf32> loc("shortcut")
  return %2, %3 : tensor<1x2x2x8xf32>, tensor<1x2x2x8xf32>
}

// Not in int8: a convolution, and a sum so long that 32 bits may not hold it.
// CHECK-LABEL: @stays_f32
// CHECK: cpu.run "conv"({{.*}}) {{[{][^}]*[}]}} :
// CHECK: cpu.run "matmul"({{.*}}) {{[{][^}]*[}]}} :
// CHECK: cpu.run "matmul"{{.*}}k = 65536 : i64{{.*}} {precision = "int8"}
func.func @stays_f32(%x: tensor<1x2x2x4xf32>, %y: tensor<1x65537xf32>, %z: tensor<1x65536xf32>) -> (tensor<1x2x2x8xf32>, tensor<1x1xf32>, tensor<1x1xf32>) {
  %none = "top.None"() : () -> none
  %w1 = "top.Weight"() : () -> tensor<8x4x1x1xf32> loc("w20")
  %w2 = "top.Weight"() : () -> tensor<65537x1xf32> loc("w21")
  %w3 = "top.Weight"() : () -> tensor<65536x1xf32> loc("w22")
  %0 = cpu.run "conv"(%x, %w1, %none) {activation = "none", in_c = 4 : i64, in_h = 2 : i64, in_w = 2 : i64, kernel_h = 1 : i64, kernel_w = 1 : i64, out_c = 8 : i64, out_h = 2 : i64, out_w = 2 : i64, pad_left = 0 : i64, pad_top = 0 : i64, src_nchw = 0 : i64, stride_h = 1 : i64, stride_w = 1 : i64, weight_layout = "o_hwi"} : (tensor<1x2x2x4xf32>, tensor<8x4x1x1xf32>, none) -> tensor<1x2x2x8xf32> loc("conv")
  %1 = cpu.run "matmul"(%y, %w2, %none) {activation = "none", eps = 0.0, k = 65537 : i64, n = 1 : i64, norm = 0 : i64, weight_layout = "kn"} : (tensor<1x65537xf32>, tensor<65537x1xf32>, none) -> tensor<1x1xf32> loc("long")
  %2 = cpu.run "matmul"(%z, %w3, %none) {activation = "none", eps = 0.0, k = 65536 : i64, n = 1 : i64, norm = 0 : i64, weight_layout = "kn"} : (tensor<1x65536xf32>, tensor<65536x1xf32>, none) -> tensor<1x1xf32> loc("longest")
  return %0, %1, %2 : tensor<1x2x2x8xf32>, tensor<1x1xf32>, tensor<1x1xf32>
}

// The mask decoder's last products before its outputs stay f32.
// CHECK-LABEL: @masks
// CHECK: cpu.run "matmul"{{.*}} {precision = "int8"}
// CHECK: cpu.run "matmul"({{.*}}) {{[{][^}]*[}]}} :
// CHECK: cpu.run "unary"
func.func @masks(%x: tensor<4x8xf32>) -> (tensor<4x8xf32> {top.name = "low_res_logits"}) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<8x8xf32> loc("w7")
  %0 = cpu.run "matmul"(%x, %w, %none) {activation = "none", eps = 0.0, k = 8 : i64, n = 8 : i64, norm = 0 : i64, weight_layout = "kn"} : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32> loc("tokens")
  %1 = cpu.run "matmul"(%0, %w, %none) {activation = "none", eps = 0.0, k = 8 : i64, n = 8 : i64, norm = 0 : i64, weight_layout = "kn"} : (tensor<4x8xf32>, tensor<8x8xf32>, none) -> tensor<4x8xf32> loc("logits")
  %2 = cpu.run "unary"(%1) {op = "sigmoid"} : (tensor<4x8xf32>) -> tensor<4x8xf32> loc("masks")
  return %2 : tensor<4x8xf32>
}

}
