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
#include "package/plan.h"

namespace samc {

// Where each value of a function lies during one run, by value index.
class ValueAddresses {
 public:
  explicit ValueAddresses(size_t count) : addresses_(count, nullptr) {}
  void set(int32_t value, const void* address) { addresses_[static_cast<size_t>(value)] = const_cast<void*>(address); }
  // nullptr for kAbsent.
  const float* read(int32_t value) const { return static_cast<const float*>(bytes(value)); }
  float* write(int32_t value) const { return static_cast<float*>(bytes(value)); }
  void* bytes(int32_t value) const { return value == kAbsent ? nullptr : addresses_[static_cast<size_t>(value)]; }

 private:
  std::vector<void*> addresses_;
};

struct BoundOperation {
  const Operation* operation = nullptr;
  std::function<Status(const ValueAddresses&, KernelContext&)> run;
  double arithmetic = 0;  // multiplications and additions, for the timing table
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
          arithmetic};
}

// What a binder reads an operation through. The first thing that is wrong is kept, later ones are ignored, and what is
// read after it is 0 or empty: a binder checks `good()` before it divides or loops by what it read.
class OperationBinder {
 public:
  OperationBinder(const PlanModule& module, const PlanFunction& function, const Operation& operation,
                  const Sizes& sizes)
      : module_(module), function_(function), operation_(operation), sizes_(sizes), used_(attribute_count(), false) {}

  // Largest inner extent that any kernel is asked to handle: what scratch memory grows with.
  static constexpr int64_t kGreatestInner = int64_t{1} << 17;

  // Operands and results: `least` to `most` operands, `results` results.
  void expect_values(size_t least, size_t most, size_t results = 1);
  size_t operands() const { return operation_.operands.size(); }
  int32_t operand(size_t position) const {
    return position < operation_.operands.size() ? operation_.operands[position] : kAbsent;
  }
  bool has(size_t position) const { return operand(position) != kAbsent; }
  int32_t result() const { return operation_.results.empty() ? kAbsent : operation_.results[0]; }
  Shape shape(int32_t value) const;
  int64_t count(int32_t value) const;
  DType dtype(int32_t value) const;
  // The operand must be there, or may be absent, and must hold `count` floats.
  void expect_floats(size_t position, int64_t count, const char* what);
  void expect_optional_floats(size_t position, int64_t count, const char* what);
  // The operand must be a weight of this layout. Of every other operand expect_plain(), which those above call.
  void expect_weight(size_t position, WeightLayout layout, int64_t count, const char* what);
  // A weight must lie as its shape says.
  void expect_plain(size_t position, const char* what);
  void expect_result_floats(int64_t count);

  int64_t integer(const char* name);  // must be there
  int64_t integer(const char* name, int64_t absent);
  int64_t extent(const char* name);                 // an integer of at least 0 and at most kGreatestExtent
  int64_t positive(const char* name);               // an integer of at least 1 and at most kGreatestInner
  bool flag(const char* name);                      // 0 or 1, absent is 0
  std::vector<int64_t> integers(const char* name);  // must be there
  float number(const char* name);                   // must be there, and finite
  float number(const char* name, float absent);
  std::string text(const char* name);  // must be there
  Activation activation();             // "activation", absent is none

  template <class... Args>
  void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
    if (!condition && status_.is_ok()) fail(fmt::format(format, std::forward<Args>(args)...));
  }
  bool good() const { return status_.is_ok(); }
  // All is well, and no attribute was left unread (it would mean something that this runtime does not do).
  Status finish();

 private:
  void fail(const std::string& message);
  size_t attribute_count() const {
    return operation_.integers.size() + operation_.floats.size() + operation_.strings.size();
  }
  const IntegerAttribute* find_integers(const char* name);
  // Of a weight; nothing for any other value.
  std::optional<WeightLayout> layout(int32_t value) const;
  void expect_count(size_t position, int64_t count, const char* what);

  const PlanModule& module_;
  const PlanFunction& function_;
  const Operation& operation_;
  Sizes sizes_;
  std::vector<bool> used_;
  Status status_;
};

// The product of extents that are at least 0; -1 where one is negative or the product passes 2^62.
int64_t product(std::initializer_list<int64_t> extents);
int64_t product(std::span<const int64_t> extents);

using Bind = BoundOperation (*)(OperationBinder&);
struct KernelBinder {
  const char* kernel;
  Bind bind;
};
// Each family's kernels: bind_gemm.cpp and so on.
std::span<const KernelBinder> gemm_binders();
std::span<const KernelBinder> attention_binders();
std::span<const KernelBinder> elementwise_binders();
std::span<const KernelBinder> spatial_binders();
std::span<const KernelBinder> movement_binders();

// Finds the binder of operation.kernel and lets it check and bind.
Result<BoundOperation> bind_operation(const PlanModule& module, const PlanFunction& function,
                                      const Operation& operation, const Sizes& sizes);

}  // namespace samc
