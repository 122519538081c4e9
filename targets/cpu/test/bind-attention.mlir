// RUN: --passes=bind-attention --round-trip

// q, k and v as slices of one projection: column ranges of its rows.
// CHECK-LABEL: @one_projection
// CHECK: cpu.run "attention"(%arg0, %arg0, %arg0, {{.*}}heads = 2 : i64, k_offset = 8 : i64, q_offset = 0 : i64, {{.*}}v_offset = 16 : i64
// CHECK-SAME: window_k_h = 1 : i64, window_k_w = 5 : i64
// CHECK-NOT: top.Slice
// CHECK: return
func.func @one_projection(%qkv: tensor<1x5x24xf32>) -> tensor<1x5x8xf32> {
  %none = "top.None"() : () -> none
  %0 = "top.Reshape"(%qkv) {shape = [1, 5, 3, 2, 4]} : (tensor<1x5x24xf32>) -> tensor<1x5x3x2x4xf32>
  %q0 = "top.Slice"(%0, %none, %none, %none) {offset = [0], steps = [1], ends = [1], axes = [2]} : (tensor<1x5x3x2x4xf32>, none, none, none) -> tensor<1x5x1x2x4xf32>
  %k0 = "top.Slice"(%0, %none, %none, %none) {offset = [1], steps = [1], ends = [2], axes = [2]} : (tensor<1x5x3x2x4xf32>, none, none, none) -> tensor<1x5x1x2x4xf32>
  %v0 = "top.Slice"(%0, %none, %none, %none) {offset = [2], steps = [1], ends = [3], axes = [2]} : (tensor<1x5x3x2x4xf32>, none, none, none) -> tensor<1x5x1x2x4xf32>
  %q1 = "top.Squeeze"(%q0) {axes = [2]} : (tensor<1x5x1x2x4xf32>) -> tensor<1x5x2x4xf32>
  %k1 = "top.Squeeze"(%k0) {axes = [2]} : (tensor<1x5x1x2x4xf32>) -> tensor<1x5x2x4xf32>
  %v1 = "top.Squeeze"(%v0) {axes = [2]} : (tensor<1x5x1x2x4xf32>) -> tensor<1x5x2x4xf32>
  %q = "top.Permute"(%q1) {order = [0, 2, 1, 3]} : (tensor<1x5x2x4xf32>) -> tensor<1x2x5x4xf32>
  %k = "top.Permute"(%k1) {order = [0, 2, 1, 3]} : (tensor<1x5x2x4xf32>) -> tensor<1x2x5x4xf32>
  %v = "top.Permute"(%v1) {order = [0, 2, 1, 3]} : (tensor<1x5x2x4xf32>) -> tensor<1x2x5x4xf32>
  %1 = vision.attention %q, %k, %v {scale = 0.5 : f64} : (tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x5x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<1x2x5x4xf32>) -> tensor<1x5x2x4xf32>
  %3 = "top.Reshape"(%2) {shape = [1, 5, 8]} : (tensor<1x5x2x4xf32>) -> tensor<1x5x8xf32>
  return %3 : tensor<1x5x8xf32>
}

// Heads that lie outside the tokens are brought into rows first.
// CHECK-LABEL: @heads_outside
// CHECK-COUNT-3: top.Permute{{.*}}order = [0, 2, 1, 3]
// CHECK: cpu.run "attention"
func.func @heads_outside(%q: tensor<1x2x5x4xf32>, %k: tensor<1x2x7x4xf32>, %v: tensor<1x2x7x4xf32>) -> tensor<1x2x5x4xf32> {
  %1 = vision.attention %q, %k, %v {scale = 0.5 : f64} : (tensor<1x2x5x4xf32>, tensor<1x2x7x4xf32>, tensor<1x2x7x4xf32>) -> tensor<1x2x5x4xf32>
  return %1 : tensor<1x2x5x4xf32>
}

// Windows over a picture of 6 x 6 in windows of 4: addressing. The keys outside are the padding row's columns of k and v.
// CHECK-LABEL: @windows
// CHECK: [[PK:%.*]] = "top.Weight"() : () -> tensor<8xf32>
// CHECK: [[PV:%.*]] = "top.Weight"() : () -> tensor<8xf32>
// CHECK: [[Y:%.*]] = cpu.run "attention"(%arg0, %arg0, %arg0, [[PK]], [[PV]]){{.*}}grid_k_h = 6 : i64{{.*}}window_q_h = 4 : i64
// CHECK-NOT: vision.window
// CHECK: return [[Y]]
func.func @windows(%qkv: tensor<1x6x6x24xf32>) -> tensor<1x6x6x8xf32> {
  %none = "top.None"() : () -> none
  %pad = "top.Weight"() : () -> tensor<24xf32> loc("qkv.bias")
  %w = vision.window_partition %qkv, %pad {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x6x6x24xf32>, tensor<24xf32>) -> tensor<4x4x4x24xf32>
  %0 = "top.Reshape"(%w) {shape = [4, 16, 3, 2, 4]} : (tensor<4x4x4x24xf32>) -> tensor<4x16x3x2x4xf32>
  %q0 = "top.Slice"(%0, %none, %none, %none) {offset = [0], steps = [1], ends = [1], axes = [2]} : (tensor<4x16x3x2x4xf32>, none, none, none) -> tensor<4x16x1x2x4xf32>
  %k0 = "top.Slice"(%0, %none, %none, %none) {offset = [1], steps = [1], ends = [2], axes = [2]} : (tensor<4x16x3x2x4xf32>, none, none, none) -> tensor<4x16x1x2x4xf32>
  %v0 = "top.Slice"(%0, %none, %none, %none) {offset = [2], steps = [1], ends = [3], axes = [2]} : (tensor<4x16x3x2x4xf32>, none, none, none) -> tensor<4x16x1x2x4xf32>
  %q1 = "top.Squeeze"(%q0) {axes = [2]} : (tensor<4x16x1x2x4xf32>) -> tensor<4x16x2x4xf32>
  %k1 = "top.Squeeze"(%k0) {axes = [2]} : (tensor<4x16x1x2x4xf32>) -> tensor<4x16x2x4xf32>
  %v1 = "top.Squeeze"(%v0) {axes = [2]} : (tensor<4x16x1x2x4xf32>) -> tensor<4x16x2x4xf32>
  %q = "top.Permute"(%q1) {order = [0, 2, 1, 3]} : (tensor<4x16x2x4xf32>) -> tensor<4x2x16x4xf32>
  %k = "top.Permute"(%k1) {order = [0, 2, 1, 3]} : (tensor<4x16x2x4xf32>) -> tensor<4x2x16x4xf32>
  %v = "top.Permute"(%v1) {order = [0, 2, 1, 3]} : (tensor<4x16x2x4xf32>) -> tensor<4x2x16x4xf32>
  %1 = vision.attention %q, %k, %v {scale = 0.5 : f64} : (tensor<4x2x16x4xf32>, tensor<4x2x16x4xf32>, tensor<4x2x16x4xf32>) -> tensor<4x2x16x4xf32>
  %2 = "top.Permute"(%1) {order = [0, 2, 1, 3]} : (tensor<4x2x16x4xf32>) -> tensor<4x16x2x4xf32>
  %3 = "top.Reshape"(%2) {shape = [4, 4, 4, 8]} : (tensor<4x16x2x4xf32>) -> tensor<4x4x4x8xf32>
  %4 = vision.window_unpartition %3 : (tensor<4x4x4x8xf32>) -> tensor<1x6x6x8xf32>
  return %4 : tensor<1x6x6x8xf32>
}

// The same, but somebody reads the results outside the picture: the windows stay, as a batch.
// CHECK-LABEL: @padding_is_read
// CHECK: [[W:%.*]] = vision.window_partition
// CHECK: cpu.run "attention"([[W]], [[W]], [[W]], {{.*}}batch = 4 : i64{{.*}}grid_k_h = 1 : i64, grid_k_w = 16 : i64
func.func @padding_is_read(%x: tensor<1x6x6x8xf32>) -> tensor<4x1x16x8xf32> {
  %none = "top.None"() : () -> none
  %w = vision.window_partition %x, %none {window_h = 4 : i64, window_w = 4 : i64, pad_undefined = false} : (tensor<1x6x6x8xf32>, none) -> tensor<4x4x4x8xf32>
  %q = "top.Reshape"(%w) {shape = [4, 1, 16, 8]} : (tensor<4x4x4x8xf32>) -> tensor<4x1x16x8xf32>
  %1 = vision.attention %q, %q, %q {scale = 0.5 : f64} : (tensor<4x1x16x8xf32>, tensor<4x1x16x8xf32>, tensor<4x1x16x8xf32>) -> tensor<4x1x16x8xf32>
  return %1 : tensor<4x1x16x8xf32>
}

// A pool of some columns of a projection reads them where they lie.
// CHECK-LABEL: @pool_of_columns
// CHECK: cpu.run "max_pool"(%arg0) {{.*}}offset = 8 : i64
func.func @pool_of_columns(%x: tensor<1x4x6x24xf32>) -> tensor<1x2x3x8xf32> {
  %none = "top.None"() : () -> none
  %q = "top.Slice"(%x, %none, %none, %none) {offset = [0, 0, 0, 8], steps = [1, 1, 1, 1], ends = [1, 4, 6, 16], axes = []} : (tensor<1x4x6x24xf32>, none, none, none) -> tensor<1x4x6x8xf32>
  %p = cpu.run "max_pool"(%q) {in_h = 4 : i64, in_w = 6 : i64, c = 8 : i64, offset = 0 : i64, kernel_h = 2 : i64, kernel_w = 2 : i64, stride_h = 2 : i64, stride_w = 2 : i64} : (tensor<1x4x6x8xf32>) -> tensor<1x2x3x8xf32>
  return %p : tensor<1x2x3x8xf32>
}

// Not of a map that is turned, and not of some of its rows.
// CHECK-LABEL: @pool_of_a_turned_map
// CHECK: [[T:%.*]] = "top.Permute"
// CHECK: cpu.run "max_pool"([[T]]) {{.*}}offset = 0 : i64
func.func @pool_of_a_turned_map(%x: tensor<1x6x4x8xf32>) -> tensor<1x2x3x8xf32> {
  %t = "top.Permute"(%x) {order = [0, 2, 1, 3]} : (tensor<1x6x4x8xf32>) -> tensor<1x4x6x8xf32>
  %p = cpu.run "max_pool"(%t) {in_h = 4 : i64, in_w = 6 : i64, c = 8 : i64, offset = 0 : i64, kernel_h = 2 : i64, kernel_w = 2 : i64, stride_h = 2 : i64, stride_w = 2 : i64} : (tensor<1x4x6x8xf32>) -> tensor<1x2x3x8xf32>
  return %p : tensor<1x2x3x8xf32>
}
// CHECK-LABEL: @pool_of_rows
// CHECK: [[R:%.*]] = "top.Slice"
// CHECK: cpu.run "max_pool"([[R]]) {{.*}}offset = 0 : i64
func.func @pool_of_rows(%x: tensor<1x8x6x8xf32>) -> tensor<1x2x3x8xf32> {
  %none = "top.None"() : () -> none
  %r = "top.Slice"(%x, %none, %none, %none) {offset = [0, 4, 0, 0], steps = [1, 1, 1, 1], ends = [1, 8, 6, 8], axes = []} : (tensor<1x8x6x8xf32>, none, none, none) -> tensor<1x4x6x8xf32>
  %p = cpu.run "max_pool"(%r) {in_h = 4 : i64, in_w = 6 : i64, c = 8 : i64, offset = 0 : i64, kernel_h = 2 : i64, kernel_w = 2 : i64, stride_h = 2 : i64, stride_w = 2 : i64} : (tensor<1x4x6x8xf32>) -> tensor<1x2x3x8xf32>
  return %p : tensor<1x2x3x8xf32>
}
