#pragma once
// Functions of a module that come in parts too, cut by when their inputs are known (package/model_names.h): the parts
// one after the other compute what the whole does, and what an early part gives is kept for many runs of the last.

#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "package/plan.h"
#include "runtime/executor.h"

namespace samc {

// Whether parts, run one after the other, can take the place of the whole. Parts are looked at in their order.
class PartsCheck {
 public:
  explicit PartsCheck(const PlanFunction& whole) : whole_(whole) {}

  // A part whose inputs are these of the whole, or of earlier parts, or outputs of earlier parts. It depends on no free
  // size.
  Status check_early(const PlanFunction& part, std::initializer_list<const char*> now_known);
  // A part that gives the outputs of the whole. Its free sizes are the whole's; with may_take_less their greatest
  // values may be less. Other last parts may be looked at after it.
  Status check_last(const PlanFunction& part, std::initializer_list<const char*> now_known, bool may_take_less = false);

 private:
  using KnownValues = std::map<std::string_view, const Value*>;
  Status check_part(const PlanFunction& part, std::initializer_list<const char*> now_known);
  Status differs(const PlanFunction& part, const std::string& what) const;

  const PlanFunction& whole_;
  KnownValues known_;  // inputs of the whole and outputs of earlier parts
};

bool gives_output(const PlanFunction& function, std::string_view name);

using KeptValues = std::map<std::string, Tensor, std::less<>>;  // by name
int64_t bytes_of(const KeptValues& values);

// The part's inputs: from `given` by name, else what earlier parts gave. PartsCheck has found that they are there.
std::vector<NamedInput> inputs_of(const PlanFunction& part, std::span<const NamedInput> given,
                                  std::initializer_list<const KeptValues*> earlier);
Status run_early(Executor& executor, const PlanFunction& part, std::span<const NamedInput> inputs, KeptValues& results);

}  // namespace samc
