#include "package/operations.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace samc {
namespace {

// ops.def is a list of lines: all operations, all operands and all attributes of it, and what each line is, by which
// the table below gives every operation its own.
constexpr const char* kNames[] = {
#define SAMC_OPERATION(name, meaning) #name,
#include "package/ops.def"
};
constexpr OperandSchema kOperands[] = {
#define SAMC_OPERAND(name, need, shape) {#name, OperandNeed::need, false, false},
#define SAMC_OPERAND_IN_PLACE(name, need, shape) {#name, OperandNeed::need, true, false},
#define SAMC_OPERAND_OR_BF16(name, need, shape) {#name, OperandNeed::need, false, true},
#include "package/ops.def"
};
constexpr Absent::Kind kRequired = Absent::Kind::kRequired;
constexpr Absent::Kind kConditional = Absent::Kind::kConditional;
constexpr AttributeSchema kAttributes[] = {
#define SAMC_ATTRIBUTE(name, kind, absent, note) {#name, AttributeKind::kind, absent},
#include "package/ops.def"
};
enum class Line : uint8_t { kOperation, kInBf16, kInInt8, kOperand, kResultOrBf16, kAttribute };
constexpr Line kLines[] = {
#define SAMC_OPERATION(name, meaning) Line::kOperation,
#define SAMC_RUNS_BF16(kernel) Line::kInBf16,
#define SAMC_PLAIN_BF16() Line::kInBf16,
#define SAMC_RUNS_INT8(kernel) Line::kInInt8,
#define SAMC_OPERAND(name, need, shape) Line::kOperand,
#define SAMC_OPERAND_IN_PLACE(name, need, shape) Line::kOperand,
#define SAMC_OPERAND_OR_BF16(name, need, shape) Line::kOperand,
#define SAMC_RESULT_OR_BF16(name, shape) Line::kResultOrBf16,
#define SAMC_ATTRIBUTE(name, kind, absent, note) Line::kAttribute,
#include "package/ops.def"
};

constexpr auto kTable = [] {
  std::array<OperationSchema, std::size(kNames)> table{};
  size_t operation = 0, operand = 0, attribute = 0;
  for (const Line line : kLines) {
    if (line == Line::kOperation) {
      table[operation].name = kNames[operation];
      table[operation].operands = {kOperands + operand, size_t{0}};
      table[operation].attributes = {kAttributes + attribute, size_t{0}};
      ++operation;
      continue;
    }
    OperationSchema& last = table[operation - 1];
    switch (line) {
      case Line::kOperation:
        break;
      case Line::kInBf16:
        last.computes_in_bf16 = true;
        break;
      case Line::kInInt8:
        last.computes_in_int8 = true;
        break;
      case Line::kOperand:
        last.operands = {last.operands.data(), last.operands.size() + 1};
        ++operand;
        break;
      case Line::kResultOrBf16:
        last.result_may_be_bf16 = true;
        break;
      case Line::kAttribute:
        last.attributes = {last.attributes.data(), last.attributes.size() + 1};
        ++attribute;
        break;
    }
  }
  return table;
}();

}  // namespace

size_t OperationSchema::least_operands() const {
  size_t least = operands.size();
  while (least > 0 && operands[least - 1].need == OperandNeed::kOptional) --least;
  return least;
}

size_t OperationSchema::most_operands() const {
  return operands.back().need == OperandNeed::kAnyNumber ? kMostOperands : operands.size();
}

const OperandSchema& OperationSchema::operand(size_t position) const {
  return operands[std::min(position, operands.size() - 1)];
}

const AttributeSchema* OperationSchema::find(std::string_view attribute) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const AttributeSchema& candidate) { return attribute == candidate.name; });
  return found == attributes.end() ? nullptr : &*found;
}

std::span<const OperationSchema> operations() { return kTable; }

const OperationSchema* find_operation(std::string_view name) {
  const auto found = std::find_if(kTable.begin(), kTable.end(),
                                  [&](const OperationSchema& candidate) { return name == candidate.name; });
  return found == kTable.end() ? nullptr : &*found;
}

}  // namespace samc
