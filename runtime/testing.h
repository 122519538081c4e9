#pragma once
// For the runtime's tests: plans written by hand.

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/cpu_precision.h"
#include "kernels/pack.h"
#include "package/model_names.h"
#include "package/plan.h"

namespace samc {

// While it lives, modules in bf16 run on every machine: on one without the instructions, in plain code.
class Bf16Everywhere {
 public:
  Bf16Everywhere() : sets_(!can_compute(Precision::kBf16, choose_isa().value()).is_ok()) {
    if (const char* before = std::getenv("SAMC_ISA"); sets_ && before != nullptr) before_ = before;
    if (sets_) ::setenv("SAMC_ISA", "scalar", 1);
  }
  ~Bf16Everywhere() {
    if (sets_ && before_.empty()) ::unsetenv("SAMC_ISA");
    if (sets_ && !before_.empty()) ::setenv("SAMC_ISA", before_.c_str(), 1);
  }
  Bf16Everywhere(const Bf16Everywhere&) = delete;
  Bf16Everywhere& operator=(const Bf16Everywhere&) = delete;

 private:
  bool sets_;
  std::string before_;
};

// Adds functions to a module. Values are named by the index that input(), weight() and so on return.
class PlanBuilder {
 public:
  PlanModule module;

  PlanBuilder() {
    module.info.name = "by hand";
    module.info.build_id = "test";
  }

  void function(const std::string& name, int64_t least_points = 0, int64_t greatest_points = 0) {
    module.functions.emplace_back();
    current().name = name;
    if (greatest_points > 0) current().sizes = {{kPoints, least_points, greatest_points}};
  }
  int32_t input(const std::string& name, Extents shape, DType dtype = DType::kF32) {
    const int32_t index = add(name, std::move(shape), Place::kInput);
    value(index).dtype = dtype;
    current().inputs.push_back(index);
    return index;
  }
  int32_t output(const std::string& name, Extents shape) {
    const int32_t index = add(name, std::move(shape), Place::kOutput);
    current().outputs.push_back(index);
    return index;
  }
  int32_t arena(Extents shape) {
    return add("value " + std::to_string(current().values.size()), std::move(shape), Place::kArena);
  }
  int32_t alias(int32_t of, Extents shape) {
    const int32_t index = add("alias " + std::to_string(current().values.size()), std::move(shape), Place::kAlias);
    value(index).alias_of = of;
    return index;
  }
  int32_t weight(std::vector<float> numbers, Extents shape) {
    const int32_t index = add("weight " + std::to_string(current().values.size()), std::move(shape), Place::kWeight);
    auto owner = std::make_shared<std::vector<float>>(std::move(numbers));
    value(index).weight = static_cast<int32_t>(module.weights.size());
    module.weights.push_back(
        {value(index).name, DType::kF32, WeightLayout::kPlain, std::as_bytes(std::span<const float>(*owner)), owner});
    return index;
  }
  int32_t weight(const std::vector<float>& numbers) { return weight(numbers, {static_cast<int64_t>(numbers.size())}); }
  int32_t weight(const std::vector<float>& numbers, WeightLayout layout) {
    const int32_t index = weight(numbers);
    module.weights.back().layout = layout;
    return index;
  }
  // numbers is (k, n).
  int32_t packed_weight(const std::vector<float>& numbers, int64_t k, int64_t n,
                        WeightLayout layout = WeightLayout::kPackedKByN) {
    std::vector<float> packed(static_cast<size_t>(packed_floats(k, n)));
    pack_weights(numbers.data(), k, n, WeightOrder::kKByN, packed.data());
    return weight(packed, layout);
  }
  Operation& operation(const std::string& kernel, std::vector<int32_t> operands, int32_t result) {
    Operation added;
    added.kernel = kernel;
    added.name = "operation " + std::to_string(current().operations.size());
    added.operands = std::move(operands);
    added.results = {result};
    return current().operations.emplace_back(std::move(added));
  }
  PlanFunction& current() { return module.functions.back(); }
  Value& value(int32_t index) { return current().values[static_cast<size_t>(index)]; }

 private:
  int32_t add(const std::string& name, Extents shape, Place place) {
    Value added;
    added.name = name;
    added.shape = std::move(shape);
    added.place = place;
    current().values.push_back(std::move(added));
    return static_cast<int32_t>(current().values.size()) - 1;
  }
};

}  // namespace samc
