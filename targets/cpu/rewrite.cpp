#include "targets/cpu/rewrite.h"

namespace samc::cpu {

bool is_op(mlir::Operation* op, llvm::StringRef name) { return op != nullptr && op->getName().getStringRef() == name; }

mlir::Operation* producer(mlir::Value value, llvm::StringRef name) {
  mlir::Operation* op = value.getDefiningOp();
  return is_op(op, name) ? op : nullptr;
}

RunOp producer_run(mlir::Value value, llvm::StringRef kernel) {
  auto run = value.getDefiningOp<RunOp>();
  return run && run.getKernel() == kernel ? run : RunOp();
}

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
  return to_shape(op->getAttrOfType<mlir::ArrayAttr>(name));
}
bool is_last_axis(mlir::Operation* op) {
  const int64_t rank = static_cast<int64_t>(shape_of(op->getOperand(0)).size());
  const int64_t axis = integer_attribute(op, "axis", -1);
  return axis == -1 || axis == rank - 1;
}
bool is_plain_activation(mlir::Operation* op) {
  return string_attribute(op, "approx_mode", "normal") == "normal" && float_attribute(op, "relu_limit", -1.0) <= 0 &&
         float_attribute(op, "scale", 1.0) == 1.0 && float_attribute(op, "bias", 0.0) == 0.0 &&
         !bool_attribute(op, "log", false);
}
std::optional<const char*> result_activation(mlir::Operation* op) {
  if (!bool_attribute(op, "do_relu", false)) return "none";
  if (float_attribute(op, "relu_limit", -1.0) > 0) return std::nullopt;
  return "relu";
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

mlir::Value make_none(mlir::OpBuilder& builder, mlir::Location location) {
  mlir::OperationState state(location, "top.None");
  state.addTypes(builder.getNoneType());
  return builder.create(state)->getResult(0);
}

RunOp make_run(mlir::OpBuilder& builder, mlir::Location location, llvm::StringRef kernel, mlir::ValueRange arguments,
               const Shape& result, Config& config) {
  return builder.create<RunOp>(location, tensor_type(builder.getContext(), result), builder.getStringAttr(kernel),
                               arguments, config.finish());
}

mlir::Value make_reshape(mlir::OpBuilder& builder, mlir::Location location, mlir::Value input, const Shape& shape) {
  if (shape_of(input) == shape) return input;
  mlir::OperationState state(location, "top.Reshape");
  state.addOperands(input);
  state.addAttribute("shape", builder.getI64ArrayAttr(shape));
  state.addTypes(tensor_type(builder.getContext(), shape));
  return builder.create(state)->getResult(0);
}

mlir::Value make_permute(mlir::OpBuilder& builder, mlir::Location location, mlir::Value input,
                         const std::vector<int64_t>& order) {
  if (is_identity(order)) return input;
  mlir::OperationState state(location, "top.Permute");
  state.addOperands(input);
  state.addAttribute("order", builder.getI64ArrayAttr(order));
  state.addTypes(tensor_type(builder.getContext(), permuted(shape_of(input), order)));
  return builder.create(state)->getResult(0);
}

mlir::Value make_weight(mlir::OpBuilder& builder, WeightStore& weights, const std::string& wanted, Tensor tensor) {
  const std::string name = weights.unique_name(wanted);
  const Shape shape = tensor.shape();
  const Status added = weights.add(name, std::move(tensor));
  SAMC_CHECK(added.is_ok(), "{}", added.to_string());
  return create_weight(builder, name, shape);
}

mlir::Location derived_location(mlir::Value value, llvm::StringRef suffix) {
  return name_location(value.getContext(), name_of(value) + suffix.str());
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

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

SliceRange range_of_slice(mlir::Operation* slice) {
  const Result<SliceRange> range = slice_range(shape_of(slice->getOperand(0)), integers_attribute(slice, "offset"),
                                               integers_attribute(slice, "ends"), integers_attribute(slice, "steps"),
                                               integers_attribute(slice, "axes"));
  SAMC_CHECK(range.is_ok(), "a slice that its verifier passed: {}", range.status().to_string());
  return range.value();
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

bool apply(mlir::Operation* op, View& view) {
  const Shape result = shape_of(op->getResult(0));
  if (is_op(op, "top.Permute")) {
    std::vector<Factors> dims;
    for (const int64_t axis : integers_attribute(op, "order")) dims.push_back(view.dims[static_cast<size_t>(axis)]);
    view.dims = std::move(dims);
    return true;
  }
  if (is_op(op, "top.Slice")) {
    const SliceRange range = range_of_slice(op);
    const Shape input = shape_of(op->getOperand(0));
    std::vector<Factors> dims = view.dims;
    int64_t offset = view.offset;
    for (size_t i = 0; i < result.size(); ++i) {
      if (range.steps[i] != 1) return false;
      if (result[i] == input[i]) continue;
      if (dims[i].size() != 1) return false;
      offset += range.starts[i] * dims[i][0].stride;
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

std::vector<Factor> factors(int64_t extent, int64_t stride) {
  return extent == 1 ? std::vector<Factor>{} : std::vector<Factor>{{extent, stride}};
}

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
