#include "targets/sophgo/tools/quantize_tables.h"

#include <gtest/gtest.h>

namespace samc::sophgo {
namespace {

// As TPU-MLIR's run_calibration.py writes it (its manual's example).
constexpr const char* kTheirs =
    "# generated time: 2022-08-11 10:00:59.743675\n# histogram number: 2048\n# sample number: 100\n# tune number: 5\n"
    "###\n# op_name    threshold    min    max\nimages 1.0000080 0.0000000 1.0000080\n"
    "122_Conv 56.4281803 -102.5830231 97.6811752\r\n124_Mul 38.1586478 -0.2784646 97.6811752\n\n"
    "#int4_th\n122_Conv 11.0000000 -102.5830231 97.6811752\n";

constexpr const char* kModule =
    "#loc = loc(unknown)\nmodule @m attributes {module.state = \"TOP_F32\"} {\n"
    "  func.func @main(%arg0: tensor<1xf32> loc(unknown)) -> tensor<1xf32> {\n"
    "    %0 = \"top.None\"() : () -> none loc(#loc)\n"
    "    %1 = \"top.Input\"(%arg0) : (tensor<1xf32>) -> tensor<1xf32> loc(#loc1)\n"
    "    %2 = \"top.Weight\"() : () -> tensor<1xf32> loc(#loc2)\n"
    "    %3 = \"top.Add\"(%1, %2) : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32> loc(\"sum\\\\22\")\n"
    "    %4 = \"top.Reshape\"(%3) : (tensor<1xf32>) -> tensor<1xf32> loc(\"moved\")\n"
    "    %5:2 = \"top.Split\"(%4) : (tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>) loc(#loc5)\n"
    "    return %5#0 : tensor<1xf32> loc(#loc)\n  } loc(#loc)\n} loc(#loc)\n"
    "#loc1 = loc(\"images\")\n#loc2 = loc(\"weight\")\n#loc3 = loc(\"a\")\n#loc4 = loc(\"b\")\n"
    "#loc5 = loc(fused[#loc3, #loc4])\n";

std::string error_of(const std::string& text) {
  const auto table = parse_calibration_table(text, "t");
  return table.is_ok() ? "" : table.status().to_string();
}

std::string mode_error_of(const std::string& text) {
  const auto table = parse_quantize_table(text, "q");
  return table.is_ok() ? "" : table.status().to_string();
}

std::string check(const std::string& text) {
  const auto table = parse_calibration_table(text, "t");
  EXPECT_TRUE(table.is_ok());
  const auto ops = read_named_ops(kModule);
  return check_calibration_table(table.value(), ops, "t").to_string();
}

std::string check_modes(const std::string& text) {
  const auto table = parse_quantize_table(text, "q");
  EXPECT_TRUE(table.is_ok());
  const auto ops = read_named_ops(kModule);
  return check_quantize_table(table.value(), ops, "q").to_string();
}

TEST(CalibrationTable, ReadsTpuMlirs) {
  const auto table = parse_calibration_table(kTheirs, "t");
  ASSERT_TRUE(table.is_ok()) << table.status().to_string();
  ASSERT_EQ(table.value().size(), 1u);
  const auto& lines = table.value()[0].lines;
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1].name, "122_Conv");
  EXPECT_DOUBLE_EQ(lines[1].threshold, 56.4281803);  // not the one for 4 bits
  EXPECT_DOUBLE_EQ(lines[1].min, -102.5830231);
  EXPECT_DOUBLE_EQ(lines[1].max, 97.6811752);
}

TEST(CalibrationTable, WrittenAndReadAgain) {
  const CalibrationTable table = {{"encoder", {{"x", 1.5, -1.5, 1}, {"y/z", 2, 0, 2}}}, {"decoder", {{"w", 0, 0, 0}}}};
  const std::string text = print_calibration_table(table, {"made by a test"});
  EXPECT_EQ(text,
            "# made by a test\n###\n# op_name    threshold    min    max\n# part encoder\n"
            "x 1.5000000 -1.5000000 1.0000000\ny/z 2.0000000 0.0000000 2.0000000\n# part decoder\n"
            "w 0.0000100 0.0000000 0.0000000\n");
  const auto read = parse_calibration_table(text, "t");
  ASSERT_TRUE(read.is_ok()) << read.status().to_string();
  ASSERT_EQ(read.value().size(), 2u);
  EXPECT_EQ(read.value()[0].name, "encoder");
  EXPECT_EQ(read.value()[0].lines[1].name, "y/z");
  EXPECT_EQ(read.value()[1].lines[0].threshold, kLeastThreshold);
}

TEST(CalibrationTable, WrongLines) {
  EXPECT_EQ(error_of(""), "t is empty: it has no line 'NAME ...'");
  EXPECT_EQ(error_of("# nothing\n"), "t is empty: it has no line 'NAME ...'");
  EXPECT_EQ(error_of("x 1 -1 1\ny 1 -1\n"), "t: line 2: 'y 1 -1' is not NAME THRESHOLD MIN MAX");
  EXPECT_EQ(error_of("x 1 -1 1 1\n"), "t: line 1: 'x 1 -1 1 1' is not NAME THRESHOLD MIN MAX");
  EXPECT_EQ(error_of("x 1 low 1\n"), "t: line 1: 'x 1 low 1' is not NAME THRESHOLD MIN MAX");
  EXPECT_EQ(error_of("x 0.0000000 0 0\n"),
            "t: line 1: x has the threshold 0; a threshold is the largest magnitude, above 0");
  EXPECT_EQ(error_of("x -1 0 0\n"), "t: line 1: x has the threshold -1; a threshold is the largest magnitude, above 0");
  EXPECT_NE(error_of("x nan 0 0\n").find("not finite"), std::string::npos);
  EXPECT_NE(error_of("x 1 0 inf\n").find("not finite"), std::string::npos);
  EXPECT_EQ(error_of("x 1 2 1\n"), "t: line 1: x: MIN 2 is above MAX 1");
}

TEST(CalibrationTable, AgainstTheModule) {
  const std::string all = "images 1 0 1\nsum\\22 1 0 1\na 1 0 1\nb 1 0 1\n";
  EXPECT_EQ(check(all), "");  // a Reshape needs no line
  EXPECT_EQ(check(all + "moved 1 0 1\n"), "");
  EXPECT_EQ(check("images 1 0 1\nsum\\22 1 0 1\na 1 0 1\n"),
            "t has no line for b; calibrate the same model, transformed in the same way");
  EXPECT_EQ(check("images 1 0 1\na 1 0 1\n"),
            "t has no line for sum\\22 and 1 more ops; calibrate the same model, transformed in the same way");
  EXPECT_EQ(check("other 1 0 1\n"),
            "t is of another model: none of its names is in the .mlir; calibrate the same model, transformed in the "
            "same way");
  EXPECT_EQ(check(all + "other 1 0 1\n"),
            "t names other, which is no op of the .mlir; it was made from another transformation of the model");
  EXPECT_EQ(check("# part encoder\n" + all + "# part decoder\nother 1 0 1\n"), "");
  EXPECT_EQ(check("# part encoder\n" + all + "# part decoder\na 1 0 1\nother 1 0 1\n"), "");  // a is in both
}

TEST(QuantizeTable, ReadWrittenChecked) {
  const QuantizeTable table = {{"", {{"a", "F16"}, {"sum", "BF16"}}}};
  EXPECT_EQ(print_quantize_table(table, {}), "# op_name    quantize_mode\na F16\nsum BF16\n");
  EXPECT_EQ(parse_quantize_table("a F16\n", "q").value()[0].lines[0].mode, "F16");
  EXPECT_EQ(mode_error_of("a F17\n"),
            "q: line 1: the mode F17 is not known; use one of: F32, F16, BF16, INT8, W8F16, W8BF16, W4F16, W4BF16");
  EXPECT_EQ(mode_error_of("a F16 F32\n"), "q: line 1: 'a F16 F32' is not NAME MODE");
  EXPECT_EQ(mode_error_of("a\n"), "q: line 1: 'a' is not NAME MODE");
  EXPECT_EQ(check_modes("a F16\nmoved F32\n"), "");
  EXPECT_NE(check_modes("other F16\n").find("of another model"), std::string::npos);
  EXPECT_EQ(check_modes("a F16\nother F16\nmore F16\n"),
            "q names other and 1 more, which is no op of the .mlir; it was made from another transformation of the "
            "model");
  EXPECT_EQ(check_modes("# part encoder\na F16\n# part decoder\nother F16\n"), "");
}

TEST(NamedOps, OfAText) {
  const auto ops = read_named_ops(kModule);
  ASSERT_EQ(ops.size(), 4u);
  EXPECT_EQ(ops[0].kind, "Input");
  EXPECT_EQ(ops[1].names, std::vector<std::string>{"sum\\22"});
  EXPECT_EQ(ops[3].names, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace samc::sophgo
