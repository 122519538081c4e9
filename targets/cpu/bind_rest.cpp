// Every top op that no earlier pass took becomes the kernel of the same meaning. What has no kernel is an error that
// names it. Reshape, Squeeze and Unsqueeze stay: they become aliases in the plan.

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
    {"top.GELU", "gelu"}, {"top.Sigmoid", "sigmoid"}, {"top.Exp", "exp"},   {"top.Sin", "sin"},
    {"top.Cos", "cos"},   {"top.Sqrt", "sqrt"},       {"top.Abs", "abs"},   {"top.Floor", "floor"},
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
  Binder(mlir::Operation* op, mlir::OpBuilder& builder, WeightStore& weights)
      : op_(op), builder_(builder), weights_(weights), config_(op->getContext()) {}

  // The value that replaces op's result, or null when there is no kernel for it.
  mlir::Value bind() {
    const std::optional<const char*> activation = result_activation(op_);
    if (!activation) return {};
    const mlir::Value bound = bind_without_activation();
    if (!bound || *activation == std::string_view("none")) return bound;
    Config config(op_->getContext());
    config.set("op", *activation);
    return make_run(builder_, op_->getLoc(), "unary", {bound}, result_shape(), config).getResult();
  }

 private:
  mlir::Value bind_without_activation() {
    const llvm::StringRef name = op_->getName().getStringRef();
    if (const char* kernel_op = look_up(kUnary, name)) return unary(kernel_op);
    if (name == "top.AddConst") return unary("affine", 1.0, float_attribute(op_, "const_val", 0.0));
    if (name == "top.MulConst") return unary("affine", float_attribute(op_, "const_val", 1.0), 0.0);
    if (name == "top.SubConst") {
      const double value = float_attribute(op_, "const_val", 0.0);
      return bool_attribute(op_, "is_reverse", false) ? unary("affine", -1.0, value) : unary("affine", 1.0, -value);
    }
    if (name == "top.Reciprocal") return with_number("div", scalar(float_attribute(op_, "const_val", 1.0)), operand(0));
    if (name == "top.MaxConst") return with_number("max", operand(0), scalar(float_attribute(op_, "const_val", 0.0)));
    if (name == "top.MinConst") return with_number("min", operand(0), scalar(float_attribute(op_, "const_val", 0.0)));
    if (name == "top.Clip") {
      const mlir::Value low = scalar(float_attribute(op_, "min", 0.0)), high = scalar(float_attribute(op_, "max", 0.0));
      return with_number("min", with_number("max", operand(0), low), high);
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
      config_.set("axis", axis_of(1, result_shape().size()));
      return run("concat", op_->getOperands());
    }
    if (name == "top.Gather") return gather();
    if (name == "top.Expand" || name == "top.Tile") return expand();
    if (name == "top.Reduce") return reduce();
    return {};
  }

  mlir::Value operand(unsigned index) { return op_->getOperand(index); }
  Shape result_shape() { return shape_of(op_->getResult(0)); }
  int64_t axis_of(int64_t otherwise, size_t rank) {
    return normal_axis_checked(integer_attribute(op_, "axis", otherwise), rank);
  }
  mlir::Value run(llvm::StringRef kernel, mlir::ValueRange operands) {
    return make_run(builder_, op_->getLoc(), kernel, operands, result_shape(), config_).getResult();
  }
  mlir::Value unary(const char* kernel_op, double alpha = 1.0, double beta = 0.0) {
    if (!is_plain_activation(op_)) return {};
    config_.set("op", kernel_op);
    if (kernel_op == std::string_view("affine")) config_.set("alpha", alpha).set("beta", beta);
    return run("unary", {operand(0)});
  }
  // A binary kernel of its own dictionary, one operand a number.
  mlir::Value with_number(const char* kernel_op, mlir::Value a, mlir::Value b) {
    Config config(op_->getContext());
    config.set("op", kernel_op).set("activation", "none");
    return make_run(builder_, op_->getLoc(), "binary", {a, b}, result_shape(), config).getResult();
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
  mlir::Value scalar(double value) {
    Tensor number({1});
    number.f32()[0] = static_cast<float>(value);
    return make_weight(builder_, weights_, name_of(op_) + ".number", std::move(number));
  }
  mlir::Value branch(unsigned index, const char* is_constant, const char* value) {
    return bool_attribute(op_, is_constant, false) ? scalar(float_attribute(op_, value, 0.0)) : operand(index);
  }
  mlir::Value where() {
    return run("where", {operand(0), branch(1, "x_is_const", "x_const_val"), branch(2, "y_is_const", "y_const_val")});
  }
  mlir::Value layer_norm() {
    if (!is_last_axis(op_)) return {};
    config_.set("eps", float_attribute(op_, "eps", 1e-5)).set("activation", "none");
    return run("layer_norm", op_->getOperands());
  }
  mlir::Value softmax() {
    if (!is_last_axis(op_) || bool_attribute(op_, "log", false)) return {};
    config_.set("scale", float_attribute(op_, "beta", 1.0));
    return run("softmax", {operand(0)});
  }
  mlir::Value slice() {
    const SliceRange range = range_of_slice(op_);
    config_.set("starts", range.starts).set("steps", range.steps);
    return run("slice", {operand(0)});
  }
  mlir::Value gather() {
    config_.set("axis", axis_of(0, shape_of(operand(0)).size()));
    return run("gather", {operand(0), operand(1)});
  }
  // Only what repeats nothing: no SAM 2 needs more.
  mlir::Value expand() { return shape_of(operand(0)) == result_shape() ? operand(0) : mlir::Value(); }
  mlir::Value reduce() {
    const std::string mode = string_attribute(op_, "mode", "");
    const char* kernel_op = mode == "ReduceMean"  ? "mean"
                            : mode == "ReduceSum" ? "sum"
                            : mode == "ReduceMax" ? "max"
                                                  : nullptr;
    if (kernel_op == nullptr) return {};
    std::vector<int64_t> axes;
    for (const int64_t axis : integers_attribute(op_, "axes"))
      axes.push_back(normal_axis_checked(axis, shape_of(operand(0)).size()));
    config_.set("axes", axes).set("op", kernel_op);
    return run("reduce", {operand(0)});
  }

  mlir::Operation* op_;
  mlir::OpBuilder& builder_;
  WeightStore& weights_;
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
  const mlir::Value weight = make_weight(builder, weights, name_of(x) + ".padding", std::move(fill));
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
      const std::span<const float> pad = weight_view(partition.getPad(), weights).f32();
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
      bound = Binder(op, builder, weights).bind();
    if (!bound) {
      auto& [count, first] = unknown[op->getName().getStringRef().str()];
      if (count++ == 0) first = op->getNumResults() > 0 ? name_of(op->getResult(0)) : "";
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
