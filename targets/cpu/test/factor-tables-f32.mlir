// RUN: --passes=factor-tables --round-trip

// Nobody asks for bf16: the table stays.
// CHECK: "top.Weight"() : () -> tensor<64x64x64xf32>
// CHECK: cpu.run "binary"(%arg0
// CHECK-NOT: cpu.run
func.func @main(%x: tensor<64x64x64xf32>) -> tensor<64x64x64xf32> {
  %w = "top.Weight"() : () -> tensor<64x64x64xf32> loc("0.5")
  %0 = cpu.run "binary"(%x, %w) {activation = "none", op = "add"} : (tensor<64x64x64xf32>, tensor<64x64x64xf32>) -> tensor<64x64x64xf32>
  return %0 : tensor<64x64x64xf32>
}
