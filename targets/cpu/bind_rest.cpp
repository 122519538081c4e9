// Every top op that no earlier pass took becomes the kernel of the same meaning. What has no kernel is an error that names
// it. Reshape, Squeeze and Unsqueeze stay: they become aliases in the plan.

#include <map>

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

struct UnaryEntry {
  const char* op;
  const char* kernel_op;
};
constexpr UnaryEntry kUnary[] = {
    {"top.GELU", "gelu"}, {"top.Sigmoid", "sigmoid"}, {"top.Exp", "exp"},     {"top.Sin", "sin"},
    {"top.Cos", "cos"},   {"top.Sqrt", "sqrt"},       {"top.Abs", "abs"},     {"top.Floor", "floor"},
    {"top.Tanh", "tanh"}, {"top.Erf", "erf"},         {"top.Relu", "relu"},
};
constexpr UnaryEntry kBinary[] = {{"top.Add", "add"}, {"top.Sub", "sub"}, {"top.Mul", "mul"},
                                  {"top.Div", "div"}, {"top.Max", "max"}, {"top.Min", "min"}};
constexpr UnaryEntry kCompare[] = {{"Equal", "equal"},     {"NotEqual", "not_equal"},
                                   {"Less", "less"},       {"LessOrEqual", "less_equal"},
                                   {"Greater", "greater"}, {"GreaterOrEqual", "greater_equal"}};

const char* look_up(llvm::ArrayRef<UnaryEntry> table, llvm::StringRef name) {
  for (const UnaryEntry& entry : table)
    if (name == entry.op) return entry.kernel_op;
  return nullptr;
}

class Binder {
 public:
  Binder(mlir::Operation* op, mlir::OpBuilder& builder) : op_(op), builder_(builder), config_(op->getContext()) {}

  // The value that replaces op's result, or null when there is no kernel for it.
  mlir::Value bind() {
    const llvm::StringRef name = op_->getName().getStringRef();
    if (bool_attribute(op_, "do_relu", false)) return {};
    if (const char* kernel_op = look_up(kUnary, name)) return unary(kernel_op);
    if (name == "top.AddConst") return unary("affine", 1.0, float_attribute(op_, "const_val", 0.0));
    if (name == "top.MulConst") return unary("affine", float_attribute(op_, "const_val", 1.0), 0.0);
    if (name == "top.SubConst") {
      const double value = float_attribute(op_, "const_val", 0.0);
      return bool_attribute(op_, "is_reverse", false) ? unary("affine", -1.0, value) : unary("affine", 1.0, -value);
    }
    if (name == "top.Pow" && float_attribute(op_, "exponent", 0.0) == 2.0) return unary("square");
    if (const char* kernel_op = look_up(kBinary, name)) return binary(kernel_op);
    if (name == "top.CompareConst") return compare_constant();
    if (name == "top.Compare") return compare();
    if (name == "top.Where") return where();
    if (name == "top.LayerNorm") return layer_norm();
    if (name == "top.Softmax") return softmax();
    if (name == "top.Permute") {
      config_.set("order", integers_attribute(op_, "order"));
      return run("permute", {operand(0)});
    }
    if (name == "top.Slice") return slice();
    if (name == "top.Concat") {
      const int64_t axis = integer_attribute(op_, "axis", 1);
      config_.set("axis", axis < 0 ? axis + static_cast<int64_t>(result_shape().size()) : axis);
      return run("concat", op_->getOperands());
    }
    if (name == "top.Gather") return gather();
    if (name == "top.Expand" || name == "top.Tile") return expand();
    if (name == "top.Reduce") return reduce();
    return {};
  }

 private:
  mlir::Value operand(unsigned index) { return op_->getOperand(index); }
  Shape result_shape() { return shape_of(op_->getResult(0)); }
  mlir::Value run(llvm::StringRef kernel, mlir::ValueRange operands) {
    return make_run(builder_, op_->getLoc(), kernel, operands, result_shape(), config_).getResult();
  }
  bool plain_activation() {
    return string_attribute(op_, "approx_mode", "normal") == "normal" && float_attribute(op_, "relu_limit", -1.0) <= 0 &&
           float_attribute(op_, "scale", 1.0) == 1.0 && float_attribute(op_, "bias", 0.0) == 0.0 &&
           !bool_attribute(op_, "log", false);
  }

  mlir::Value unary(const char* kernel_op, double alpha = 1.0, double beta = 0.0) {
    if (!plain_activation()) return {};
    config_.set("op", kernel_op);
    if (kernel_op == std::string_view("affine")) config_.set("alpha", alpha).set("beta", beta);
    return run("unary", {operand(0)});
  }
  mlir::Value binary(const char* kernel_op) {
    if (op_->getNumOperands() != 2 || bool_attribute(op_, "is_reverse", false)) return {};
    config_.set("op", kernel_op).set("activation", "none");
    return run("binary", {operand(0), operand(1)});
  }
  mlir::Value compare_constant() {
    const std::string mode = string_attribute(op_, "mode", "");
    double value = float_attribute(op_, "const_val", 0.0);
    const char* kernel_op = mode == "Not" ? "equal" : look_up(kCompare, mode);
    if (kernel_op == nullptr || bool_attribute(op_, "inversed", false)) return {};
    if (mode == "Not") value = 0.0;
    config_.set("op", kernel_op).set("value", value);
    return run("compare", {operand(0)});
  }
  mlir::Value compare() {
    const char* kernel_op = look_up(kCompare, string_attribute(op_, "mode", ""));
    if (kernel_op == nullptr) return {};
    config_.set("op", kernel_op);
    return run("compare", {operand(0), operand(1)});
  }
  // A constant branch is a weight-free scalar: 0 * condition + value keeps it an operation of the plan.
  mlir::Value branch(unsigned index, const char* is_constant, const char* value) {
    if (!bool_attribute(op_, is_constant, false)) return operand(index);
    Config config(op_->getContext());
    config.set("op", "affine").set("alpha", 0.0).set("beta", float_attribute(op_, value, 0.0));
    return make_run(builder_, op_->getLoc(), "unary", {operand(0)}, shape_of(operand(0)), config).getResult();
  }
  mlir::Value where() {
    return run("where", {operand(0), branch(1, "x_is_const", "x_const_val"), branch(2, "y_is_const", "y_const_val")});
  }
  mlir::Value layer_norm() {
    const int64_t axis = integer_attribute(op_, "axis", -1);
    if (axis != -1 && axis != static_cast<int64_t>(result_shape().size()) - 1) return {};
    config_.set("eps", float_attribute(op_, "eps", 1e-5)).set("activation", "none");
    return run("layer_norm", op_->getOperands());
  }
  mlir::Value softmax() {
    const int64_t axis = integer_attribute(op_, "axis", -1);
    if ((axis != -1 && axis != static_cast<int64_t>(result_shape().size()) - 1) || bool_attribute(op_, "log", false))
      return {};
    config_.set("scale", float_attribute(op_, "beta", 1.0));
    return run("softmax", {operand(0)});
  }
  mlir::Value slice() {
    const Shape in = shape_of(operand(0));
    const std::vector<int64_t> offset = integers_attribute(op_, "offset"), steps = integers_attribute(op_, "steps");
    std::vector<int64_t> axes = integers_attribute(op_, "axes");
    if (axes.empty())
      for (size_t i = 0; i < offset.size(); ++i) axes.push_back(static_cast<int64_t>(i));
    std::vector<int64_t> starts(in.size(), 0), strides(in.size(), 1);
    for (size_t i = 0; i < axes.size(); ++i) {
      const size_t axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + static_cast<int64_t>(in.size()) : axes[i]);
      if (steps[i] < 1) return {};
      starts[axis] = offset[i] < 0 ? std::max<int64_t>(0, offset[i] + in[axis]) : offset[i];
      strides[axis] = steps[i];
    }
    config_.set("starts", starts).set("steps", strides);
    return run("slice", {operand(0)});
  }
  mlir::Value gather() {
    const int64_t axis = integer_attribute(op_, "axis", 0);
    config_.set("axis", axis < 0 ? axis + static_cast<int64_t>(shape_of(operand(0)).size()) : axis);
    return run("gather", {operand(0), operand(1)});
  }
  // Only what repeats nothing: no SAM 2 needs more.
  mlir::Value expand() { return shape_of(operand(0)) == result_shape() ? operand(0) : mlir::Value(); }
  mlir::Value reduce() {
    const std::string mode = string_attribute(op_, "mode", "");
    const char* kernel_op = mode == "ReduceMean" ? "mean" : mode == "ReduceSum" ? "sum" : mode == "ReduceMax" ? "max" : nullptr;
    if (kernel_op == nullptr) return {};
    config_.set("axes", integers_attribute(op_, "axes")).set("op", kernel_op);
    return run("reduce", {operand(0)});
  }

  mlir::Operation* op_;
  mlir::OpBuilder& builder_;
  Config config_;
};

// x with `after` more places behind those of one axis, filled with one value or, on the last axis' rows, with `row`.
mlir::Value append(mlir::OpBuilder& builder, mlir::Location location, WeightStore& weights, mlir::Value x, size_t axis,
                   int64_t count, std::span<const float> row, bool before = false) {
  if (count == 0) return x;
  Shape filler = shape_of(x), result = filler;
  filler[axis] = count;
  result[axis] += count;
  Tensor fill(filler);
  for (size_t i = 0; i < fill.f32().size(); ++i) fill.f32()[i] = row[i % row.size()];
  const mlir::Value weight = make_weight(builder, location, weights, value_name(x) + ".padding", std::move(fill));
  Config config(builder.getContext());
  config.set("axis", static_cast<int64_t>(axis));
  const mlir::Value parts[] = {before ? weight : x, before ? x : weight};
  return make_run(builder, location, "concat", parts, result, config).getResult();
}

mlir::Value bind_pad(mlir::Operation* op, mlir::OpBuilder& builder, WeightStore& weights) {
  if (string_attribute(op, "mode", "constant") != "constant") return {};
  const float value[] = {static_cast<float>(float_attribute(op, "val", 0.0))};
  const std::vector<int64_t> paddings = integers_attribute(op, "paddings");
  mlir::Value x = op->getOperand(0);
  const size_t rank = shape_of(x).size();
  for (size_t axis = 0; axis < rank; ++axis) {
    if (paddings[axis] < 0 || paddings[axis + rank] < 0) return {};
    x = append(builder, op->getLoc(), weights, x, axis, paddings[axis], value, true);
    x = append(builder, op->getLoc(), weights, x, axis, paddings[axis + rank], value);
  }
  return x;
}

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// A partition or unpartition that no attention took in, in its steps: pad, reshape, permute, reshape, crop.
mlir::Value unfold_window(mlir::Operation* op, mlir::OpBuilder& builder, WeightStore& weights) {
  const mlir::Location location = op->getLoc();
  auto partition = mlir::dyn_cast<WindowPartitionOp>(op);
  const Shape picture = shape_of(partition ? op->getOperand(0) : op->getResult(0));
  const Shape windows = shape_of(partition ? op->getResult(0) : op->getOperand(0));
  const Shape padded{1, round_up(picture[1], windows[1]), round_up(picture[2], windows[2]), picture[3]};
  const int64_t rows = padded[1] / windows[1], columns = padded[2] / windows[2];
  const Shape whole{1, rows, windows[1], columns, windows[2], windows[3]};
  const Shape cut{1, rows, columns, windows[1], windows[2], windows[3]};
  mlir::Value x = op->getOperand(0);
  if (partition) {
    std::vector<float> row(static_cast<size_t>(picture[3]), 0.0f);
    if (!is_none(partition.getPad())) {
      const std::span<const float> pad = weights.view(weight_name(partition.getPad())).f32();
      row.assign(pad.begin(), pad.end());
    }
    x = append(builder, location, weights, x, 1, padded[1] - picture[1], row);
    x = append(builder, location, weights, x, 2, padded[2] - picture[2], row);
  }
  Config config(op->getContext());
  config.set("order", std::vector<int64_t>{0, 1, 3, 2, 4, 5});
  x = make_reshape(builder, location, x, partition ? whole : cut);
  x = make_run(builder, location, "permute", {x}, partition ? cut : whole, config).getResult();
  x = make_reshape(builder, location, x, partition ? windows : padded);
  if (partition || padded == picture) return x;
  Config crop(op->getContext());
  crop.set("starts", std::vector<int64_t>{0, 0, 0, 0}).set("steps", std::vector<int64_t>{1, 1, 1, 1});
  return make_run(builder, location, "slice", {x}, picture, crop).getResult();
}

bool stays(llvm::StringRef name) {
  return name == "top.Weight" || name == "top.None" || name == "top.Input" || name == "top.Reshape" ||
         name == "top.Squeeze" || name == "top.Unsqueeze";
}

}  // namespace

mlir::LogicalResult bind_rest(mlir::ModuleOp module, WeightStore& weights) {
  std::vector<mlir::Operation*> ops;
  module.walk([&](mlir::Operation* op) {
    const llvm::StringRef dialect = op->getName().getDialectNamespace();
    if (mlir::isa<RunOp>(op) || (dialect != "top" && dialect != "cpu") || stays(op->getName().getStringRef())) return;
    ops.push_back(op);
  });
  // name -> how often and where first
  std::map<std::string, std::pair<int, std::string>> unknown;
  for (mlir::Operation* op : ops) {
    if (op->use_empty()) {
      op->erase();
      continue;
    }
    mlir::OpBuilder builder(op);
    mlir::Value bound;
    if (mlir::isa<WindowPartitionOp, WindowUnpartitionOp>(op))
      bound = unfold_window(op, builder, weights);
    else if (is_op(op, "top.Pad"))
      bound = bind_pad(op, builder, weights);
    else if (op->getNumResults() == 1)
      bound = Binder(op, builder).bind();
    if (!bound) {
      auto& [count, first] = unknown[op->getName().getStringRef().str()];
      if (count++ == 0) first = op->getNumResults() > 0 ? value_name(op->getResult(0)) : "";
      continue;
    }
    op->getResult(0).replaceAllUsesWith(bound);
    op->erase();
  }
  if (unknown.empty()) return mlir::success();
  std::string list;
  for (const auto& [name, place] : unknown) {
    if (!list.empty()) list += ", ";
    list += name + " x" + std::to_string(place.first) + " (first: " + place.second + ")";
  }
  return module.emitError("the CPU target has no kernel for ") << list;
}

}  // namespace samc::cpu
