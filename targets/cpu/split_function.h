#pragma once
// Cuts a function of a plan into parts that run one after the other, by when its inputs are known: what follows from
// the picture alone need not be computed again for each prompt.

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "package/plan.h"

namespace samc::cpu {

struct FunctionPart {
  std::string name;                 // of the function that it becomes
  std::vector<std::string> inputs;  // of the whole function: those that are known from this part on
};

// The last part is the whole function's place for everything else: inputs that no part names, operations that depend on
// the free sizes, and those that write an output. Every other operation goes to the first part that knows what it
// reads. A value that a later part reads is an output of the part that writes it and an input, of the same name, of
// those that read it. Kernels, their attributes, operands and order stay: so do results, to the bit.
// With early_values, earlier parts hold only what the values of these names follow from, and give these values.
std::vector<PlanFunction> split_function(const PlanFunction& whole, std::span<const FunctionPart> parts,
                                         const std::optional<std::set<std::string>>& early_values = {});

}  // namespace samc::cpu
