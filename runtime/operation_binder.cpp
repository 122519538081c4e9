#include "runtime/operation_binder.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/check.h"
#include "kernels/pack.h"
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

OperationBinder::OperationBinder(const PlanModule& module, const PlanFunction& function, const Operation& operation,
                                 const OperationSchema& schema, const Sizes& sizes)
    : module_(module),
      function_(function),
      operation_(operation),
      schema_(schema),
      sizes_(sizes),
      used_(attribute_count(), false) {
  check_values();
}

void OperationBinder::fail(const std::string& message) {
  status_ = invalid_input(fmt::format("{} {} of {}, {}: {}", operation_.kernel, operation_.name, function_.name,
                                      sizes_to_string(function_, sizes_), message));
}

void OperationBinder::check_values() {
  require(operands() >= schema_.least_operands() && operands() <= schema_.most_operands(), "{} operands", operands());
  require(operation_.results.size() == 1, "{} results", operation_.results.size());
  const bool is_narrow = precision() != Precision::kF32;
  for (const int32_t value : operation_.results)
    require(dtype(value) == DType::kF32 || (dtype(value) == DType::kBF16 && is_narrow && schema_.result_may_be_bf16),
            "its result is {}", dtype_name(dtype(value)));
  for (size_t position = 0; position < operands() && good(); ++position) {
    const OperandSchema& schema = schema_.operand(position);
    require(has(position) || schema.need == OperandNeed::kOptional, "{} is missing", schema.name);
    const DType type = dtype(operand(position));
    if (schema.need == OperandNeed::kPacked && is_narrow) {
      require(type == (precision() == Precision::kBf16 ? DType::kBF16 : DType::kI8),
              "{} is {}, and the operation computes in {}", schema.name, dtype_name(type), precision_name(precision()));
    } else {
      require(type == DType::kF32 || (type == DType::kI64 && schema.need == OperandNeed::kIndices) ||
                  (type == DType::kBF16 && is_narrow && schema.may_be_bf16),
              "{} is {}", schema.name, dtype_name(type));
    }
    require(schema.need == OperandNeed::kPacked ||
                layout(operand(position)).value_or(WeightLayout::kPlain) == WeightLayout::kPlain,
            "{} is a weight that was packed for another operand", schema.name);
  }
}

std::optional<WeightLayout> OperationBinder::layout(int32_t index) const {
  if (index == kAbsent) return std::nullopt;
  const Value* value = &function_.values[static_cast<size_t>(index)];
  if (value->place == Place::kAlias) value = &function_.values[static_cast<size_t>(value->alias_of)];
  if (value->place != Place::kWeight) return std::nullopt;
  return module_.weights[static_cast<size_t>(value->weight)].layout;
}

void OperationBinder::expect_packed(size_t position, WeightLayout wanted, int64_t expected) {
  SAMC_CHECK(schema_.operand(position).need == OperandNeed::kPacked, "package/ops.def does not pack {} of {}",
             schema_.operand(position).name, schema_.name);
  require(layout(operand(position)) == wanted, "{} is no weight in the layout that it takes",
          schema_.operand(position).name);
  expect_count(position, expected);
}

void OperationBinder::expect_panels(size_t position, WeightLayout wanted, int64_t k, int64_t n) {
  require(precision() != Precision::kInt8 || k <= kInt8MostK, "k = {} is too long for sums in int8", k);
  expect_packed(position, wanted, packed_elements(precision(), k, n));
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

void OperationBinder::expect_count(size_t position, int64_t expected) {
  if (!has(position)) return;
  require(count(operand(position)) == expected, "{} has {} elements, {} expected", schema_.operand(position).name,
          count(operand(position)), expected);
}

void OperationBinder::expect_result_count(int64_t expected) {
  require(count(result()) == expected, "the result has {} elements, {} expected", count(result()), expected);
}

const AttributeSchema& OperationBinder::schema_of(const char* name) const {
  const AttributeSchema* attribute = schema_.find(name);
  SAMC_CHECK(attribute != nullptr, "package/ops.def gives {} no attribute {}", schema_.name, name);
  return *attribute;
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

int64_t OperationBinder::integer(const char* name) {
  const AttributeSchema& schema = schema_of(name);
  const int64_t least = schema.kind == AttributeKind::kPositive ? 1 : 0;
  const int64_t most = schema.kind == AttributeKind::kPositive ? kGreatestInner
                       : schema.kind == AttributeKind::kFlag   ? 1
                                                               : kGreatestExtent;
  const bool is_there = std::any_of(operation_.integers.begin(), operation_.integers.end(),
                                    [&](const IntegerAttribute& attribute) { return attribute.name == name; });
  if (!is_there && schema.absent.kind == Absent::Kind::kValue) return static_cast<int64_t>(schema.absent.value);
  const std::vector<int64_t> values = integers(name);
  require(values.size() == 1, "attribute {} is not one number", name);
  if (!good()) return least;
  require(values[0] >= least && values[0] <= most, "{} = {} is out of range", name, values[0]);
  return good() ? values[0] : least;
}

bool OperationBinder::flag(const char* name) { return integer(name) == 1; }

float OperationBinder::number(const char* name) {
  for (size_t index = 0; index < operation_.floats.size(); ++index) {
    if (operation_.floats[index].name != name) continue;
    used_[operation_.integers.size() + index] = true;
    const auto value = static_cast<float>(operation_.floats[index].value);
    require(std::isfinite(value), "{} is not a number", name);
    return value;
  }
  const Absent& absent = schema_of(name).absent;
  if (absent.kind == Absent::Kind::kValue) return static_cast<float>(absent.value);
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
  static constexpr BoundOperation (*kBinders[])(OperationBinder&) = {
  // in the order of operations()
#define SAMC_OPERATION(name, meaning) bind_##name,
#include "package/ops.def"
  };
  const OperationSchema* schema = find_operation(operation.kernel);
  if (schema == nullptr)
    return unsupported(fmt::format("{} in {}: no kernel {}", operation.name, function.name, operation.kernel),
                       "the module was made for another version of samc");
  if (!schema->computes_in(operation.precision))
    return unsupported(fmt::format("{} in {}: kernel {} has no {} implementation", operation.name, function.name,
                                   operation.kernel, precision_name(operation.precision)),
                       "the module was made for another version of samc");
  OperationBinder binder(module, function, operation, *schema, sizes);
  BoundOperation bound = kBinders[schema - operations().data()](binder);
  SAMC_TRY(binder.finish());
  bound.operation = &operation;
  std::set<int32_t> values(operation.operands.begin(), operation.operands.end());
  values.insert(operation.results.begin(), operation.results.end());
  values.erase(kAbsent);
  for (const int32_t value : values)
    bound.bytes += static_cast<double>(function.values[static_cast<size_t>(value)].bytes(sizes));
  return bound;
}

}  // namespace samc
