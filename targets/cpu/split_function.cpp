#include "targets/cpu/split_function.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace samc::cpu {
namespace {

bool is_free(const Extents& extents) {
  return !std::ranges::all_of(extents, [](const Extent& extent) { return extent.is_fixed(); });
}

class Splitter {
 public:
  Splitter(const PlanFunction& whole, std::span<const FunctionPart> parts,
           const std::optional<std::set<std::string>>& early_values)
      : whole_(whole),
        parts_(parts),
        early_values_(early_values),
        last_(parts.size() - 1),
        first_known_(whole.values.size(), 0),
        last_read_(whole.values.size(), 0) {}

  std::vector<PlanFunction> run() {
    for (const int32_t input : whole_.inputs) first_known_[index(input)] = part_of_input(value(input));
    find_what_is_early();
    for (const Operation& operation : whole_.operations) {
      const size_t part = part_of_operation(operation);
      part_of_.push_back(part);
      for (const int32_t operand : operation.operands)
        if (operand != kAbsent) last_read_[storage(operand)] = std::max(last_read_[storage(operand)], part);
      for (const int32_t result : operation.results) first_known_[storage(result)] = part;
    }
    name_crossing_values();
    std::vector<PlanFunction> functions;
    for (size_t part = 0; part < parts_.size(); ++part) functions.push_back(write(part));
    return functions;
  }

 private:
  static size_t index(int32_t value) { return static_cast<size_t>(value); }
  const Value& value(int32_t at) const { return whole_.values[index(at)]; }
  size_t storage(int32_t at) const { return index(value(at).place == Place::kAlias ? value(at).alias_of : at); }

  size_t part_of_input(const Value& input) const {
    for (size_t part = 0; part < last_; ++part) {
      if (std::ranges::find(parts_[part].inputs, input.name) == parts_[part].inputs.end()) continue;
      SAMC_CHECK(!is_free(input.shape), "{} cannot be known before the free sizes", input.name);
      return part;
    }
    return last_;
  }

  size_t part_of_operation(const Operation& operation) const {
    for (const IntegerAttribute& attribute : operation.integers)
      if (is_free(attribute.values)) return last_;
    if (!is_early(operation)) return last_;
    size_t part = 0;
    for (const int32_t result : operation.results)
      if (whole_.values[storage(result)].place == Place::kOutput || is_free(value(result).shape)) return last_;
    for (const int32_t operand : operation.operands)
      if (operand != kAbsent) part = std::max(part, first_known_[storage(operand)]);
    return part;
  }

  bool is_early_value(size_t at) const {
    return early_values_.has_value() && early_values_->contains(whole_.values[at].name);
  }

  // What early values follow from, or everything when there are none.
  void find_what_is_early() {
    may_be_early_.assign(whole_.values.size(), !early_values_.has_value());
    for (size_t at = 0; at < whole_.values.size(); ++at)
      if (is_early_value(at)) may_be_early_[storage(static_cast<int32_t>(at))] = true;
    for (size_t at = whole_.operations.size(); at-- > 0;) {
      const Operation& operation = whole_.operations[at];
      if (!is_early(operation)) continue;
      for (const int32_t operand : operation.operands)
        if (operand != kAbsent) may_be_early_[storage(operand)] = true;
    }
  }
  bool is_early(const Operation& operation) const {
    return std::ranges::any_of(operation.results, [&](int32_t result) { return may_be_early_[storage(result)]; });
  }

  bool crosses(size_t at) const {
    if (whole_.values[at].place != Place::kArena || first_known_[at] == last_) return false;
    return last_read_[at] > first_known_[at] || is_early_value(at);
  }

  // Inputs and outputs are found by name, so no two values that cross may share one.
  void name_crossing_values() {
    std::set<std::string> taken;
    for (const std::vector<int32_t>* border : {&whole_.inputs, &whole_.outputs})
      for (const int32_t at : *border) taken.insert(value(at).name);
    for (size_t at = 0; at < whole_.values.size(); ++at) {
      std::string& name = names_.emplace_back(whole_.values[at].name);
      if (!crosses(at)) continue;
      for (int copy = 2; !taken.insert(name).second; ++copy) name = fmt::format("{}.{}", whole_.values[at].name, copy);
    }
  }

  Place place_in(size_t part, size_t at) const {
    const Place place = whole_.values[at].place;
    if (place != Place::kArena || !crosses(at)) return place;
    return first_known_[at] == part ? Place::kOutput : Place::kInput;
  }

  PlanFunction write(size_t part) const {
    PlanFunction function;
    function.name = parts_[part].name;
    if (part == last_) function.sizes = whole_.sizes;
    std::vector<bool> used(whole_.values.size(), false);
    for (size_t at = 0; at < whole_.operations.size(); ++at) {
      if (part_of_[at] != part) continue;
      function.operations.push_back(whole_.operations[at]);
      for (const auto* list : {&whole_.operations[at].operands, &whole_.operations[at].results})
        for (const int32_t each : *list)
          if (each != kAbsent) used[index(each)] = used[storage(each)] = true;
    }
    // Values keep their order, so an alias still stands behind its storage.
    std::vector<int32_t> moved(whole_.values.size(), kAbsent);
    for (size_t at = 0; at < whole_.values.size(); ++at) {
      if (!used[at]) continue;
      moved[at] = static_cast<int32_t>(function.values.size());
      Value& copy = function.values.emplace_back(whole_.values[at]);
      copy.name = names_[at];
      copy.place = place_in(part, at);
      if (copy.place == Place::kAlias) copy.alias_of = moved[index(copy.alias_of)];
      if (copy.place == Place::kInput) function.inputs.push_back(moved[at]);
      if (copy.place == Place::kOutput && part != last_) function.outputs.push_back(moved[at]);
    }
    if (part == last_)
      for (const int32_t output : whole_.outputs) function.outputs.push_back(moved[index(output)]);
    for (Operation& operation : function.operations)
      for (auto* list : {&operation.operands, &operation.results})
        for (int32_t& each : *list)
          if (each != kAbsent) each = moved[index(each)];
    return function;
  }

  const PlanFunction& whole_;
  std::span<const FunctionPart> parts_;
  const std::optional<std::set<std::string>>& early_values_;
  const size_t last_;
  // By storage, in parts. Weights are known to all.
  std::vector<size_t> first_known_;
  std::vector<size_t> last_read_;
  std::vector<bool> may_be_early_;
  std::vector<size_t> part_of_;  // by operation
  std::vector<std::string> names_;
};

}  // namespace

std::vector<PlanFunction> split_function(const PlanFunction& whole, std::span<const FunctionPart> parts,
                                         const std::optional<std::set<std::string>>& early_values) {
  SAMC_CHECK(!parts.empty(), "{} cut into nothing", whole.name);
  return Splitter(whole, parts, early_values).run();
}

}  // namespace samc::cpu
