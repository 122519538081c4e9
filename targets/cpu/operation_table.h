#pragma once
// docs/plan_ops.md as a table: which kernels a plan may name, with how many operands and which attributes. cpu.run's
// verifier reads it.

#include <span>
#include <string_view>
#include <vector>

namespace samc::cpu {

struct OperationEntry {
  std::string_view kernel;
  int least_operands;  // fewer are an error; those beyond may be top.None
  int most_operands;   // -1: any number
  std::vector<std::string_view> integers;
  std::vector<std::string_view> floats;
  std::vector<std::string_view> strings;
};

std::span<const OperationEntry> operation_table();
const OperationEntry* find_operation(std::string_view kernel);

}  // namespace samc::cpu
