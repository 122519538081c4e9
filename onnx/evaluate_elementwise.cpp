#include <algorithm>
#include <cmath>
#include <limits>

#include "onnx/evaluate.h"

namespace samc::onnx {
namespace {

using RealFunction = double (*)(double);

// In double, then rounded once: for +, -, *, / and sqrt that is the correctly rounded f32 result.
RealFunction unary_function(std::string_view op) {
  static const std::map<std::string_view, RealFunction> functions = {
      {"Sqrt", [](double x) { return std::sqrt(x); }},
      {"Exp", [](double x) { return std::exp(x); }},
      {"Log", [](double x) { return std::log(x); }},
      {"Sin", [](double x) { return std::sin(x); }},
      {"Cos", [](double x) { return std::cos(x); }},
      {"Tanh", [](double x) { return std::tanh(x); }},
      {"Erf", [](double x) { return std::erf(x); }},
      {"Sigmoid", [](double x) { return 1.0 / (1.0 + std::exp(-x)); }},
      {"Reciprocal", [](double x) { return 1.0 / x; }},
      {"Floor", [](double x) { return std::floor(x); }},
      {"Ceil", [](double x) { return std::ceil(x); }},
      {"Round", [](double x) { return std::nearbyint(x); }},
      {"Neg", [](double x) { return -x; }},
      {"Abs", [](double x) { return std::fabs(x); }},
      {"Sign", [](double x) { return x > 0   ? 1.0
                                     : x < 0 ? -1.0
                                             : x; }},
      {"Relu", [](double x) { return x > 0 || std::isnan(x) ? x : 0.0; }},
      {"Softplus", [](double x) { return std::log1p(std::exp(x)); }},
  };
  const auto found = functions.find(op);
  return found == functions.end() ? nullptr : found->second;
}

int64_t wrapped(uint64_t value) { return static_cast<int64_t>(value); }

Result<int64_t> integer_unary(std::string_view op, int64_t x) {
  if (op == "Neg") return wrapped(uint64_t{0} - static_cast<uint64_t>(x));
  if (op == "Abs") return x < 0 ? wrapped(uint64_t{0} - static_cast<uint64_t>(x)) : x;
  if (op == "Sign") return int64_t{x > 0} - int64_t{x < 0};
  if (op == "Relu") return std::max<int64_t>(x, 0);
  if (op == "Not") return int64_t{x == 0};
  if (op == "Floor" || op == "Ceil" || op == "Round") return x;
  return unsupported("it does not exist for integers");
}

int64_t integer_power(int64_t base, int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
  uint64_t result = 1;
  uint64_t factor = static_cast<uint64_t>(base);
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result *= factor;
    factor *= factor;
  }
  return wrapped(result);
}

Result<int64_t> integer_binary(std::string_view op, int64_t a, int64_t b, bool fmod) {
  const uint64_t ua = static_cast<uint64_t>(a);
  const uint64_t ub = static_cast<uint64_t>(b);
  if (op == "Add") return wrapped(ua + ub);
  if (op == "Sub") return wrapped(ua - ub);
  if (op == "Mul") return wrapped(ua * ub);
  if (op == "Max") return std::max(a, b);
  if (op == "Min") return std::min(a, b);
  if (op == "Pow") return integer_power(a, b);
  if (op == "And") return int64_t{a != 0 && b != 0};
  if (op == "Or") return int64_t{a != 0 || b != 0};
  if (op == "Xor") return int64_t{(a != 0) != (b != 0)};
  if (b == 0) return invalid_input("it divides an integer by 0");
  if (b == -1) return op == "Div" ? wrapped(uint64_t{0} - ua) : 0;
  if (op == "Div") return a / b;  // towards zero
  const int64_t remainder = a % b;
  return fmod || remainder == 0 || (remainder < 0) == (b < 0) ? remainder : remainder + b;
}

double real_binary(std::string_view op, double a, double b, bool fmod) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Div") return a / b;
  if (op == "Max") return std::isnan(a) || a > b ? a : b;
  if (op == "Min") return std::isnan(a) || a < b ? a : b;
  if (op == "Pow") return std::pow(a, b);
  const double remainder = std::fmod(a, b);
  return fmod || remainder == 0 || (remainder < 0) == (b < 0) ? remainder : remainder + b;
}

bool compare_values(std::string_view op, auto a, auto b) {
  if (op == "Equal") return a == b;
  if (op == "Greater") return a > b;
  if (op == "GreaterOrEqual") return a >= b;
  if (op == "Less") return a < b;
  return a <= b;
}

double sum(double a, double b) { return a + b; }
double multiply(double a, double b) { return a * b; }
int64_t sum(int64_t a, int64_t b) { return wrapped(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }
int64_t multiply(int64_t a, int64_t b) { return wrapped(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)); }

// Calls visit(i, offset in a, offset in b) over the broadcast shape of two operands.
template <class Visit>
Result<Shape> walk_pair(const Constant& a, const Constant& b, Visit&& visit) {
  SAMC_ASSIGN(const Shape shape, broadcast(a.view.shape, b.view.shape));
  const std::vector<int64_t> in_a = walk_offsets(shape, broadcast_strides(a.view.shape, shape), 0);
  const std::vector<int64_t> in_b = walk_offsets(shape, broadcast_strides(b.view.shape, shape), 0);
  for (size_t i = 0; i < in_a.size(); ++i) visit(static_cast<int64_t>(i), in_a[i], in_b[i]);
  return shape;
}

Result<Tensor> binary(const std::string& op, const Constant& a, const Constant& b, DType dtype, bool fmod) {
  SAMC_ASSIGN(const Shape shape, broadcast(a.view.shape, b.view.shape));
  Tensor tensor(dtype, shape);
  Status status;
  const bool real = is_real(a.view.dtype) || is_real(b.view.dtype);
  const Result<Shape> walked = walk_pair(a, b, [&](int64_t i, int64_t at_a, int64_t at_b) {
    if (real) {
      const double value = real_binary(op, a.real(at_a), b.real(at_b), fmod);
      if (is_real(dtype))
        store_real(tensor, i, value);
      else
        store_integer(tensor, i, to_integer(value));
      return;
    }
    const Result<int64_t> value = integer_binary(op, a.integer(at_a), b.integer(at_b), fmod);
    if (value.is_ok())
      store_integer(tensor, i, value.value());
    else
      status = value.status();
  });
  SAMC_TRY(walked.status());
  SAMC_TRY(status);
  return tensor;
}

}  // namespace

Evaluation evaluate_unary(const NodeContext& context) {
  const Constant& input = *context.input(0).constant;
  Tensor tensor(input.view.dtype, input.view.shape);
  if (is_real(input.view.dtype)) {
    const RealFunction function = unary_function(context.node().op);
    if (function == nullptr) return unsupported("it does not exist for floating-point numbers");
    for (int64_t i = 0; i < input.count(); ++i) store_real(tensor, i, function(input.real(i)));
  } else {
    for (int64_t i = 0; i < input.count(); ++i) {
      SAMC_ASSIGN(const int64_t value, integer_unary(context.node().op, input.integer(i)));
      store_integer(tensor, i, value);
    }
  }
  return one(std::move(tensor));
}

// Max and Min take any number of operands, the others two.
Evaluation evaluate_binary(const NodeContext& context) {
  // Only Pow may mix types; its result has the base's.
  if (context.node().op != "Pow") SAMC_TRY(need_same_type(context, 0, context.input_count()));
  if (context.node().op == "And" || context.node().op == "Or" || context.node().op == "Xor")
    SAMC_TRY(need_integers(context, 0));
  const bool fmod = context.integer("fmod", 0) != 0;
  const DType dtype = context.input(0).dtype;
  Constant result = *context.input(0).constant;
  for (size_t i = 1; i < context.input_count(); ++i) {
    SAMC_ASSIGN(Tensor tensor, binary(context.node().op, result, *context.input(i).constant, dtype, fmod));
    if (i + 1 == context.input_count()) return one(std::move(tensor));
    result = Constant::of(std::move(tensor));
  }
  return one(Tensor::copy_of(result.view));
}

Evaluation evaluate_compare(const NodeContext& context) {
  SAMC_TRY(need_same_type(context, 0, 2));
  const Constant& a = *context.input(0).constant;
  const Constant& b = *context.input(1).constant;
  const std::string& op = context.node().op;
  SAMC_ASSIGN(const Shape shape, broadcast(a.view.shape, b.view.shape));
  Tensor tensor(DType::kBool, shape);
  const bool real = is_real(a.view.dtype) || is_real(b.view.dtype);
  const Result<Shape> walked = walk_pair(a, b, [&](int64_t i, int64_t at_a, int64_t at_b) {
    store_integer(
        tensor, i,
        real ? compare_values(op, a.real(at_a), b.real(at_b)) : compare_values(op, a.integer(at_a), b.integer(at_b)));
  });
  SAMC_TRY(walked.status());
  return one(std::move(tensor));
}

Evaluation evaluate_where(const NodeContext& context) {
  SAMC_TRY(need_integers(context, 0));
  SAMC_TRY(need_same_type(context, 1, 3));
  const Constant& condition = *context.input(0).constant;
  const Constant& if_true = *context.input(1).constant;
  const Constant& if_false = *context.input(2).constant;
  SAMC_ASSIGN(const Shape branches, broadcast(if_true.view.shape, if_false.view.shape));
  SAMC_ASSIGN(const Shape shape, broadcast(condition.view.shape, branches));
  Tensor tensor = gather_strided(if_true, shape, broadcast_strides(if_true.view.shape, shape), 0);
  const Tensor other = gather_strided(if_false, shape, broadcast_strides(if_false.view.shape, shape), 0);
  const size_t size = static_cast<size_t>(dtype_size(tensor.dtype()));
  walk(shape, broadcast_strides(condition.view.shape, shape), 0, [&](int64_t i, int64_t at) {
    if (condition.integer(at) != 0) return;
    std::memcpy(static_cast<std::byte*>(tensor.data()) + static_cast<size_t>(i) * size,
                static_cast<const std::byte*>(other.data()) + static_cast<size_t>(i) * size, size);
  });
  return one(std::move(tensor));
}

Evaluation evaluate_clip(const NodeContext& context) {
  SAMC_TRY(need_same_type(context, 0, context.input_count()));
  for (size_t i = 1; i < context.input_count(); ++i)
    if (context.has(i) && context.input(i).constant->count() != 1) return invalid_input("its limits are not scalars");
  const Constant& input = *context.input(0).constant;
  Tensor tensor(input.view.dtype, input.view.shape);
  for (int64_t i = 0; i < input.count(); ++i) {
    if (is_real(input.view.dtype)) {
      double value = input.real(i);
      if (context.has(1) && value < context.input(1).constant->real(0)) value = context.input(1).constant->real(0);
      if (context.has(2) && value > context.input(2).constant->real(0)) value = context.input(2).constant->real(0);
      store_real(tensor, i, value);
    } else {
      int64_t value = input.integer(i);
      if (context.has(1)) value = std::max(value, context.input(1).constant->integer(0));
      if (context.has(2)) value = std::min(value, context.input(2).constant->integer(0));
      store_integer(tensor, i, value);
    }
  }
  return one(std::move(tensor));
}

Evaluation evaluate_cast(const NodeContext& context) {
  const Constant& input = *context.input(0).constant;
  SAMC_ASSIGN(const DType dtype, cast_type(context));
  Tensor tensor(dtype, input.view.shape);
  for (int64_t i = 0; i < input.count(); ++i) {
    if (is_real(dtype)) {
      store_real(tensor, i, input.real(i));
    } else if (!is_real(input.view.dtype)) {
      store_integer(tensor, i, input.integer(i));
    } else if (dtype == DType::kBool) {
      store_integer(tensor, i, input.real(i) != 0.0);
    } else {
      store_integer(tensor, i, to_integer(input.real(i)));
    }
  }
  return one(std::move(tensor));
}

Evaluation evaluate_cum_sum(const NodeContext& context) {
  const Constant& input = *context.input(0).constant;
  SAMC_ASSIGN(const int64_t axis, cum_sum_axis(context));
  const bool exclusive = context.integer("exclusive", 0) != 0;
  const bool reverse = context.integer("reverse", 0) != 0;
  const Shape& shape = input.view.shape;
  const int64_t extent = shape[static_cast<size_t>(axis)];
  const int64_t inner = dense_strides(shape)[static_cast<size_t>(axis)];
  Tensor tensor(input.view.dtype, shape);
  const auto add_up = [&](auto total, const auto& read, const auto& store, int64_t first) {
    for (int64_t k = 0; k < extent; ++k) {
      const int64_t at = first + (reverse ? extent - 1 - k : k) * inner;
      if (exclusive) store(at, total);
      total = sum(total, read(at));
      if (!exclusive) store(at, total);
    }
  };
  for (int64_t first = 0; first < input.count(); ++first) {
    if (first / inner % extent != 0) continue;
    if (is_real(input.view.dtype))
      add_up(
          0.0, [&](int64_t at) { return input.real(at); },
          [&](int64_t at, double value) { store_real(tensor, at, value); }, first);
    else
      add_up(
          int64_t{0}, [&](int64_t at) { return input.integer(at); },
          [&](int64_t at, int64_t value) { store_integer(tensor, at, value); }, first);
  }
  return one(std::move(tensor));
}

Evaluation evaluate_dequantize(const NodeContext& context) {
  SAMC_TRY(need_integers(context, 0));
  const Constant& input = *context.input(0).constant;
  const Constant& scale = *context.input(1).constant;
  const Shape& shape = input.view.shape;
  Shape along(shape.size(), 1);  // the scale's shape beside the operand's
  if (scale.count() != 1) {
    SAMC_ASSIGN(const int64_t axis, normal_axis(context.integer("axis", 1), context.input(0).rank()));
    along[static_cast<size_t>(axis)] = scale.count();
  }
  Tensor tensor(shape);
  walk(shape, broadcast_strides(along, shape), 0, [&](int64_t i, int64_t at) {
    const int64_t zero = context.has(2) ? context.input(2).constant->integer(at) : 0;
    store_real(tensor, i, static_cast<double>(input.integer(i) - zero) * scale.real(at));
  });
  return one(std::move(tensor));
}

Evaluation evaluate_reduce(const NodeContext& context) {
  const Constant& input = *context.input(0).constant;
  SAMC_ASSIGN(const ReduceParameters parameters, reduce_parameters(context));
  const Shape& shape = input.view.shape;
  Shape kept = shape;
  for (const int64_t axis : parameters.axes) kept[static_cast<size_t>(axis)] = 1;
  int64_t reduced = 1;
  for (const int64_t axis : parameters.axes) reduced *= shape[static_cast<size_t>(axis)];
  const std::string& op = context.node().op;
  const bool real = is_real(input.view.dtype);
  if (reduced == 0 && op != "ReduceSum" && op != "ReduceProd") return invalid_input("it reduces nothing");

  const size_t count = static_cast<size_t>(element_count(kept));
  const bool product = op == "ReduceProd";
  std::vector<double> reals(real ? count : 0, product ? 1.0 : 0.0);
  std::vector<int64_t> integers(real ? 0 : count, product ? 1 : 0);
  std::vector<uint8_t> begun(count, 0);
  walk(shape, broadcast_strides(kept, shape), 0, [&](int64_t i, int64_t at) {
    const size_t place = static_cast<size_t>(at);
    const bool first = begun[place] == 0;
    begun[place] = 1;
    const auto combine = [&](auto& total, auto value) {
      using Number = std::decay_t<decltype(total)>;
      if (op == "ReduceMax")
        total = first ? value : std::max<Number>(total, value);
      else if (op == "ReduceMin")
        total = first ? value : std::min<Number>(total, value);
      else if (product)
        total = multiply(total, value);
      else if (op == "ReduceL2")
        total = sum(total, multiply(value, value));
      else
        total = sum(total, value);
    };
    if (real)
      combine(reals[place], input.real(i));
    else
      combine(integers[place], input.integer(i));
  });
  Tensor tensor(input.view.dtype, kept);
  for (size_t i = 0; i < count; ++i) {
    if (real) {
      double value = reals[i];
      if (op == "ReduceMean") value /= static_cast<double>(reduced);
      if (op == "ReduceL2") value = std::sqrt(value);
      store_real(tensor, static_cast<int64_t>(i), value);
    } else {
      store_integer(tensor, static_cast<int64_t>(i),
                    op == "ReduceMean" ? integers[i] / std::max<int64_t>(1, reduced) : integers[i]);
    }
  }
  if (!parameters.keep_dims) {
    Shape squeezed;
    for (size_t i = 0; i < shape.size(); ++i)
      if (std::find(parameters.axes.begin(), parameters.axes.end(), static_cast<int64_t>(i)) == parameters.axes.end())
        squeezed.push_back(shape[i]);
    tensor.reshape(squeezed);
  }
  return one(std::move(tensor));
}

}  // namespace samc::onnx
