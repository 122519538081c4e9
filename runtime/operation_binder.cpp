#include "runtime/operation_binder.h"

#include <cmath>

#include "package/check.h"
#include "package/sizes.h"

namespace samc {

int64_t product(std::span<const int64_t> extents) {
  constexpr int64_t kGreatest = int64_t{1} << 62;
  bool zero = false;
  int64_t total = 1;
  for (const int64_t extent : extents) {
    if (extent < 0) return -1;
    if (extent == 0) {
      zero = true;
    } else if (total > kGreatest / extent) {
      return -1;
    } else {
      total *= extent;
    }
  }
  return zero ? 0 : total;
}

int64_t product(std::initializer_list<int64_t> extents) {
  return product(std::span<const int64_t>(extents.begin(), extents.size()));
}

void OperationBinder::fail(const std::string& message) {
  status_ = invalid_input(fmt::format("{} {} of {}, {}: {}", operation_.kernel, operation_.name, function_.name,
                                      sizes_to_string(function_, sizes_), message));
}

void OperationBinder::expect_values(size_t least, size_t most, size_t results) {
  require(operands() >= least && operands() <= most, "{} operands", operands());
  require(operation_.results.size() == results, "{} results", operation_.results.size());
  for (const int32_t result : operation_.results)
    require(dtype(result) == DType::kF32, "its result is {}", dtype_name(dtype(result)));
}

Shape OperationBinder::shape(int32_t value) const {
  return value == kAbsent ? Shape{} : function_.values[static_cast<size_t>(value)].shape_at(sizes_);
}

int64_t OperationBinder::count(int32_t value) const {
  return value == kAbsent ? -1 : function_.values[static_cast<size_t>(value)].count(sizes_);
}

DType OperationBinder::dtype(int32_t value) const {
  return value == kAbsent ? DType::kF32 : function_.values[static_cast<size_t>(value)].dtype;
}

void OperationBinder::expect_floats(size_t position, int64_t expected, const char* what) {
  require(has(position), "{} is missing", what);
  expect_optional_floats(position, expected, what);
}

void OperationBinder::expect_optional_floats(size_t position, int64_t expected, const char* what) {
  if (!has(position)) return;
  expect_plain(position, what);
  expect_count(position, expected, what);
}

void OperationBinder::expect_plain(size_t position, const char* what) {
  require(layout(operand(position)).value_or(WeightLayout::kPlain) == WeightLayout::kPlain,
          "{} is a weight that was packed for another operand", what);
}

void OperationBinder::expect_weight(size_t position, WeightLayout wanted, int64_t expected, const char* what) {
  require(has(position), "{} is missing", what);
  if (!has(position)) return;
  require(layout(operand(position)) == wanted, "{} is no weight in the layout that it takes", what);
  expect_count(position, expected, what);
}

std::optional<WeightLayout> OperationBinder::layout(int32_t index) const {
  if (index == kAbsent) return std::nullopt;
  const Value* value = &function_.values[static_cast<size_t>(index)];
  if (value->place == Place::kAlias) value = &function_.values[static_cast<size_t>(value->alias_of)];
  if (value->place != Place::kWeight) return std::nullopt;
  return module_.weights[static_cast<size_t>(value->weight)].layout;
}

void OperationBinder::expect_count(size_t position, int64_t expected, const char* what) {
  require(dtype(operand(position)) == DType::kF32, "{} is {}", what, dtype_name(dtype(operand(position))));
  require(count(operand(position)) == expected, "{} has {} elements, {} expected", what, count(operand(position)),
          expected);
}

void OperationBinder::expect_result_floats(int64_t expected) {
  require(count(result()) == expected, "the result has {} elements, {} expected", count(result()), expected);
}

const IntegerAttribute* OperationBinder::find_integers(const char* name) {
  for (size_t index = 0; index < operation_.integers.size(); ++index) {
    if (operation_.integers[index].name != name || used_[index]) continue;
    used_[index] = true;
    return &operation_.integers[index];
  }
  return nullptr;
}

std::vector<int64_t> OperationBinder::integers(const char* name) {
  const IntegerAttribute* attribute = find_integers(name);
  require(attribute != nullptr, "attribute {} is missing", name);
  std::vector<int64_t> values;
  if (attribute == nullptr) return values;
  for (const Extent& extent : attribute->values) {
    bool in_range = within(extent.base, 2 * kGreatestExtent);
    for (const int64_t step : extent.steps) in_range = in_range && within(step, 2 * kGreatestExtent);
    in_range = in_range && within(extent.at(sizes_), kGreatestExtent);
    require(in_range, "attribute {} is out of range", name);
    values.push_back(in_range ? extent.at(sizes_) : 0);
  }
  return values;
}

int64_t OperationBinder::integer(const char* name, int64_t absent) {
  for (const IntegerAttribute& attribute : operation_.integers)
    if (attribute.name == name) return integer(name);
  return absent;
}

int64_t OperationBinder::integer(const char* name) {
  const std::vector<int64_t> values = integers(name);
  require(values.size() == 1, "attribute {} is not one number", name);
  return good() ? values[0] : 0;
}

int64_t OperationBinder::extent(const char* name) {
  const int64_t value = integer(name);
  require(value >= 0 && value <= kGreatestExtent, "{} = {} is out of range", name, value);
  return good() ? value : 0;
}

int64_t OperationBinder::positive(const char* name) {
  const int64_t value = integer(name);
  require(value >= 1 && value <= kGreatestInner, "{} = {} is out of range", name, value);
  return good() ? value : 1;
}

bool OperationBinder::flag(const char* name) {
  const int64_t value = integer(name, 0);
  require(value == 0 || value == 1, "{} = {} is neither 0 nor 1", name, value);
  return value == 1;
}

float OperationBinder::number(const char* name, float absent) {
  for (const FloatAttribute& attribute : operation_.floats)
    if (attribute.name == name) return number(name);
  return absent;
}

float OperationBinder::number(const char* name) {
  for (size_t index = 0; index < operation_.floats.size(); ++index) {
    if (operation_.floats[index].name != name) continue;
    used_[operation_.integers.size() + index] = true;
    const auto value = static_cast<float>(operation_.floats[index].value);
    require(std::isfinite(value), "{} is not a number", name);
    return value;
  }
  require(false, "attribute {} is missing", name);
  return 0.0f;
}

std::string OperationBinder::text(const char* name) {
  for (size_t index = 0; index < operation_.strings.size(); ++index) {
    if (operation_.strings[index].name != name) continue;
    used_[operation_.integers.size() + operation_.floats.size() + index] = true;
    return operation_.strings[index].value;
  }
  require(false, "attribute {} is missing", name);
  return {};
}

Activation OperationBinder::activation() {
  for (const StringAttribute& attribute : operation_.strings) {
    if (attribute.name != "activation") continue;
    const std::string name = text("activation");
    if (name == "none") return Activation::kNone;
    if (name == "relu") return Activation::kRelu;
    if (name == "gelu") return Activation::kGelu;
    if (name == "sigmoid") return Activation::kSigmoid;
    require(false, "unknown activation {}", name);
  }
  return Activation::kNone;
}

Status OperationBinder::finish() {
  for (size_t index = 0; index < used_.size() && good(); ++index) {
    if (used_[index]) continue;
    const size_t floats = operation_.integers.size();
    const size_t strings = floats + operation_.floats.size();
    const std::string& name = index < floats    ? operation_.integers[index].name
                              : index < strings ? operation_.floats[index - floats].name
                                                : operation_.strings[index - strings].name;
    fail(fmt::format("attribute {} is unknown or there twice", name));
  }
  return status_;
}

Result<BoundOperation> bind_operation(const PlanModule& module, const PlanFunction& function,
                                      const Operation& operation, const Sizes& sizes) {
  for (const auto binders :
       {gemm_binders(), attention_binders(), elementwise_binders(), spatial_binders(), movement_binders()}) {
    for (const KernelBinder& candidate : binders) {
      if (operation.kernel != candidate.kernel) continue;
      if (operation.precision != Precision::kF32)
        return unsupported(fmt::format("{} in {}: kernel {} has no {} implementation", operation.name, function.name,
                                       operation.kernel, precision_name(operation.precision)),
                           "the module was made for another version of samc");
      OperationBinder binder(module, function, operation, sizes);
      BoundOperation bound = candidate.bind(binder);
      SAMC_TRY(binder.finish());
      bound.operation = &operation;
      return bound;
    }
  }
  return unsupported(fmt::format("{} in {}: no kernel {}", operation.name, function.name, operation.kernel),
                     "the module was made for another version of samc");
}

}  // namespace samc
