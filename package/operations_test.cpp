// The schema is sound, and the table of docs/plan_ops.md is what it says. SAMC_WRITE_DOCS=1 writes the table anew.

#include "package/operations.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/files.h"

namespace samc {
namespace {

// A row of the table, gathered line by line.
struct Row {
  std::string name, meaning, operands, result, attributes, kernels;
};

void append(std::string& list, const std::string& entry, const char* separator = "; ") {
  if (!list.empty()) list += separator;
  list += entry;
}

std::string operand_text(const std::string& name, OperandNeed need, const std::string& shape, const char* mark = "") {
  std::string text = name + mark + (shape.empty() ? "" : " " + shape);
  if (need == OperandNeed::kOptional) text += "?";
  if (need == OperandNeed::kIndices) text += " (f32 or i64)";
  if (need == OperandNeed::kAnyNumber) text += ", any number";
  return text;
}

std::string attribute_text(const std::string& name, AttributeKind kind, Absent absent, const std::string& note) {
  std::string text = name;
  if (kind == AttributeKind::kExtent) text += " (from 0)";
  if (kind == AttributeKind::kFlag) text += " (flag)";
  if (kind == AttributeKind::kIntegers) text += " (list)";
  if (kind == AttributeKind::kNumber) text += " (real)";
  if (absent.kind == Absent::Kind::kValue && kind != AttributeKind::kActivation)
    text += fmt::format(" = {}", absent.value);
  if (!note.empty()) text += ": " + note;
  return text;
}

std::vector<Row> rows() {
  constexpr OperandNeed kRequired = OperandNeed::kRequired, kOptional = OperandNeed::kOptional,
                        kIndices = OperandNeed::kIndices, kPacked = OperandNeed::kPacked,
                        kAnyNumber = OperandNeed::kAnyNumber;
  std::vector<Row> all;
#define SAMC_OPERATION(name, meaning) all.push_back({#name, meaning, "", "", "", ""});
#define SAMC_RUNS(kernel) append(all.back().kernels, #kernel, ", ");
#define SAMC_RUNS_BF16(kernel) append(all.back().kernels, #kernel, ", ");
#define SAMC_RUNS_INT8(kernel) append(all.back().kernels, #kernel, ", ");
#define SAMC_PLAIN_BF16() append(all.back().kernels, "bf16 in plain code", ", ");
#define SAMC_OPERAND(name, need, shape) append(all.back().operands, operand_text(#name, need, shape));
#define SAMC_OPERAND_IN_PLACE(name, need, shape) append(all.back().operands, operand_text(#name, need, shape, "\\*"));
#define SAMC_OPERAND_OR_BF16(name, need, shape) append(all.back().operands, operand_text(#name, need, shape, "°"));
#define SAMC_RESULT(name, shape) all.back().result = operand_text(#name, kRequired, shape);
#define SAMC_RESULT_OR_BF16(name, shape) all.back().result = operand_text(#name, kRequired, shape, "°");
#include "package/ops.def"
  (void)kOptional, (void)kIndices, (void)kPacked, (void)kAnyNumber;
  return all;
}

// A function of its own: kRequired means another thing here.
void add_attributes(std::vector<Row>& all) {
  constexpr Absent::Kind kRequired = Absent::Kind::kRequired, kConditional = Absent::Kind::kConditional;
  size_t row = 0;
#define SAMC_OPERATION(name, meaning) row = static_cast<size_t>(find_operation(#name) - operations().data());
#define SAMC_ATTRIBUTE(name, kind, absent, note) \
  append(all[row].attributes, attribute_text(#name, AttributeKind::kind, absent, note));
#include "package/ops.def"
  (void)kConditional;
}

std::string table() {
  std::vector<Row> all = rows();
  add_attributes(all);
  std::string text =
      "| operation | operands | result | attributes | kernels | what it does |\n|---|---|---|---|---|---|\n";
  for (const Row& row : all)
    text += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", row.name, row.operands, row.result, row.attributes,
                        row.kernels, row.meaning);
  return text;
}

TEST(Operations, the_document_holds_the_table) {
  const std::string path = SAMC_SOURCE_DIR "/docs/plan_ops.md";
  std::string document = read_text_file(path, size_t{1} << 20).value();
  const std::string begin = "<!-- made from package/ops.def -->\n", end = "<!-- end -->\n";
  const size_t first = document.find(begin), last = document.find(end);
  ASSERT_TRUE(first != std::string::npos && last != std::string::npos && first < last);
  const size_t from = first + begin.size();
  const bool is_current = document.substr(from, last - from) == table();
  if (std::getenv("SAMC_WRITE_DOCS") != nullptr) {
    document.replace(from, last - from, table());
    ASSERT_TRUE(write_file(path, document).is_ok());
    return;
  }
  EXPECT_TRUE(is_current) << path << " differs from package/ops.def; SAMC_WRITE_DOCS=1 operations_test writes it";
}

TEST(Operations, the_schema_is_sound) {
  std::set<std::string> names;
  for (const OperationSchema& operation : operations()) {
    SCOPED_TRACE(operation.name);
    EXPECT_TRUE(names.insert(operation.name).second);
    EXPECT_EQ(find_operation(operation.name), &operation);
    ASSERT_FALSE(operation.operands.empty());
    EXPECT_GE(operation.least_operands(), 1u);
    std::set<std::string> own;
    for (const OperandSchema& operand : operation.operands) {
      EXPECT_TRUE(own.insert(operand.name).second) << operand.name;
      EXPECT_TRUE(operand.need != OperandNeed::kAnyNumber || operation.operands.size() == 1);
      EXPECT_TRUE(operation.computes_in_bf16 || !operand.may_be_bf16) << operand.name;
    }
    EXPECT_TRUE(operation.computes_in_bf16 || !operation.result_may_be_bf16);
    own.clear();
    for (const AttributeSchema& attribute : operation.attributes) {
      EXPECT_TRUE(own.insert(attribute.name).second) << attribute.name;
      EXPECT_EQ(operation.find(attribute.name), &attribute);
      EXPECT_TRUE(attribute.kind != AttributeKind::kText || attribute.absent.kind == Absent::Kind::kRequired);
    }
  }
  EXPECT_EQ(find_operation("madmul"), nullptr);
  EXPECT_EQ(find_operation("matmul")->least_operands(), 2u);
  EXPECT_EQ(find_operation("matmul")->most_operands(), 4u);
  EXPECT_EQ(find_operation("concat")->least_operands(), 1u);
  EXPECT_EQ(find_operation("concat")->most_operands(), kMostOperands);
  EXPECT_EQ(find_operation("concat")->find("axes"), nullptr);
  EXPECT_TRUE(find_operation("matmul")->computes_in_bf16 && find_operation("matmul")->result_may_be_bf16);
  EXPECT_TRUE(find_operation("matmul")->operand(0).may_be_bf16);
  EXPECT_FALSE(find_operation("matmul")->operand(3).may_be_bf16);  // a residual
  EXPECT_FALSE(find_operation("softmax")->computes_in_bf16);
}

}  // namespace
}  // namespace samc
