#pragma once
// The operations of a plan as a table, made from ops.def: names, operands and attributes, which targets/cpu holds what
// it writes against and runtime/ what it reads.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/precision.h"

namespace samc {

enum class OperandNeed : uint8_t {
  kRequired,
  kOptional,   // kAbsent, or left out at the end
  kIndices,    // required; i64 or f32, where others are f32 (or bf16, see may_be_bf16)
  kPacked,     // required: a weight in the layout of this operand, of what the operation computes in. Every other
               // weight lies as its shape says
  kAnyNumber,  // one at least; an operation's only operand
};
struct OperandSchema {
  const char* name;
  OperandNeed need;
  bool may_hold_result;  // each element of the result depends on only the same element of it
  bool may_be_bf16;      // where the operation computes in bf16 or int8
};

enum class AttributeKind : uint8_t {
  kPositive,    // an integer from 1 to kGreatestInner
  kExtent,      // an integer from 0 to kGreatestExtent
  kFlag,        // 0 or 1
  kIntegers,    // a list
  kNumber,      // a finite real number
  kText,        // a name, of those in the note
  kActivation,  // none (also when absent), relu, gelu, sigmoid
};
// What an attribute that is not there counts as.
struct Absent {
  enum class Kind : uint8_t { kRequired, kConditional, kValue };
  Kind kind = Kind::kValue;
  double value = 0;
  constexpr Absent(double number) : value(number) {}
  constexpr Absent(Kind without_value) : kind(without_value) {}
};
struct AttributeSchema {
  const char* name;
  AttributeKind kind;
  Absent absent;
};

struct OperationSchema {
  const char* name;
  std::span<const OperandSchema> operands;  // in order
  std::span<const AttributeSchema> attributes;
  bool computes_in_bf16 = false;  // has an implementation that does
  bool computes_in_int8 = false;
  bool result_may_be_bf16 = false;  // of those

  bool computes_in(Precision precision) const {
    return precision == Precision::kF32 || (precision == Precision::kBf16 ? computes_in_bf16 : computes_in_int8);
  }
  size_t least_operands() const;  // those up to the last one that must be there
  size_t most_operands() const;
  const OperandSchema& operand(size_t position) const;  // below most_operands()
  const AttributeSchema* find(std::string_view attribute) const;
};

// Largest inner extent that any kernel is asked to handle: what scratch memory grows with.
constexpr int64_t kGreatestInner = int64_t{1} << 17;
constexpr size_t kMostOperands = 1024;  // where any number is allowed

std::span<const OperationSchema> operations();
const OperationSchema* find_operation(std::string_view name);

}  // namespace samc
