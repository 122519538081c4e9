// Every top op that no earlier pass took becomes the kernel of the same meaning. What has no kernel is an error that
// names it. Reshape, Squeeze and Unsqueeze stay: they become aliases in the plan.

#include <map>

#include "base/rounding.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

using Name = const char*;

// The kernel of an elementwise op of one operand, or null.
Name unary_kernel(mlir::Operation* op) {
  return llvm::TypeSwitch<mlir::Operation*, Name>(op)
      .Case([](top::GELUOp) { return "gelu"; })
      .Case([](top::SigmoidOp) { return "sigmoid"; })
      .Case([](top::ExpOp) { return "exp"; })
      .Case([](top::SinOp) { return "sin"; })
      .Case([](top::CosOp) { return "cos"; })
      .Case([](top::SqrtOp) { return "sqrt"; })
      .Case([](top::AbsOp) { return "abs"; })
      .Case([](top::FloorOp) { return "floor"; })
      .Case([](top::TanhOp) { return "tanh"; })
      .Case([](top::ErfOp) { return "erf"; })
      .Case([](top::ReluOp) { return "relu"; })
      .Default(Name{});
}

Name binary_kernel(mlir::Operation* op) {
  return llvm::TypeSwitch<mlir::Operation*, Name>(op)
      .Case([](top::AddOp) { return "add"; })
      .Case([](top::SubOp) { return "sub"; })
      .Case([](top::MulOp) { return "mul"; })
      .Case([](top::DivOp) { return "div"; })
      .Case([](top::MaxOp) { return "max"; })
      .Case([](top::MinOp) { return "min"; })
      .Default(Name{});
}

// Of the mode of top.Compare and top.CompareConst.
Name compare_kernel(llvm::StringRef mode) {
  return llvm::StringSwitch<Name>(mode)
      .Case("Equal", "equal")
      .Case("NotEqual", "not_equal")
      .Case("Less", "less")
      .Case("LessOrEqual", "less_equal")
      .Case("Greater", "greater")
      .Case("GreaterOrEqual", "greater_equal")
      .Default(nullptr);
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
    if (const Name kernel_op = unary_kernel(op_)) return unary(kernel_op);
    if (const Name kernel_op = binary_kernel(op_)) return binary(kernel_op);
    const auto number = [&](const char* name) { return float_attribute(op_, name, 0.0); };
    return llvm::TypeSwitch<mlir::Operation*, mlir::Value>(op_)
        .Case([&](top::AddConstOp) { return unary("affine", 1.0, number("const_val")); })
        .Case([&](top::MulConstOp) { return unary("affine", number("const_val"), 0.0); })
        .Case([&](top::SubConstOp op) {
          return op.getIsReverse() ? unary("affine", -1.0, number("const_val"))
                                   : unary("affine", 1.0, -number("const_val"));
        })
        .Case([&](top::ReciprocalOp) { return with_number("div", scalar(number("const_val")), operand(0)); })
        .Case([&](top::MaxConstOp) { return with_number("max", operand(0), scalar(number("const_val"))); })
        .Case([&](top::MinConstOp) { return with_number("min", operand(0), scalar(number("const_val"))); })
        .Case([&](top::ClipOp) {
          const mlir::Value low = scalar(number("min")), high = scalar(number("max"));
          return with_number("min", with_number("max", operand(0), low), high);
        })
        .Case([&](top::PowOp) { return number("exponent") == 2.0 ? unary("square") : mlir::Value(); })
        .Case([&](top::CompareConstOp) { return compare_constant(); })
        .Case([&](top::CompareOp) { return compare(); })
        .Case([&](top::WhereOp) { return where(); })
        .Case([&](top::LayerNormOp) { return layer_norm(); })
        .Case([&](top::SoftmaxOp) { return softmax(); })
        .Case([&](top::PermuteOp op) {
          config_.set("order", to_shape(op.getOrder()));
          return run("permute", {operand(0)});
        })
        .Case([&](top::SliceOp op) { return slice(op); })
        .Case([&](top::ConcatOp) {
          config_.set("axis", axis_of(1, result_shape().size()));
          return run("concat", op_->getOperands());
        })
        .Case([&](top::GatherOp) { return gather(); })
        .Case<top::ExpandOp, top::TileOp>([&](auto) { return expand(); })
        .Case([&](top::ReduceOp) { return reduce(); })
        .Default(mlir::Value());
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
    const char* kernel_op = mode == "Not" ? "equal" : compare_kernel(mode);
    if (kernel_op == nullptr || bool_attribute(op_, "inversed", false)) return {};
    if (mode == "Not") value = 0.0;
    config_.set("op", kernel_op).set("value", value);
    return run("compare", {operand(0)});
  }
  mlir::Value compare() {
    const char* kernel_op = compare_kernel(string_attribute(op_, "mode", ""));
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
  mlir::Value slice(top::SliceOp op) {
    const SliceRange range = range_of_slice(op);
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

mlir::Value bind_pad(top::PadOp op, mlir::OpBuilder& builder, WeightStore& weights) {
  if (op.getMode() != "constant") return {};
  const float value[] = {static_cast<float>(op.getVal().convertToDouble())};
  const Shape paddings = to_shape(op.getPaddings());
  mlir::Value x = op.getInput();
  const size_t rank = shape_of(x).size();
  for (size_t axis = 0; axis < rank; ++axis) {
    if (paddings[axis] < 0 || paddings[axis + rank] < 0) return {};
    x = append(builder, op.getLoc(), weights, x, axis, paddings[axis], value, true);
    x = append(builder, op.getLoc(), weights, x, axis, paddings[axis + rank], value);
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

bool is_bound(mlir::Operation* op) {
  if (!mlir::isa<top::TopDialect, vision::VisionDialect, CpuDialect>(op->getDialect())) return true;
  return mlir::isa<RunOp, top::WeightOp, top::NoneOp, top::InputOp, top::ReshapeOp, top::SqueezeOp, top::UnsqueezeOp>(
      op);
}

}  // namespace

mlir::LogicalResult bind_rest(mlir::ModuleOp module, WeightStore& weights) {
  std::vector<mlir::Operation*> ops;
  module.walk([&](mlir::Operation* op) {
    if (!is_bound(op)) ops.push_back(op);
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
    else if (auto pad = mlir::dyn_cast<top::PadOp>(op))
      bound = bind_pad(pad, builder, weights);
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
