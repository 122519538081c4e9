#include "targets/cpu/write_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "kernels/pack.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/xxhash.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

Tensor pack(const TensorView& source, const std::string& layout) {
  const float* data = source.f32().data();
  const Shape& shape = source.shape;
  if (layout == "kn" || layout == "nk") {
    // A 1x1 convolution's (n, k, 1, 1) is (n, k).
    const bool columns_first = layout == "nk";
    const int64_t k = columns_first ? shape[1] : shape[0], n = columns_first ? shape[0] : shape[1];
    Tensor packed({packed_floats(k, n)});
    pack_weights(data, k, n, columns_first ? WeightOrder::kNByK : WeightOrder::kKByN, packed.f32().data());
    return packed;
  }
  if (layout == "o_ihw" || layout == "o_hwi") {
    Tensor packed({packed_floats(shape[1] * shape[2] * shape[3], shape[0])});
    pack_conv_weights(data, shape[0], shape[1], shape[2], shape[3], layout == "o_ihw", packed.f32().data());
    return packed;
  }
  if (layout == "chw_to_hwc") {
    const int64_t channels = shape[0], area = shape[2] * shape[3];
    Tensor packed({area * channels});
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < area; ++i) packed.f32()[static_cast<size_t>(i * channels + c)] = data[c * area + i];
    return packed;
  }
  SAMC_CHECK(layout == "oihw_to_i_hwo", "unknown weight layout {}", layout);
  // top.Deconv has (cout, cin, 2, 2); the packer wants PyTorch's (cin, cout, 2, 2).
  const int64_t out_c = shape[0], in_c = shape[1];
  Tensor exchanged({in_c, out_c, 2, 2});
  for (int64_t o = 0; o < out_c; ++o)
    for (int64_t i = 0; i < in_c; ++i)
      for (int64_t t = 0; t < 4; ++t)
        exchanged.f32()[static_cast<size_t>((i * out_c + o) * 4 + t)] = data[(o * in_c + i) * 4 + t];
  Tensor packed({packed_floats(in_c, 4 * out_c)});
  pack_deconv2x2_weights(exchanged.f32().data(), in_c, out_c, packed.f32().data());
  return packed;
}

class FunctionWriter {
 public:
  FunctionWriter(mlir::func::FuncOp function, WeightTable& weights) : function_(function), weights_(weights) {}

  Result<PlanFunction> write() {
    plan_.name = function_.getName().str();
    mlir::func::ReturnOp terminator;
    for (mlir::Operation& op : function_.getBody().front()) {
      if (auto found = mlir::dyn_cast<mlir::func::ReturnOp>(op)) {
        terminator = found;
        continue;
      }
      SAMC_TRY(write_operation(&op));
    }
    SAMC_CHECK(terminator, "function {} does not return", plan_.name);
    for (unsigned i = 0; i < terminator.getNumOperands(); ++i) {
      const auto name = function_.getResultAttrOfType<mlir::StringAttr>(i, "top.name");
      SAMC_CHECK(name, "output {} of {} has no name", i, plan_.name);
      write_output(terminator.getOperand(i), name.str());
    }
    return std::move(plan_);
  }

 private:
  int32_t add(Value value, mlir::Value key) {
    plan_.values.push_back(std::move(value));
    const int32_t index = static_cast<int32_t>(plan_.values.size() - 1);
    if (key) indices_[key] = index;
    return index;
  }
  static Extents extents(mlir::Value value) {
    const Shape shape = shape_of(value);
    return {shape.begin(), shape.end()};
  }

  Status write_operation(mlir::Operation* op) {
    const llvm::StringRef name = op->getName().getStringRef();
    if (name == "top.None" || name == "top.Weight") return Status::ok();  // written where they are used
    if (name == "top.Input") {
      const mlir::Value input = op->getResult(0);
      plan_.inputs.push_back(
          add({name_of(input), DType::kF32, extents(input), Place::kInput, kAbsent, kAbsent}, input));
      return Status::ok();
    }
    if (name == "top.Reshape" || name == "top.Squeeze" || name == "top.Unsqueeze") {
      const mlir::Value result = op->getResult(0);
      int32_t target = operand_index(op->getOperand(0), "");
      const Value& source = plan_.values[static_cast<size_t>(target)];
      if (source.place == Place::kAlias) target = source.alias_of;
      add({name_of(result), DType::kF32, extents(result), Place::kAlias, target, kAbsent}, result);
      return Status::ok();
    }
    auto run = mlir::dyn_cast<RunOp>(op);
    if (!run) return unsupported(fmt::format("{} has reached the plan unbound", name.str()));
    Operation operation;
    operation.kernel = run.getKernel().str();
    operation.name = name_of(run.getResult());
    std::string layout;
    for (const mlir::NamedAttribute& attribute : run.getConfig()) {
      const std::string key = attribute.getName().str();
      if (key == "weight_layout")
        layout = mlir::cast<mlir::StringAttr>(attribute.getValue()).str();
      else
        set_attribute(operation, key, attribute.getValue());
    }
    for (unsigned i = 0; i < run.getArguments().size(); ++i) {
      const mlir::Value argument = run.getArguments()[i];
      operation.operands.push_back(is_none(argument) ? kAbsent : operand_index(argument, i == 1 ? layout : ""));
    }
    const mlir::Value result = run.getResult();
    operation.results.push_back(
        add({name_of(result), DType::kF32, extents(result), Place::kArena, kAbsent, kAbsent}, result));
    plan_.operations.push_back(std::move(operation));
    return Status::ok();
  }

  static void set_attribute(Operation& operation, const std::string& key, mlir::Attribute value) {
    if (const auto integer = mlir::dyn_cast<mlir::IntegerAttr>(value)) {
      operation.set(key, Extent(integer.getInt()));
    } else if (const auto number = mlir::dyn_cast<mlir::FloatAttr>(value)) {
      operation.set_float(key, number.getValueAsDouble());
    } else if (const auto text = mlir::dyn_cast<mlir::StringAttr>(value)) {
      operation.set_string(key, text.str());
    } else {
      Extents list;
      for (const mlir::Attribute element : mlir::cast<mlir::ArrayAttr>(value))
        list.emplace_back(mlir::cast<mlir::IntegerAttr>(element).getInt());
      operation.set(key, std::move(list));
    }
  }

  int32_t operand_index(mlir::Value value, const std::string& layout) {
    if (!is_weight(value)) {
      const auto found = indices_.find(value);
      SAMC_CHECK(found != indices_.end(), "an operand of {} is not in the plan", plan_.name);
      return found->second;
    }
    const std::string key = fmt::format("{} {} {}", name_of(value), shape_to_string(shape_of(value)), layout);
    if (const auto found = weight_values_.find(key); found != weight_values_.end()) return found->second;
    const int32_t weight = weights_.index(name_of(value), shape_of(value), layout);
    Extents shape = layout.empty() ? extents(value) : Extents{weights_.count(weight)};
    const int32_t index = add({name_of(value), DType::kF32, std::move(shape), Place::kWeight, kAbsent, weight}, {});
    weight_values_[key] = index;
    return index;
  }

  // An output is what an operation writes, under its own shape or as a view; anything else is copied there.
  void write_output(mlir::Value value, const std::string& name) {
    if (!is_weight(value)) {
      const int32_t index = indices_.find(value)->second;
      Value& known = plan_.values[static_cast<size_t>(index)];
      if (known.place == Place::kArena) {
        known.place = Place::kOutput;
        known.name = name;
        plan_.outputs.push_back(index);
        return;
      }
      if (known.place == Place::kAlias && plan_.values[static_cast<size_t>(known.alias_of)].place == Place::kArena) {
        write_through_view(known.alias_of, name, extents(value));
        return;
      }
    }
    Operation copy;
    copy.kernel = "permute";
    copy.name = name;
    copy.operands = {operand_index(value, "")};
    Extents order;
    for (size_t i = 0; i < shape_of(value).size(); ++i) order.emplace_back(static_cast<int64_t>(i));
    copy.set("order", std::move(order));
    const int32_t index = add({name, DType::kF32, extents(value), Place::kOutput, kAbsent, kAbsent}, {});
    copy.results = {index};
    plan_.operations.push_back(std::move(copy));
    plan_.outputs.push_back(index);
  }

  // Makes an arena value the output, of the output's shape; its operations see it under the shape that it had.
  void write_through_view(int32_t storage, const std::string& name, Extents shape) {
    Value view = plan_.values[static_cast<size_t>(storage)];
    view.place = Place::kAlias;
    view.alias_of = storage;
    const int32_t seen = add(std::move(view), {});
    for (Operation& operation : plan_.operations)
      for (auto* list : {&operation.operands, &operation.results}) std::ranges::replace(*list, storage, seen);
    for (auto& [value, index] : indices_)
      if (index == storage) index = seen;
    Value& output = plan_.values[static_cast<size_t>(storage)];
    output.name = name;
    output.place = Place::kOutput;
    output.shape = std::move(shape);
    plan_.outputs.push_back(storage);
  }

  mlir::func::FuncOp function_;
  WeightTable& weights_;
  PlanFunction plan_;
  llvm::DenseMap<mlir::Value, int32_t> indices_;
  std::map<std::string, int32_t> weight_values_;
};

// The affine function through the first two points, if the others lie on it.
bool fit(const std::vector<std::pair<int64_t, int64_t>>& points, Extent& extent) {
  const int64_t distance = points[1].first - points[0].first, rise = points[1].second - points[0].second;
  if (rise % distance != 0) return false;
  extent.step = rise / distance;
  extent.base = points[0].second - extent.step * points[0].first;
  for (const auto& [count, value] : points)
    if (extent.at(count) != value) return false;
  return true;
}

// Everything but the integers' values, which may depend on the number of points.
bool same_constants(const Operation& a, const Operation& b) {
  return std::ranges::equal(a.integers, b.integers, {}, &IntegerAttribute::name, &IntegerAttribute::name) &&
         std::ranges::equal(a.floats, b.floats,
                            [](const auto& x, const auto& y) { return x.name == y.name && x.value == y.value; }) &&
         std::ranges::equal(a.strings, b.strings,
                            [](const auto& x, const auto& y) { return x.name == y.name && x.value == y.value; });
}

}  // namespace

int32_t WeightTable::index(const std::string& name, const Shape& shape, const std::string& layout) {
  const auto [entry, is_new] = known_.try_emplace({name, shape, layout}, static_cast<int32_t>(weights_.size()));
  if (!is_new) return entry->second;
  const TensorView view = store_.view(name).with_shape(shape);
  WeightData weight;
  weight.name = layout.empty() ? name : name + "/" + layout;
  if (layout.empty()) {
    weight.bytes = {static_cast<const std::byte*>(view.data), static_cast<size_t>(view.bytes())};
  } else {
    auto packed = std::make_shared<Tensor>(pack(view, layout));
    weight.bytes = {static_cast<const std::byte*>(packed->data()), static_cast<size_t>(packed->bytes())};
    weight.owner = packed;
  }
  // Passes make weights for each function and witness anew; equal bytes are kept once.
  const uint64_t hash = llvm::xxh3_64bits(
      llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t*>(weight.bytes.data()), weight.bytes.size()));
  for (auto [at, end] = by_hash_.equal_range(hash); at != end; ++at) {
    const std::span<const std::byte> known = weights_[static_cast<size_t>(at->second)].bytes;
    if (known.size() != weight.bytes.size() || std::memcmp(known.data(), weight.bytes.data(), known.size()) != 0)
      continue;
    entry->second = at->second;
    return entry->second;
  }
  by_hash_.emplace(hash, entry->second);
  weights_.push_back(std::move(weight));
  return entry->second;
}

Result<PlanFunction> write_function(mlir::func::FuncOp function, WeightTable& weights) {
  return FunctionWriter(function, weights).write();
}

Result<PlanFunction> merge_witnesses(const std::vector<std::pair<int64_t, PlanFunction>>& witnesses,
                                     const std::string& name, int64_t least_points, int64_t greatest_points) {
  SAMC_CHECK(witnesses.size() >= 3, "an affine function needs two witnesses and a third to prove it");
  PlanFunction merged = witnesses[0].second;
  merged.name = name;
  merged.least_points = least_points;
  merged.greatest_points = greatest_points;
  const auto differ = [&](const std::string& what) {
    return unsupported(fmt::format("function {} cannot be compiled for any number of points: {}", name, what));
  };
  const auto merge = [&](auto&& member, const std::string& what, Extents& target) -> Status {
    for (size_t i = 0; i < target.size(); ++i) {
      std::vector<std::pair<int64_t, int64_t>> points;
      for (const auto& [count, plan] : witnesses) {
        const Extents& extents = member(plan);
        if (extents.size() != target.size()) return differ(what + " differs in rank");
        points.emplace_back(count, extents[i].base);
      }
      if (!fit(points, target[i])) return differ(what + " is not affine in the number of points");
    }
    return Status::ok();
  };
  for (const auto& [count, plan] : witnesses) {
    if (plan.values.size() != merged.values.size() || plan.operations.size() != merged.operations.size() ||
        plan.inputs != merged.inputs || plan.outputs != merged.outputs)
      return differ(fmt::format("at {} points it has other operations", count));
  }
  for (size_t v = 0; v < merged.values.size(); ++v) {
    Value& value = merged.values[v];
    for (const auto& [count, plan] : witnesses) {
      const Value& other = plan.values[v];
      if (other.place != value.place || other.alias_of != value.alias_of || other.weight != value.weight)
        return differ(fmt::format("value '{}' and '{}' differ", value.name, other.name));
    }
    SAMC_TRY(merge([v](const PlanFunction& plan) -> const Extents& { return plan.values[v].shape; },
                   "the shape of '" + value.name + "'", value.shape));
  }
  for (size_t o = 0; o < merged.operations.size(); ++o) {
    Operation& operation = merged.operations[o];
    for (const auto& [count, plan] : witnesses) {
      const Operation& other = plan.operations[o];
      if (other.kernel != operation.kernel || other.operands != operation.operands ||
          other.results != operation.results || !same_constants(other, operation))
        return differ(fmt::format("operation '{}' differs", operation.name));
    }
    for (size_t a = 0; a < operation.integers.size(); ++a)
      SAMC_TRY(
          merge([o, a](const PlanFunction& plan) -> const Extents& { return plan.operations[o].integers[a].values; },
                operation.name + " " + operation.integers[a].name, operation.integers[a].values));
  }
  return merged;
}

}  // namespace samc::cpu
