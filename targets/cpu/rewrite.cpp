#include "targets/cpu/rewrite.h"

#include <algorithm>

namespace samc::cpu {

Shape shape_of(mlir::Value value) {
  const auto type = mlir::cast<mlir::RankedTensorType>(value.getType());
  return {type.getShape().begin(), type.getShape().end()};
}

bool is_op(mlir::Operation* op, llvm::StringRef name) { return op != nullptr && op->getName().getStringRef() == name; }

mlir::Operation* producer(mlir::Value value, llvm::StringRef name) {
  mlir::Operation* op = value.getDefiningOp();
  return is_op(op, name) ? op : nullptr;
}

RunOp producer_run(mlir::Value value, llvm::StringRef kernel) {
  auto run = value.getDefiningOp<RunOp>();
  return run && run.getKernel() == kernel ? run : RunOp();
}

bool is_none(mlir::Value value) { return mlir::isa<mlir::NoneType>(value.getType()); }
bool is_weight(mlir::Value value) { return producer(value, "top.Weight") != nullptr; }

std::string value_name(mlir::Value value) {
  const mlir::Location location = value.getLoc();
  if (const auto name = mlir::dyn_cast<mlir::NameLoc>(location)) return name.getName().str();
  return {};
}
std::string weight_name(mlir::Value value) { return value_name(value); }

int64_t integer_attribute(mlir::Operation* op, llvm::StringRef name, int64_t otherwise) {
  const auto attribute = op->getAttrOfType<mlir::IntegerAttr>(name);
  if (!attribute) return otherwise;
  // Signed types must be read as such; signless ones too, as every number here is signed.
  return attribute.getValue().getSExtValue();
}
double float_attribute(mlir::Operation* op, llvm::StringRef name, double otherwise) {
  const auto attribute = op->getAttrOfType<mlir::FloatAttr>(name);
  return attribute ? attribute.getValueAsDouble() : otherwise;
}
bool bool_attribute(mlir::Operation* op, llvm::StringRef name, bool otherwise) {
  const auto attribute = op->getAttrOfType<mlir::BoolAttr>(name);
  return attribute ? attribute.getValue() : otherwise;
}
std::string string_attribute(mlir::Operation* op, llvm::StringRef name, const std::string& otherwise) {
  const auto attribute = op->getAttrOfType<mlir::StringAttr>(name);
  return attribute ? attribute.str() : otherwise;
}
std::vector<int64_t> integers_attribute(mlir::Operation* op, llvm::StringRef name) {
  std::vector<int64_t> values;
  if (const auto attribute = op->getAttrOfType<mlir::ArrayAttr>(name))
    for (const mlir::Attribute element : attribute)
      values.push_back(mlir::cast<mlir::IntegerAttr>(element).getValue().getSExtValue());
  return values;
}

int64_t config_integer(RunOp run, llvm::StringRef name) {
  return mlir::cast<mlir::IntegerAttr>(run.getConfig().get(name)).getInt();
}
std::string config_string(RunOp run, llvm::StringRef name) {
  return mlir::cast<mlir::StringAttr>(run.getConfig().get(name)).str();
}

mlir::DictionaryAttr with_attribute(RunOp run, llvm::StringRef name, mlir::Attribute value) {
  mlir::NamedAttrList list(run.getConfig());
  list.set(name, value);
  return list.getDictionary(run.getContext());
}

mlir::RankedTensorType f32_type(mlir::MLIRContext* context, const Shape& shape) {
  return mlir::RankedTensorType::get(shape, mlir::Float32Type::get(context));
}

mlir::Value make_none(mlir::OpBuilder& builder, mlir::Location location) {
  mlir::OperationState state(location, "top.None");
  state.addTypes(builder.getNoneType());
  return builder.create(state)->getResult(0);
}

RunOp make_run(mlir::OpBuilder& builder, mlir::Location location, llvm::StringRef kernel, mlir::ValueRange arguments,
               const Shape& result, Config& config) {
  return builder.create<RunOp>(location, f32_type(builder.getContext(), result), builder.getStringAttr(kernel),
                               arguments, config.finish());
}

mlir::Value make_reshape(mlir::OpBuilder& builder, mlir::Location location, mlir::Value input, const Shape& shape) {
  if (shape_of(input) == shape) return input;
  mlir::OperationState state(location, "top.Reshape");
  state.addOperands(input);
  state.addAttribute("shape", builder.getI64ArrayAttr(shape));
  state.addTypes(f32_type(builder.getContext(), shape));
  return builder.create(state)->getResult(0);
}

mlir::Value make_permute(mlir::OpBuilder& builder, mlir::Location location, mlir::Value input,
                         const std::vector<int64_t>& order) {
  if (is_identity(order)) return input;
  mlir::OperationState state(location, "top.Permute");
  state.addOperands(input);
  state.addAttribute("order", builder.getI64ArrayAttr(order));
  state.addTypes(f32_type(builder.getContext(), permuted(shape_of(input), order)));
  return builder.create(state)->getResult(0);
}

mlir::Value make_weight(mlir::OpBuilder& builder, mlir::Location location, WeightStore& weights,
                        const std::string& wanted, Tensor tensor) {
  const std::string name = weights.unique_name(wanted);
  const Shape shape = tensor.shape();
  const Status added = weights.add(name, std::move(tensor));
  SAMC_CHECK(added.is_ok(), "{}", added.to_string());
  mlir::OperationState state(mlir::NameLoc::get(builder.getStringAttr(name)), "top.Weight");
  state.addTypes(f32_type(builder.getContext(), shape));
  (void)location;
  return builder.create(state)->getResult(0);
}

mlir::Location derived_location(mlir::Value value, llvm::StringRef suffix) {
  const std::string name = value_name(value);
  return mlir::NameLoc::get(mlir::StringAttr::get(value.getContext(), name + suffix.str()));
}

std::vector<int64_t> inverse_order(const std::vector<int64_t>& order) {
  std::vector<int64_t> inverse(order.size());
  for (size_t i = 0; i < order.size(); ++i) inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return inverse;
}

bool is_identity(const std::vector<int64_t>& order) {
  for (size_t i = 0; i < order.size(); ++i)
    if (order[i] != static_cast<int64_t>(i)) return false;
  return true;
}

Shape permuted(const Shape& shape, const std::vector<int64_t>& order) {
  Shape result;
  for (const int64_t axis : order) result.push_back(shape[static_cast<size_t>(axis)]);
  return result;
}

namespace {

using Factors = std::vector<Factor>;

void merge_neighbours(Factors& factors) {
  Factors merged;
  for (const Factor& factor : factors) {
    if (factor.extent == 1) continue;
    if (!merged.empty() && merged.back().stride == factor.extent * factor.stride)
      merged.back() = {merged.back().extent * factor.extent, factor.stride};
    else
      merged.push_back(factor);
  }
  factors = std::move(merged);
}

std::vector<Factors> dense_dims(const Shape& shape) {
  std::vector<Factors> dims(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1) dims[i] = {{shape[i], stride}};
    stride *= shape[i];
  }
  return dims;
}

// The same elements in the same order under another shape; nothing when an extent would have to be cut unevenly.
std::optional<std::vector<Factors>> reshape_dims(const std::vector<Factors>& dims, const Shape& shape) {
  Factors all;
  for (const Factors& factors : dims) all.insert(all.end(), factors.begin(), factors.end());
  merge_neighbours(all);
  std::vector<Factors> result(shape.size());
  size_t next = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t wanted = shape[i];
    while (wanted > 1) {
      if (next == all.size()) return std::nullopt;
      Factor& factor = all[next];
      if (wanted % factor.extent == 0) {
        result[i].push_back(factor);
        wanted /= factor.extent;
        ++next;
      } else if (factor.extent % wanted == 0) {
        const int64_t inner = factor.extent / wanted;
        result[i].push_back({wanted, factor.stride * inner});
        factor.extent = inner;
        wanted = 1;
      } else {
        return std::nullopt;
      }
    }
    merge_neighbours(result[i]);
  }
  return result;
}

// Full-rank starts and extents of a top.Slice of step 1; false for anything else.
bool read_slice(mlir::Operation* op, Shape& starts) {
  const Shape input = shape_of(op->getOperand(0));
  const std::vector<int64_t> offset = integers_attribute(op, "offset");
  const std::vector<int64_t> steps = integers_attribute(op, "steps");
  std::vector<int64_t> axes = integers_attribute(op, "axes");
  if (axes.empty())
    for (size_t i = 0; i < offset.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  if (offset.size() != axes.size() || steps.size() != axes.size()) return false;
  starts.assign(input.size(), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    if (steps[i] != 1) return false;
    const size_t axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + static_cast<int64_t>(input.size()) : axes[i]);
    starts[axis] = offset[i] < 0 ? std::max<int64_t>(0, offset[i] + input[axis]) : std::min(offset[i], input[axis]);
  }
  return true;
}

bool apply(mlir::Operation* op, View& view) {
  const Shape result = shape_of(op->getResult(0));
  if (is_op(op, "top.Permute")) {
    std::vector<Factors> dims;
    for (const int64_t axis : integers_attribute(op, "order")) dims.push_back(view.dims[static_cast<size_t>(axis)]);
    view.dims = std::move(dims);
    return true;
  }
  if (is_op(op, "top.Slice")) {
    Shape starts;
    if (!read_slice(op, starts)) return false;
    const Shape input = shape_of(op->getOperand(0));
    std::vector<Factors> dims = view.dims;
    int64_t offset = view.offset;
    for (size_t i = 0; i < result.size(); ++i) {
      if (result[i] == input[i]) continue;
      if (dims[i].size() != 1) return false;
      offset += starts[i] * dims[i][0].stride;
      if (result[i] == 1)
        dims[i].clear();
      else
        dims[i][0].extent = result[i];
    }
    view.dims = std::move(dims);
    view.offset = offset;
    return true;
  }
  std::optional<std::vector<Factors>> dims = reshape_dims(view.dims, result);
  if (!dims) return false;
  view.dims = std::move(*dims);
  return true;
}

}  // namespace

View trace_view(mlir::Value value) {
  std::vector<mlir::Operation*> chain;
  mlir::Value base = value;
  while (mlir::Operation* op = base.getDefiningOp()) {
    const llvm::StringRef name = op->getName().getStringRef();
    if (name != "top.Reshape" && name != "top.Permute" && name != "top.Slice" && name != "top.Squeeze" &&
        name != "top.Unsqueeze")
      break;
    chain.push_back(op);
    base = op->getOperand(0);
  }
  // When some op of the chain is no view of what stands before it, the base is that op's result.
  while (true) {
    View view{base, 0, dense_dims(shape_of(base))};
    bool reached = true;
    while (!chain.empty()) {
      mlir::Operation* op = chain.back();
      chain.pop_back();
      if (!apply(op, view)) {
        base = op->getResult(0);
        reached = false;
        break;
      }
    }
    if (reached) return view;
  }
}

}  // namespace samc::cpu
