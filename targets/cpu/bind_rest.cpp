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
  // Repeating extents of 1 is broadcasting; adding zeros of the result's shape does it.
  mlir::Value expand() {
    const Shape in = shape_of(operand(0)), out = result_shape();
    if (in == out) return operand(0);
    return {};
  }
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

// A partition that no attention took in: pad by concatenation is not worth a kernel, so padding must have been folded.
mlir::Value unfold_window(mlir::Operation* op, mlir::OpBuilder& builder) {
  const bool partition = mlir::isa<WindowPartitionOp>(op);
  const Shape picture = shape_of(partition ? op->getOperand(0) : op->getResult(0));
  const Shape windows = shape_of(partition ? op->getResult(0) : op->getOperand(0));
  if (picture[1] % windows[1] != 0 || picture[2] % windows[2] != 0) return {};
  const int64_t rows = picture[1] / windows[1], columns = picture[2] / windows[2];
  const Shape whole{1, rows, windows[1], columns, windows[2], windows[3]};
  const Shape cut{1, rows, columns, windows[1], windows[2], windows[3]};
  const mlir::Value split = make_reshape(builder, op->getLoc(), op->getOperand(0), partition ? whole : cut);
  Config config(op->getContext());
  config.set("order", std::vector<int64_t>{0, 1, 3, 2, 4, 5});
  const mlir::Value moved = make_run(builder, op->getLoc(), "permute", {split}, partition ? cut : whole, config).getResult();
  return make_reshape(builder, op->getLoc(), moved, partition ? windows : picture);
}

bool stays(llvm::StringRef name) {
  return name == "top.Weight" || name == "top.None" || name == "top.Input" || name == "top.Reshape" ||
         name == "top.Squeeze" || name == "top.Unsqueeze";
}

}  // namespace

mlir::LogicalResult bind_rest(mlir::ModuleOp module, WeightStore&) {
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
      bound = unfold_window(op, builder);
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
