// RUN: --passes=factor-tables --round-trip

// A weight that is named as a number holds that number everywhere; others hold numbers without any order.
module attributes {cpu.precision = "bf16"} {

// CHECK-LABEL: @a_table_that_is_added
// CHECK: [[A:%.*]] = "top.Weight"() : () -> tensor<64x1x1xf32>
// CHECK: [[B:%.*]] = "top.Weight"() : () -> tensor<1x64x64xf32>
// CHECK: [[T:%.*]] = cpu.run "binary"([[A]], [[B]]) {activation = "none", op = "add"}{{.*}} -> tensor<64x64x64xf32>
// CHECK: [[R:%.*]] = "top.Reshape"([[T]]) {{.*}} -> tensor<1x64x64x64xf32>
// CHECK: cpu.run "binary"(%arg0, [[R]])
func.func @a_table_that_is_added(%x: tensor<1x64x64x64xf32>) -> tensor<1x64x64x64xf32> {
  %w = "top.Weight"() : () -> tensor<1x64x64x64xf32> loc("0.5")
  %0 = cpu.run "binary"(%x, %w) {activation = "none", op = "add"} : (tensor<1x64x64x64xf32>, tensor<1x64x64x64xf32>) -> tensor<1x64x64x64xf32>
  return %0 : tensor<1x64x64x64xf32>
}

// What a function only gives is such a table too.
// CHECK-LABEL: @a_table_that_is_returned
// CHECK: cpu.run "binary"
// CHECK: return
func.func @a_table_that_is_returned() -> tensor<64x64x64xf32> {
  %w = "top.Weight"() : () -> tensor<64x64x64xf32> loc("0.25")
  return %w : tensor<64x64x64xf32>
}

// Numbers without order, a packed weight and a small table stay.
// CHECK-LABEL: @others
// CHECK-DAG: "top.Weight"() : () -> tensor<64x64x64xf32>
// CHECK-DAG: "top.Weight"() : () -> tensor<512x512xf32>
// CHECK-DAG: "top.Weight"() : () -> tensor<8x8x8xf32>
// CHECK: cpu.run "matmul"
// CHECK: cpu.run "binary"
// CHECK: cpu.run "binary"
// CHECK-NOT: cpu.run
func.func @others(%x: tensor<64x64x64xf32>, %y: tensor<4x512xf32>, %z: tensor<8x8x8xf32>) -> (tensor<4x512xf32>, tensor<64x64x64xf32>, tensor<8x8x8xf32>) {
  %none = "top.None"() : () -> none
  %w = "top.Weight"() : () -> tensor<64x64x64xf32> loc("random")
  %m = "top.Weight"() : () -> tensor<512x512xf32> loc("0.125")
  %s = "top.Weight"() : () -> tensor<8x8x8xf32> loc("0.75")
  %0 = cpu.run "matmul"(%y, %m, %none) {activation = "none", eps = 0.0, k = 512 : i64, n = 512 : i64, norm = 0 : i64, weight_layout = "kn"} : (tensor<4x512xf32>, tensor<512x512xf32>, none) -> tensor<4x512xf32>
  %1 = cpu.run "binary"(%x, %w) {activation = "none", op = "add"} : (tensor<64x64x64xf32>, tensor<64x64x64xf32>) -> tensor<64x64x64xf32>
  %2 = cpu.run "binary"(%z, %s) {activation = "none", op = "add"} : (tensor<8x8x8xf32>, tensor<8x8x8xf32>) -> tensor<8x8x8xf32>
  return %0, %1, %2 : tensor<4x512xf32>, tensor<64x64x64xf32>, tensor<8x8x8xf32>
}

}
