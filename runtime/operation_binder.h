#pragma once
// Binding: one operation of a plan, at chosen sizes, becomes a call of one kernel. Everything that the kernel
// relies on is checked here, because the plan comes from a file that may be hostile: after a bind succeeds, running it
// with memory of the declared sizes reads and writes nothing else.

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/status.h"
#include "kernels/activation.h"
#include "kernels/context.h"
#include "package/operations.h"
#include "package/plan.h"

namespace samc {

// Where each value of a function lies during one run, by value index.
class ValueAddresses {
 public:
  explicit ValueAddresses(size_t count) : addresses_(count, nullptr) {}
  void set(int32_t value, const void* address) { addresses_[static_cast<size_t>(value)] = const_cast<void*>(address); }
  // nullptr for kAbsent.
  template <class T = float>
  const T* read(int32_t value) const {
    return static_cast<const T*>(bytes(value));
  }
  template <class T = float>
  T* write(int32_t value) const {
    return static_cast<T*>(bytes(value));
  }
  void* bytes(int32_t value) const { return value == kAbsent ? nullptr : addresses_[static_cast<size_t>(value)]; }

 private:
  std::vector<void*> addresses_;
};

// An operation that takes the rows of several runs at once: they are brought together in memory.
struct TogetherOperation {
  int64_t bytes = 0;  // of memory for each run
  std::function<void(std::span<const ValueAddresses* const> runs, std::byte* memory, KernelContext&)> run;
};

struct BoundOperation {
  const Operation* operation = nullptr;
  std::function<Status(const ValueAddresses&, KernelContext&)> run;
  double arithmetic = 0;            // multiplications and additions, for the timing table
  double bytes = 0;                 // of its operands and results, each once
  TogetherOperation together = {};  // may be empty: the runs then come one after the other
};

// body(const ValueAddresses&, KernelContext&) calls the kernel; it returns a Status if the kernel does.
template <class Body>
BoundOperation bound(double arithmetic, Body body) {
  return {nullptr,
          [body](const ValueAddresses& at, KernelContext& context) -> Status {
            if constexpr (std::is_void_v<decltype(body(at, context))>) {
              body(at, context);
              return Status::ok();
            } else {
              return body(at, context);
            }
          },
          arithmetic,
          0,
          {}};
}

// What a binder reads an operation through, by the operation's schema (package/ops.def): how many operands and results,
// of which type, and which attributes in which range is checked here. The first thing that is wrong is kept, later ones
// are ignored, and what is read after it is the least in range or empty: a binder checks `good()` before it divides or
// loops by what it read.
class OperationBinder {
 public:
  OperationBinder(const PlanModule& module, const PlanFunction& function, const Operation& operation,
                  const OperationSchema& schema, const Sizes& sizes);

  size_t operands() const { return operation_.operands.size(); }
  int32_t operand(size_t position) const {
    return position < operation_.operands.size() ? operation_.operands[position] : kAbsent;
  }
  bool has(size_t position) const { return operand(position) != kAbsent; }
  bool is_weight(size_t position) const { return layout(operand(position)).has_value(); }
  int32_t result() const { return operation_.results.empty() ? kAbsent : operation_.results[0]; }
  Shape shape(int32_t value) const;
  int64_t count(int32_t value) const;
  DType dtype(int32_t value) const;  // f32 for kAbsent
  // What the operation computes in. An operand that the schema lets be bf16 is either that or f32: such a one is read
  // by ValueAddresses::bytes() and its dtype.
  Precision precision() const { return operation_.precision; }
  // The operand, where it is there, must hold so many elements.
  void expect_count(size_t position, int64_t count);
  void expect_result_count(int64_t count);
  // Of an operand that is kPacked: must lie so, and hold so many elements.
  void expect_packed(size_t position, WeightLayout layout, int64_t count);
  // The same of k rows and n columns in the panels of kernels/pack.h for what the operation computes in.
  void expect_panels(size_t position, WeightLayout layout, int64_t k, int64_t n);

  // Attributes. The schema says what one is that is not there, if it need not be.
  int64_t integer(const char* name);  // kPositive, kExtent
  bool flag(const char* name);
  std::vector<int64_t> integers(const char* name);
  float number(const char* name);
  std::string text(const char* name);
  Activation activation();

  template <class... Args>
  void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
    if (!condition && status_.is_ok()) fail(fmt::format(format, std::forward<Args>(args)...));
  }
  bool good() const { return status_.is_ok(); }
  // All is well, and no attribute was left unread (it would mean something that this runtime does not do).
  Status finish();

 private:
  void fail(const std::string& message);
  void check_values();
  // Of a weight; nothing for any other value.
  std::optional<WeightLayout> layout(int32_t value) const;
  const AttributeSchema& schema_of(const char* name) const;
  const IntegerAttribute* find_integers(const char* name);
  size_t attribute_count() const {
    return operation_.integers.size() + operation_.floats.size() + operation_.strings.size();
  }

  const PlanModule& module_;
  const PlanFunction& function_;
  const Operation& operation_;
  const OperationSchema& schema_;
  Sizes sizes_;
  std::vector<bool> used_;
  Status status_;
};

// The product of extents that are at least 0; -1 where one is negative or the product passes 2^62.
int64_t product(std::initializer_list<int64_t> extents);
int64_t product(std::span<const int64_t> extents);

// Each operation's binder, in the bind_*.cpp of its family.
#define SAMC_OPERATION(name, meaning) BoundOperation bind_##name(OperationBinder& in);
#include "package/ops.def"

// Finds the binder of operation.kernel and lets it check and bind.
Result<BoundOperation> bind_operation(const PlanModule& module, const PlanFunction& function,
                                      const Operation& operation, const Sizes& sizes);

}  // namespace samc
