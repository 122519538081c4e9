#include "runtime/function_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace samc {
namespace {

const Value& value_of(const PlanFunction& function, int32_t index) {
  return function.values[static_cast<size_t>(index)];
}

bool is_same(const Value& a, const Value& b) { return a.dtype == b.dtype && a.shape == b.shape; }

}  // namespace

Status PartsCheck::differs(const PlanFunction& part, const std::string& what) const {
  return invalid_input(fmt::format("{} does not fit {}: {}", part.name, whole_.name, what), "compile the model again");
}

Status PartsCheck::check_early(const PlanFunction& part, std::initializer_list<const char*> now_known) {
  if (!part.sizes.empty())
    return invalid_input(fmt::format("{} depends on the number of {}", part.name, part.sizes[0].name));
  return check_part(part, now_known);
}

Status PartsCheck::check_last(const PlanFunction& part, std::initializer_list<const char*> now_known,
                              bool may_take_less) {
  std::vector<FreeSize> sizes = part.sizes;
  for (size_t i = 0; may_take_less && i < std::min(sizes.size(), whole_.sizes.size()); ++i)
    if (sizes[i].greatest <= whole_.sizes[i].greatest) sizes[i].greatest = whole_.sizes[i].greatest;
  if (sizes != whole_.sizes)
    return differs(part, fmt::format("the range of {}", part.sizes.empty() ? "its sizes" : part.sizes[0].name));
  const KnownValues known = known_;
  SAMC_TRY(check_part(part, now_known));
  known_ = known;
  for (const int32_t index : whole_.outputs) {
    const Value& wanted = value_of(whole_, index);
    const bool is_result = std::ranges::any_of(part.outputs, [&](int32_t output) {
      return value_of(part, output).name == wanted.name && is_same(value_of(part, output), wanted);
    });
    if (!is_result) return differs(part, wanted.name);
  }
  return Status::ok();
}

Status PartsCheck::check_part(const PlanFunction& part, std::initializer_list<const char*> now_known) {
  for (const char* name : now_known)
    for (const int32_t index : whole_.inputs)
      if (value_of(whole_, index).name == name) known_[name] = &value_of(whole_, index);
  for (const int32_t index : part.inputs) {
    const Value& input = value_of(part, index);
    const auto found = known_.find(input.name);
    if (found == known_.end() || !is_same(*found->second, input)) return differs(part, input.name);
  }
  for (const int32_t index : part.outputs) {
    const Value& output = value_of(part, index);
    for (const int32_t input : whole_.inputs)
      if (value_of(whole_, input).name == output.name) return differs(part, output.name);
    if (!known_.emplace(output.name, &output).second) return differs(part, output.name);
  }
  return Status::ok();
}

bool gives_output(const PlanFunction& function, std::string_view name) {
  return std::ranges::any_of(function.outputs, [&](int32_t index) { return value_of(function, index).name == name; });
}

int64_t bytes_of(const KeptValues& values) {
  int64_t total = 0;
  for (const auto& [name, tensor] : values) total += tensor.bytes();
  return total;
}

std::vector<NamedInput> inputs_of(const PlanFunction& part, std::span<const NamedInput> given,
                                  std::initializer_list<const KeptValues*> earlier) {
  std::vector<NamedInput> inputs;
  for (const int32_t index : part.inputs) {
    const std::string& name = value_of(part, index).name;
    if (const auto known = std::ranges::find(given, name, &NamedInput::name); known != given.end())
      inputs.push_back(*known);
    for (const KeptValues* values : earlier)
      if (const auto found = values->find(name); found != values->end()) inputs.push_back({name, found->second.view()});
  }
  return inputs;
}

Status run_early(Executor& executor, const PlanFunction& part, std::span<const NamedInput> inputs,
                 KeptValues& results) {
  std::vector<NamedOutput> outputs;
  for (const int32_t index : part.outputs) {
    const std::string& name = value_of(part, index).name;
    outputs.push_back({name, &results[name]});
  }
  return executor.run(part.name, {}, inputs, outputs);
}

}  // namespace samc
