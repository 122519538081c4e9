#include <algorithm>
#include <cmath>
#include <map>

#include "ir/evaluate.h"
#include "ir/shapes.h"
#include "ir/top_dialect.h"

namespace samc {

namespace {

using Function = std::function<double(double)>;

double number(const llvm::APFloat& value) { return value.convertToDouble(); }

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

double gelu(double x, llvm::StringRef mode) {
  constexpr double kSqrtHalf = 0.70710678118654752440;
  constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
  if (mode == "tanh") return 0.5 * x * (1.0 + std::tanh(kSqrtTwoOverPi * (x + 0.044715 * x * x * x)));
  if (mode == "sigm") return x * sigmoid(1.702 * x);
  return 0.5 * x * (1.0 + std::erf(x * kSqrtHalf));
}

double round_by(double x, llvm::StringRef mode) {
  const double below = std::floor(x);
  const double rest = x - below;
  if (mode == "TowardsZero") return std::trunc(x);
  if (mode == "Up") return std::ceil(x);
  if (mode == "Down") return below;
  if (rest != 0.5) return std::floor(x + 0.5);
  if (mode == "HalfUp") return below + 1.0;
  if (mode == "HalfDown") return below;
  if (mode == "HalfTowardsZero") return x > 0.0 ? below : below + 1.0;
  const bool below_is_even = std::fmod(below, 2.0) == 0.0;
  if (mode == "HalfToEven") return below_is_even ? below : below + 1.0;
  if (mode == "HalfToOdd") return below_is_even ? below + 1.0 : below;
  return x > 0.0 ? below + 1.0 : below;  // HalfAwayFromZero
}

bool compare(double a, double b, llvm::StringRef mode) {
  if (mode == "Equal") return a == b;
  if (mode == "NotEqual") return a != b;
  if (mode == "Less") return a < b;
  if (mode == "LessOrEqual") return a <= b;
  if (mode == "Greater") return a > b;
  if (mode == "GreaterOrEqual") return a >= b;
  if (mode == "And") return a != 0.0 && b != 0.0;
  if (mode == "Xor") return (a != 0.0) != (b != 0.0);
  return a == 0.0;  // Not
}

// Sign of the divisor, as Python's %.
double modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0.0 && (rest < 0.0) != (b < 0.0) ? rest + b : rest;
}

// NaN wins, as in PyTorch.
double largest(double a, double b) { return a > b || std::isnan(a) ? a : b; }
double smallest(double a, double b) { return a < b || std::isnan(a) ? a : b; }

std::optional<Function> plain_function(mlir::Operation* op) {
  static const std::map<std::string, double (*)(double)> kFunctions = {
      {"top.Exp", [](double x) { return std::exp(x); }},
      {"top.Log", [](double x) { return std::log(x); }},
      {"top.Sqrt", [](double x) { return std::sqrt(x); }},
      {"top.Rsqrt", [](double x) { return 1.0 / std::sqrt(x); }},
      {"top.Sin", [](double x) { return std::sin(x); }},
      {"top.Cos", [](double x) { return std::cos(x); }},
      {"top.Abs", [](double x) { return std::abs(x); }},
      {"top.Floor", [](double x) { return std::floor(x); }},
      {"top.Ceil", [](double x) { return std::ceil(x); }},
      {"top.Round", [](double x) { return round_by(x, "HalfToEven"); }},
      {"top.Erf", [](double x) { return std::erf(x); }},
      {"top.Tanh", [](double x) { return std::tanh(x); }},
      {"top.SiLU", [](double x) { return x * sigmoid(x); }},
      {"top.Softplus", softplus},
      {"top.Sign", [](double x) { return x > 0.0   ? 1.0
                                         : x < 0.0 ? -1.0
                                                   : x; }},
  };
  const auto found = kFunctions.find(op->getName().getStringRef().str());
  if (found == kFunctions.end()) return std::nullopt;
  return Function(found->second);
}

std::optional<Function> function_with_attributes(mlir::Operation* op) {
  if (auto relu_op = mlir::dyn_cast<top::ReluOp>(op)) {
    return [limit = number(relu_op.getReluLimit())](double x) {
      return static_cast<double>(relu(static_cast<float>(x), limit));
    };
  }
  if (auto gelu_op = mlir::dyn_cast<top::GELUOp>(op)) {
    return [mode = gelu_op.getApproxMode()](double x) { return gelu(x, mode); };
  }
  if (auto sigmoid_op = mlir::dyn_cast<top::SigmoidOp>(op)) {
    const double scale = number(sigmoid_op.getScale());
    const double bias = number(sigmoid_op.getBias());
    if (sigmoid_op.getLog()) return [](double x) { return -softplus(-x); };
    return [scale, bias](double x) { return scale * sigmoid(x) + bias; };
  }
  if (auto pow = mlir::dyn_cast<top::PowOp>(op)) {
    return [exponent = number(pow.getExponent())](double x) { return std::pow(x, exponent); };
  }
  if (auto pow = mlir::dyn_cast<top::Pow2Op>(op)) {
    return [base = number(pow.getConstVal())](double x) { return std::pow(base, x); };
  }
  if (auto clip = mlir::dyn_cast<top::ClipOp>(op)) {
    return [low = number(clip.getMin()), high = number(clip.getMax())](double x) {
      return smallest(largest(x, low), high);
    };
  }
  if (auto cast = mlir::dyn_cast<top::CastOp>(op)) {
    const bool whole = !cast.getTo().empty() && cast.getTo() != "F32";
    return [whole, mode = cast.getRoundMode()](double x) { return whole ? round_by(x, mode) : x; };
  }
  if (auto add = mlir::dyn_cast<top::AddConstOp>(op)) {
    return [value = number(add.getConstVal())](double x) { return x + value; };
  }
  if (auto sub = mlir::dyn_cast<top::SubConstOp>(op)) {
    return [value = number(sub.getConstVal()), reverse = sub.getIsReverse()](double x) {
      return reverse ? value - x : x - value;
    };
  }
  if (auto mul = mlir::dyn_cast<top::MulConstOp>(op)) {
    return [value = number(mul.getConstVal())](double x) { return x * value; };
  }
  if (auto max = mlir::dyn_cast<top::MaxConstOp>(op)) {
    return [value = number(max.getConstVal())](double x) { return largest(x, value); };
  }
  if (auto min = mlir::dyn_cast<top::MinConstOp>(op)) {
    return [value = number(min.getConstVal())](double x) { return smallest(x, value); };
  }
  if (auto reciprocal = mlir::dyn_cast<top::ReciprocalOp>(op)) {
    return [value = number(reciprocal.getConstVal())](double x) { return value / x; };
  }
  if (auto constant = mlir::dyn_cast<top::CompareConstOp>(op)) {
    return [mode = constant.getMode(), value = number(constant.getConstVal()), inversed = constant.getInversed()](
               double x) { return (inversed ? compare(value, x, mode) : compare(x, value, mode)) ? 1.0 : 0.0; };
  }
  return std::nullopt;
}

double combine(mlir::Operation* op, double a, double b) {
  if (mlir::isa<top::AddOp>(op)) return a + b;
  if (mlir::isa<top::MulOp>(op)) return a * b;
  if (mlir::isa<top::MaxOp>(op)) return largest(a, b);
  if (mlir::isa<top::MinOp>(op)) return smallest(a, b);
  if (mlir::isa<top::ModOp>(op)) return modulo(a, b);
  if (mlir::isa<top::Pow3Op>(op)) return std::pow(a, b);
  if (auto sub = mlir::dyn_cast<top::SubOp>(op)) return sub.getIsReverse() ? b - a : a - b;
  if (auto div = mlir::dyn_cast<top::DivOp>(op)) return div.getIsReverse() ? b / a : a / b;
  return compare(a, b, mlir::cast<top::CompareOp>(op).getMode()) ? 1.0 : 0.0;
}

// body(element of the result, element of each operand) for all elements of the result
template <class Body>
void for_each_broadcast(const Arguments& arguments, const Body& body) {
  const Shape& out = arguments.out_shape();
  const Shape strides = dense_strides(out);
  std::vector<Shape> operand_strides;
  for (const TensorView& operand : arguments.operands) operand_strides.push_back(broadcast_strides(operand.shape, out));
  const int64_t inner = out.empty() ? 1 : out.back();
  const int64_t rows = inner == 0 ? 0 : element_count(out) / inner;
  arguments.run_chunks(rows, [&](int64_t begin, int64_t end) {
    std::vector<int64_t> at(arguments.operands.size());
    for (int64_t row = begin; row < end; ++row) {
      for (size_t operand = 0; operand < at.size(); ++operand) {
        at[operand] = 0;
        for (size_t axis = 0; axis + 1 < out.size(); ++axis) {
          at[operand] += row * inner / strides[axis] % out[axis] * operand_strides[operand][axis];
        }
      }
      for (int64_t i = 0; i < inner; ++i) {
        body(row * inner + i, at);
        for (size_t operand = 0; operand < at.size(); ++operand) {
          if (!out.empty()) at[operand] += operand_strides[operand].back();
        }
      }
    }
  });
}

}  // namespace

std::optional<Status> evaluate_unary(const Arguments& arguments) {
  std::optional<Function> function = plain_function(arguments.op);
  if (!function) function = function_with_attributes(arguments.op);
  if (!function) return std::nullopt;
  arguments.run_chunks(arguments.results.front().count(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      arguments.out()[i] = static_cast<float>((*function)(static_cast<double>(arguments.in(0)[i])));
    }
  });
  return Status::ok();
}

std::optional<Status> evaluate_binary(const Arguments& arguments) {
  mlir::Operation* op = arguments.op;
  float* out = arguments.out();
  if (auto where = mlir::dyn_cast<top::WhereOp>(op)) {
    const double if_true = number(where.getXConstVal());
    const double if_false = number(where.getYConstVal());
    for_each_broadcast(arguments, [&](int64_t i, const std::vector<int64_t>& at) {
      const size_t branch = arguments.in(0)[at[0]] != 0.0f ? 1 : 2;
      out[i] = arguments.absent(branch) ? static_cast<float>(branch == 1 ? if_true : if_false)
                                        : arguments.in(branch)[at[branch]];
    });
    return Status::ok();
  }
  if (!mlir::isa<top::AddOp, top::SubOp, top::MulOp, top::DivOp, top::MaxOp, top::MinOp, top::ModOp, top::Pow3Op,
                 top::CompareOp>(op)) {
    return std::nullopt;
  }
  for_each_broadcast(arguments, [&](int64_t i, const std::vector<int64_t>& at) {
    double value = static_cast<double>(arguments.in(0)[at[0]]);
    for (size_t operand = 1; operand < at.size(); ++operand) {
      value = combine(op, value, static_cast<double>(arguments.in(operand)[at[operand]]));
    }
    out[i] = static_cast<float>(value);
  });
  return Status::ok();
}

}  // namespace samc
