// RUN: --passes=split-pooled-queries --round-trip

// Queries shrink before keys and values are made.
// CHECK-LABEL: @pooled
// CHECK: [[Q:%.*]] = cpu.run "matmul"(%arg0, {{.*}}n = 8 : i64{{.*}}tensor<8x6xf32>, tensor<8xf32>) -> tensor<1x4x4x8xf32>
// CHECK: [[P:%.*]] = cpu.run "max_pool"([[Q]])
// CHECK: [[KV:%.*]] = cpu.run "matmul"(%arg0, {{.*}}n = 16 : i64{{.*}}tensor<16x6xf32>, tensor<16xf32>) -> tensor<1x4x4x16xf32>
// CHECK: cpu.run "attention"([[P]], [[KV]], [[KV]], {{.*}}k_offset = 0 : i64{{.*}}v_offset = 8 : i64
// CHECK: return
func.func @pooled(%x: tensor<1x4x4x6xf32>) -> tensor<1x2x2x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<24x6xf32> loc("pooled.w")
  %b = "top.Weight"() : () -> tensor<24xf32> loc("pooled.b")
  %m = cpu.run "matmul"(%x, %w, %b) {activation = "none", eps = 1.0e-6 : f64, k = 6 : i64, n = 24 : i64, norm = 1 : i64, weight_layout = "nk"} : (tensor<1x4x4x6xf32>, tensor<24x6xf32>, tensor<24xf32>) -> tensor<1x4x4x24xf32>
  %q = cpu.run "max_pool"(%m) {in_h = 4 : i64, in_w = 4 : i64, c = 8 : i64, offset = 0 : i64, kernel_h = 2 : i64, kernel_w = 2 : i64, stride_h = 2 : i64, stride_w = 2 : i64} : (tensor<1x4x4x24xf32>) -> tensor<1x2x2x8xf32>
  %a = cpu.run "attention"(%q, %m, %m, %none, %none) {batch = 1 : i64, dim = 4 : i64, value_dim = 4 : i64, heads = 2 : i64, q_offset = 0 : i64, k_offset = 8 : i64, v_offset = 16 : i64, grid_q_h = 2 : i64, grid_q_w = 2 : i64, window_q_h = 2 : i64, window_q_w = 2 : i64, grid_k_h = 4 : i64, grid_k_w = 4 : i64, window_k_h = 4 : i64, window_k_w = 4 : i64, scale = 0.5 : f64} : (tensor<1x2x2x8xf32>, tensor<1x4x4x24xf32>, tensor<1x4x4x24xf32>, none, none) -> tensor<1x2x2x8xf32>
  return %a : tensor<1x2x2x8xf32>
}

// Without a bias, and with a weight that lies the other way round.
// CHECK-LABEL: @other_layout
// CHECK: cpu.run "matmul"(%arg0, {{.*}}tensor<6x8xf32>, none) -> tensor<1x4x4x8xf32>
// CHECK: cpu.run "matmul"(%arg0, {{.*}}tensor<6x16xf32>, none) -> tensor<1x4x4x16xf32>
// CHECK: return
func.func @other_layout(%x: tensor<1x4x4x6xf32>) -> tensor<1x2x2x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<6x24xf32> loc("other_layout.w")
  %m = cpu.run "matmul"(%x, %w, %none) {activation = "none", eps = 1.0e-6 : f64, k = 6 : i64, n = 24 : i64, norm = 1 : i64, weight_layout = "kn"} : (tensor<1x4x4x6xf32>, tensor<6x24xf32>, none) -> tensor<1x4x4x24xf32>
  %q = cpu.run "max_pool"(%m) {in_h = 4 : i64, in_w = 4 : i64, c = 8 : i64, offset = 0 : i64, kernel_h = 2 : i64, kernel_w = 2 : i64, stride_h = 2 : i64, stride_w = 2 : i64} : (tensor<1x4x4x24xf32>) -> tensor<1x2x2x8xf32>
  %a = cpu.run "attention"(%q, %m, %m, %none, %none) {batch = 1 : i64, dim = 4 : i64, value_dim = 4 : i64, heads = 2 : i64, q_offset = 0 : i64, k_offset = 8 : i64, v_offset = 16 : i64, grid_q_h = 2 : i64, grid_q_w = 2 : i64, window_q_h = 2 : i64, window_q_w = 2 : i64, grid_k_h = 4 : i64, grid_k_w = 4 : i64, window_k_h = 4 : i64, window_k_w = 4 : i64, scale = 0.5 : f64} : (tensor<1x2x2x8xf32>, tensor<1x4x4x24xf32>, tensor<1x4x4x24xf32>, none, none) -> tensor<1x2x2x8xf32>
  return %a : tensor<1x2x2x8xf32>
}

// Queries that are not pooled.
// CHECK-LABEL: @not_pooled
// CHECK: n = 24 : i64
// CHECK: return
func.func @not_pooled(%x: tensor<1x4x4x6xf32>) -> tensor<1x4x4x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<24x6xf32> loc("not_pooled.w")
  %b = "top.Weight"() : () -> tensor<24xf32> loc("not_pooled.b")
  %m = cpu.run "matmul"(%x, %w, %b) {activation = "none", eps = 1.0e-6 : f64, k = 6 : i64, n = 24 : i64, norm = 1 : i64, weight_layout = "nk"} : (tensor<1x4x4x6xf32>, tensor<24x6xf32>, tensor<24xf32>) -> tensor<1x4x4x24xf32>
  %a = cpu.run "attention"(%m, %m, %m, %none, %none) {batch = 1 : i64, dim = 4 : i64, value_dim = 4 : i64, heads = 2 : i64, q_offset = 0 : i64, k_offset = 8 : i64, v_offset = 16 : i64, grid_q_h = 4 : i64, grid_q_w = 4 : i64, window_q_h = 4 : i64, window_q_w = 4 : i64, grid_k_h = 4 : i64, grid_k_w = 4 : i64, window_k_h = 4 : i64, window_k_w = 4 : i64, scale = 0.5 : f64} : (tensor<1x4x4x24xf32>, tensor<1x4x4x24xf32>, tensor<1x4x4x24xf32>, none, none) -> tensor<1x4x4x8xf32>
  return %a : tensor<1x4x4x8xf32>
}

// Keys among the columns that are pooled.
// CHECK-LABEL: @shared_columns
// CHECK: n = 24 : i64
// CHECK: return
func.func @shared_columns(%x: tensor<1x4x4x6xf32>) -> tensor<1x2x2x8xf32> {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<24x6xf32> loc("shared_columns.w")
  %b = "top.Weight"() : () -> tensor<24xf32> loc("shared_columns.b")
  %m = cpu.run "matmul"(%x, %w, %b) {activation = "none", eps = 1.0e-6 : f64, k = 6 : i64, n = 24 : i64, norm = 1 : i64, weight_layout = "nk"} : (tensor<1x4x4x6xf32>, tensor<24x6xf32>, tensor<24xf32>) -> tensor<1x4x4x24xf32>
  %q = cpu.run "max_pool"(%m) {in_h = 4 : i64, in_w = 4 : i64, c = 8 : i64, offset = 0 : i64, kernel_h = 2 : i64, kernel_w = 2 : i64, stride_h = 2 : i64, stride_w = 2 : i64} : (tensor<1x4x4x24xf32>) -> tensor<1x2x2x8xf32>
  %a = cpu.run "attention"(%q, %m, %m, %none, %none) {batch = 1 : i64, dim = 4 : i64, value_dim = 4 : i64, heads = 2 : i64, q_offset = 0 : i64, k_offset = 4 : i64, v_offset = 16 : i64, grid_q_h = 2 : i64, grid_q_w = 2 : i64, window_q_h = 2 : i64, window_q_w = 2 : i64, grid_k_h = 4 : i64, grid_k_w = 4 : i64, window_k_h = 4 : i64, window_k_w = 4 : i64, scale = 0.5 : f64} : (tensor<1x2x2x8xf32>, tensor<1x4x4x24xf32>, tensor<1x4x4x24xf32>, none, none) -> tensor<1x2x2x8xf32>
  return %a : tensor<1x2x2x8xf32>
}

// Others read the product.
// CHECK-LABEL: @product_is_read
// CHECK: n = 24 : i64
// CHECK: return
func.func @product_is_read(%x: tensor<1x4x4x6xf32>) -> (tensor<1x2x2x8xf32>, tensor<1x4x4x24xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<24x6xf32> loc("product_is_read.w")
  %b = "top.Weight"() : () -> tensor<24xf32> loc("product_is_read.b")
  %m = cpu.run "matmul"(%x, %w, %b) {activation = "none", eps = 1.0e-6 : f64, k = 6 : i64, n = 24 : i64, norm = 1 : i64, weight_layout = "nk"} : (tensor<1x4x4x6xf32>, tensor<24x6xf32>, tensor<24xf32>) -> tensor<1x4x4x24xf32>
  %q = cpu.run "max_pool"(%m) {in_h = 4 : i64, in_w = 4 : i64, c = 8 : i64, offset = 0 : i64, kernel_h = 2 : i64, kernel_w = 2 : i64, stride_h = 2 : i64, stride_w = 2 : i64} : (tensor<1x4x4x24xf32>) -> tensor<1x2x2x8xf32>
  %a = cpu.run "attention"(%q, %m, %m, %none, %none) {batch = 1 : i64, dim = 4 : i64, value_dim = 4 : i64, heads = 2 : i64, q_offset = 0 : i64, k_offset = 8 : i64, v_offset = 16 : i64, grid_q_h = 2 : i64, grid_q_w = 2 : i64, window_q_h = 2 : i64, window_q_w = 2 : i64, grid_k_h = 4 : i64, grid_k_w = 4 : i64, window_k_h = 4 : i64, window_k_w = 4 : i64, scale = 0.5 : f64} : (tensor<1x2x2x8xf32>, tensor<1x4x4x24xf32>, tensor<1x4x4x24xf32>, none, none) -> tensor<1x2x2x8xf32>
  return %a, %m : tensor<1x2x2x8xf32>, tensor<1x4x4x24xf32>
}
