#include "targets/cpu/write_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/cpu_precision.h"
#include "kernels/pack.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/xxhash.h"
#include "package/sizes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

// Room for a packed (k, n) matrix.
Tensor packed_tensor(int64_t k, int64_t n, Precision precision) {
  const DType dtype = precision == Precision::kF32    ? DType::kF32
                      : precision == Precision::kBf16 ? DType::kBF16
                                                      : DType::kI8;
  return Tensor(dtype, {packed_elements(precision, k, n)});
}

Tensor pack_matmul(const TensorView& source, bool columns_first, Precision precision) {
  // A 1x1 convolution's (n, k, 1, 1) is (n, k).
  const Shape& shape = source.shape;
  const int64_t k = columns_first ? shape[1] : shape[0], n = columns_first ? shape[0] : shape[1];
  const WeightOrder order = columns_first ? WeightOrder::kNByK : WeightOrder::kKByN;
  Tensor packed = packed_tensor(k, n, precision);
  if (precision == Precision::kInt8) {
    pack_weights_int8(source.f32().data(), k, n, order, packed.as<int8_t>().data());
  } else if (precision == Precision::kBf16) {
    pack_weights_bf16(source.f32().data(), k, n, order, packed.as<uint16_t>().data());
  } else {
    pack_weights(source.f32().data(), k, n, order, packed.f32().data());
  }
  return packed;
}

Tensor pack_conv(const TensorView& source, bool src_nchw, Precision precision) {
  const Shape& shape = source.shape;
  const float* data = source.f32().data();
  Tensor packed = packed_tensor(shape[1] * shape[2] * shape[3], shape[0], precision);
  if (precision == Precision::kBf16) {
    pack_conv_weights_bf16(data, shape[0], shape[1], shape[2], shape[3], src_nchw, packed.as<uint16_t>().data());
  } else {
    pack_conv_weights(data, shape[0], shape[1], shape[2], shape[3], src_nchw, packed.f32().data());
  }
  return packed;
}

Tensor to_hwc(const TensorView& source, Precision precision) {
  SAMC_CHECK(precision == Precision::kF32, "a depthwise weight in {}", precision_name(precision));
  const float* data = source.f32().data();
  const int64_t channels = source.shape[0], area = source.shape[2] * source.shape[3];
  Tensor packed({area * channels});
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < area; ++i) packed.f32()[static_cast<size_t>(i * channels + c)] = data[c * area + i];
  return packed;
}

Tensor pack_deconv(const TensorView& source, Precision precision) {
  // top.Deconv has (cout, cin, 2, 2); the packer wants PyTorch's (cin, cout, 2, 2).
  const float* data = source.f32().data();
  const int64_t out_c = source.shape[0], in_c = source.shape[1];
  Tensor exchanged({in_c, out_c, 2, 2});
  for (int64_t o = 0; o < out_c; ++o)
    for (int64_t i = 0; i < in_c; ++i)
      for (int64_t t = 0; t < 4; ++t)
        exchanged.f32()[static_cast<size_t>((i * out_c + o) * 4 + t)] = data[(o * in_c + i) * 4 + t];
  Tensor packed = packed_tensor(in_c, 4 * out_c, precision);
  if (precision == Precision::kBf16) {
    pack_deconv2x2_weights_bf16(exchanged.f32().data(), in_c, out_c, packed.as<uint16_t>().data());
  } else {
    pack_deconv2x2_weights(exchanged.f32().data(), in_c, out_c, packed.f32().data());
  }
  return packed;
}

// What "weight_layout" of a cpu.run may say: how its weight is packed, and what that gives.
struct PackingRecipe {
  std::string_view name;
  WeightLayout layout;
  Tensor (*pack)(const TensorView& source, Precision precision);
};
constexpr PackingRecipe kPackingRecipes[] = {
    {"kn", WeightLayout::kPackedKByN,
     [](const TensorView& source, Precision precision) { return pack_matmul(source, false, precision); }},
    {"nk", WeightLayout::kPackedKByN,
     [](const TensorView& source, Precision precision) { return pack_matmul(source, true, precision); }},
    {"o_ihw", WeightLayout::kPackedIhwByO,
     [](const TensorView& source, Precision precision) { return pack_conv(source, true, precision); }},
    {"o_hwi", WeightLayout::kPackedHwiByO,
     [](const TensorView& source, Precision precision) { return pack_conv(source, false, precision); }},
    {"chw_to_hwc", WeightLayout::kHwc, to_hwc},
    {"oihw_to_i_hwo", WeightLayout::kPackedIByHwo, pack_deconv},
};

const PackingRecipe& find_recipe(const std::string& name) {
  const auto* found = std::ranges::find(kPackingRecipes, name, &PackingRecipe::name);
  SAMC_CHECK(found != std::end(kPackingRecipes), "unknown weight layout {}", name);
  return *found;
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
    if (mlir::isa<top::NoneOp, top::WeightOp>(op)) return Status::ok();  // written where they are used
    if (mlir::isa<top::InputOp>(op)) {
      const mlir::Value input = op->getResult(0);
      plan_.inputs.push_back(
          add({name_of(input), DType::kF32, extents(input), Place::kInput, kAbsent, kAbsent}, input));
      return Status::ok();
    }
    if (mlir::isa<top::ReshapeOp, top::SqueezeOp, top::UnsqueezeOp>(op)) {
      const mlir::Value result = op->getResult(0);
      int32_t target = operand_index(op->getOperand(0));
      const Value& source = plan_.values[static_cast<size_t>(target)];
      if (source.place == Place::kAlias) target = source.alias_of;
      add({name_of(result), source.dtype, extents(result), Place::kAlias, target, kAbsent}, result);
      return Status::ok();
    }
    auto run = mlir::dyn_cast<RunOp>(op);
    if (!run) return unsupported(fmt::format("{} has reached the plan unbound", op->getName().getStringRef().str()));
    Operation operation;
    operation.kernel = run.getKernel().str();
    operation.name = name_of(run.getResult());
    if (const auto precision = run.getPrecision())
      operation.precision = *find_precision({precision->data(), precision->size()});  // as the verifier has it
    std::string recipe;
    for (const mlir::NamedAttribute& attribute : run.getConfig()) {
      const std::string key = attribute.getName().str();
      if (key == "weight_layout")
        recipe = mlir::cast<mlir::StringAttr>(attribute.getValue()).str();
      else
        set_attribute(operation, key, attribute.getValue());
    }
    for (unsigned i = 0; i < run.getArguments().size(); ++i) {
      const mlir::Value argument = run.getArguments()[i];
      operation.operands.push_back(
          is_none(argument) ? kAbsent : operand_index(argument, i == 1 ? recipe : "", operation.precision));
    }
    const mlir::Value result = run.getResult();
    const DType stored = run.getDtype() ? DType::kBF16 : DType::kF32;
    operation.results.push_back(
        add({name_of(result), stored, extents(result), Place::kArena, kAbsent, kAbsent}, result));
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

  // recipe and precision: of a weight that is packed.
  int32_t operand_index(mlir::Value value, const std::string& recipe = "", Precision precision = Precision::kF32) {
    if (!is_weight(value)) {
      const auto found = indices_.find(value);
      SAMC_CHECK(found != indices_.end(), "an operand of {} is not in the plan", plan_.name);
      return found->second;
    }
    if (recipe.empty()) precision = Precision::kF32;
    const std::string key =
        fmt::format("{} {} {} {}", name_of(value), shape_to_string(shape_of(value)), recipe, precision_name(precision));
    if (const auto found = weight_values_.find(key); found != weight_values_.end()) return found->second;
    const int32_t weight = weights_.index(name_of(value), shape_of(value), recipe, precision);
    Extents shape = recipe.empty() ? extents(value) : Extents{weights_.count(weight)};
    const int32_t index =
        add({name_of(value), weights_.dtype(weight), std::move(shape), Place::kWeight, kAbsent, weight}, {});
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
    copy.operands = {operand_index(value)};
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

// Where the witnesses that fix an affine function stand: one that differs from the first in one size alone, for each
// size.
std::vector<size_t> find_steps(std::span<const Witness> witnesses, size_t sizes) {
  std::vector<size_t> found;
  for (size_t size = 0; size < sizes; ++size) {
    const auto differs_alone = [&](const Witness& witness) {
      Sizes alone = witnesses[0].at;
      alone[size] = witness.at[size];
      return witness.at == alone && witness.at != witnesses[0].at;
    };
    const auto step = std::ranges::find_if(witnesses, differs_alone);
    const bool is_proven = step != witnesses.end() && std::ranges::any_of(witnesses, [&](const Witness& witness) {
                             return witness.at[size] != witnesses[0].at[size] && witness.at[size] != step->at[size];
                           });
    SAMC_CHECK(is_proven, "size {} needs two witnesses and a third to prove it", size);
    found.push_back(static_cast<size_t>(step - witnesses.begin()));
  }
  return found;
}

// Everything but the integers' values, which may depend on the sizes.
bool same_constants(const Operation& a, const Operation& b) {
  return std::ranges::equal(a.integers, b.integers, {}, &IntegerAttribute::name, &IntegerAttribute::name) &&
         std::ranges::equal(a.floats, b.floats,
                            [](const auto& x, const auto& y) { return x.name == y.name && x.value == y.value; }) &&
         std::ranges::equal(a.strings, b.strings,
                            [](const auto& x, const auto& y) { return x.name == y.name && x.value == y.value; });
}

}  // namespace

int32_t WeightTable::index(const std::string& name, const Shape& shape, const std::string& recipe,
                           Precision precision) {
  const auto [entry, is_new] =
      known_.try_emplace({name, shape, recipe, precision}, static_cast<int32_t>(weights_.size()));
  if (!is_new) return entry->second;
  const TensorView view = store_.view(name).with_shape(shape);
  WeightData weight;
  weight.name = recipe.empty() ? name : name + "/" + recipe;
  weight.dtype = view.dtype;
  if (recipe.empty()) {
    weight.bytes = {static_cast<const std::byte*>(view.data), static_cast<size_t>(view.bytes())};
  } else {
    const PackingRecipe& packing = find_recipe(recipe);
    auto packed = std::make_shared<Tensor>(packing.pack(view, precision));
    weight.dtype = packed->dtype();
    weight.layout = packing.layout;
    weight.bytes = {static_cast<const std::byte*>(packed->data()), static_cast<size_t>(packed->bytes())};
    weight.owner = packed;
  }
  // Passes make weights for each function and witness anew; equal bytes are kept once.
  const uint64_t hash = llvm::xxh3_64bits(
      llvm::ArrayRef<uint8_t>(reinterpret_cast<const uint8_t*>(weight.bytes.data()), weight.bytes.size()));
  for (auto [at, end] = by_hash_.equal_range(hash); at != end; ++at) {
    const WeightData& other = weights_[static_cast<size_t>(at->second)];
    if (other.dtype != weight.dtype || other.layout != weight.layout) continue;
    const std::span<const std::byte> known = other.bytes;
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

Result<PlanFunction> merge_witnesses(std::span<const Witness> witnesses, const std::string& name,
                                     std::vector<FreeSize> sizes) {
  const std::vector<size_t> steps = find_steps(witnesses, sizes.size());
  PlanFunction merged = witnesses[0].plan;
  merged.name = name;
  merged.sizes = std::move(sizes);
  const auto differ = [&](const std::string& what) {
    return unsupported(fmt::format("function {} cannot be compiled for any size: {}", name, what));
  };
  const auto merge = [&](auto&& member, const std::string& what, Extents& target) -> Status {
    for (const Witness& witness : witnesses)
      if (member(witness.plan).size() != target.size()) return differ(what + " differs in rank");
    for (size_t i = 0; i < target.size(); ++i) {
      const auto value_at = [&](const Witness& witness) { return member(witness.plan)[i].base; };
      Extent fit = value_at(witnesses[0]);
      for (size_t size = 0; size < steps.size(); ++size) {
        const Witness& other = witnesses[steps[size]];
        const int64_t distance = other.at[size] - witnesses[0].at[size];
        fit.steps[size] = (value_at(other) - value_at(witnesses[0])) / distance;
        fit.base -= fit.steps[size] * witnesses[0].at[size];
      }
      for (const Witness& witness : witnesses)
        if (fit.at(witness.at) != value_at(witness)) return differ(what + " is not affine in the sizes");
      target[i] = fit;
    }
    return Status::ok();
  };
  for (const auto& [at, plan] : witnesses) {
    if (plan.values.size() != merged.values.size() || plan.operations.size() != merged.operations.size() ||
        plan.inputs != merged.inputs || plan.outputs != merged.outputs)
      return differ(fmt::format("at {} it has other operations", sizes_to_string(merged, at)));
  }
  for (size_t v = 0; v < merged.values.size(); ++v) {
    Value& value = merged.values[v];
    for (const Witness& witness : witnesses) {
      const Value& other = witness.plan.values[v];
      if (other.place != value.place || other.dtype != value.dtype || other.alias_of != value.alias_of ||
          other.weight != value.weight)
        return differ(fmt::format("value '{}' and '{}' differ", value.name, other.name));
    }
    SAMC_TRY(merge([v](const PlanFunction& plan) -> const Extents& { return plan.values[v].shape; },
                   "the shape of '" + value.name + "'", value.shape));
  }
  for (size_t o = 0; o < merged.operations.size(); ++o) {
    Operation& operation = merged.operations[o];
    for (const Witness& witness : witnesses) {
      const Operation& other = witness.plan.operations[o];
      if (other.kernel != operation.kernel || other.precision != operation.precision ||
          other.operands != operation.operands || other.results != operation.results ||
          !same_constants(other, operation))
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
