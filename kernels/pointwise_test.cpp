#include "kernels/pointwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/testing.h"

namespace samc {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

double exact(UnaryOp op, double x) {
  switch (op) {
    case UnaryOp::kRelu:
      return x > 0 ? x : 0;
    case UnaryOp::kGelu:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case UnaryOp::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case UnaryOp::kExp:
      return std::exp(x);
    case UnaryOp::kSin:
      return std::sin(x);
    case UnaryOp::kCos:
      return std::cos(x);
    case UnaryOp::kSqrt:
      return std::sqrt(x);
    case UnaryOp::kAbs:
      return std::abs(x);
    case UnaryOp::kNeg:
      return -x;
    case UnaryOp::kFloor:
      return std::floor(x);
    case UnaryOp::kSquare:
      return x * x;
    case UnaryOp::kTanh:
      return std::tanh(x);
    case UnaryOp::kErf:
      return std::erf(x);
    case UnaryOp::kAffine:
      return 1.5 * x - 0.25;
  }
  return 0;
}

constexpr UnaryOp kUnaryOps[] = {UnaryOp::kRelu,   UnaryOp::kGelu, UnaryOp::kSigmoid, UnaryOp::kExp,   UnaryOp::kSin,
                                 UnaryOp::kCos,    UnaryOp::kSqrt, UnaryOp::kAbs,     UnaryOp::kNeg,   UnaryOp::kFloor,
                                 UnaryOp::kSquare, UnaryOp::kTanh, UnaryOp::kErf,     UnaryOp::kAffine};

std::vector<float> run_unary(UnaryOp op, const std::vector<float>& src, KernelContext& context) {
  std::vector<float> dst(src.size());
  const auto count = static_cast<int64_t>(src.size());
  unary({.op = op, .count = count, .alpha = 1.5f, .beta = -0.25f}, src.data(), dst.data(), context);
  return dst;
}

TEST(Unary, MatchesTheDefinition) {
  std::vector<float> src;
  for (const float magnitude : {1e-6f, 0.1f, 1.0f, 10.0f, 80.0f}) {
    for (const float x : random_floats(3001, 1)) src.push_back(x * magnitude);
  }
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    for (const UnaryOp op : kUnaryOps) {
      const std::vector<float> got = run_unary(op, src, context.get());
      for (size_t i = 0; i < src.size(); ++i) {
        if (op == UnaryOp::kSqrt && src[i] < 0) {
          ASSERT_TRUE(std::isnan(got[i]));
          continue;
        }
        const double want = exact(op, static_cast<double>(src[i]));
        ASSERT_NEAR(got[i], want,
                    2.5e-7 * std::max(op == UnaryOp::kGelu ? std::abs(src[i]) : 0.0, std::abs(want)) + 1e-7)
            << isa.name << ", operation " << static_cast<int>(op) << " of " << src[i];
      }
    }
  }
}

TEST(Unary, SpecialValues) {
  const std::vector<float> src{kNan, kInfinity, -kInfinity, 0.0f, -0.0f, 200.0f, -200.0f};
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 1);
    for (const UnaryOp op : kUnaryOps)
      EXPECT_TRUE(std::isnan(run_unary(op, src, context.get())[0])) << static_cast<int>(op);
    const std::vector<float> exps = run_unary(UnaryOp::kExp, src, context.get());
    EXPECT_EQ(exps[1], kInfinity);
    EXPECT_EQ(exps[2], 0.0f);
    EXPECT_EQ(exps[3], 1.0f);
    EXPECT_EQ(exps[5], kInfinity);
    EXPECT_EQ(exps[6], 0.0f);
    const std::vector<float> sigmoids = run_unary(UnaryOp::kSigmoid, src, context.get());
    EXPECT_EQ(sigmoids[1], 1.0f);
    EXPECT_EQ(sigmoids[2], 0.0f);
    EXPECT_EQ(sigmoids[3], 0.5f);
    const std::vector<float> gelus = run_unary(UnaryOp::kGelu, src, context.get());
    EXPECT_EQ(gelus[1], kInfinity);
    EXPECT_EQ(gelus[5], 200.0f);
    EXPECT_NEAR(gelus[6], 0.0f, 1e-15f);
    const std::vector<float> erfs = run_unary(UnaryOp::kErf, src, context.get());
    EXPECT_EQ(erfs[1], 1.0f);
    EXPECT_EQ(erfs[2], -1.0f);
  }
}

TEST(Unary, AnyCountAndInPlace) {
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    for (const int64_t count : {0, 1, 7, 15, 16, 17, 33, 16384, 16385, 40000}) {
      std::vector<float> values = random_floats(count + 1, 3);
      const std::vector<float> before = values;
      unary({.op = UnaryOp::kSquare, .count = count}, values.data(), values.data(), context.get());
      for (int64_t i = 0; i < count; ++i) {
        const auto at = static_cast<size_t>(i);
        ASSERT_EQ(values[at], before[at] * before[at]);
      }
      ASSERT_EQ(values.back(), before.back()) << "wrote behind the end";
    }
  }
}

// The element of a broadcast operand that belongs to position index of the result.
int64_t element_of(const Shape& shape, const Shape& result, int64_t index) {
  int64_t offset = 0;
  int64_t stride = 1;
  for (size_t i = 0; i < result.size(); ++i) {
    const int64_t extent = result[result.size() - 1 - i];
    if (i < shape.size()) {
      const int64_t own = shape[shape.size() - 1 - i];
      if (own != 1) offset += index % extent * stride;
      stride *= own;
    }
    index /= extent;
  }
  return offset;
}

const std::vector<std::pair<Shape, Shape>>& broadcast_cases() {
  static const std::vector<std::pair<Shape, Shape>> cases{{{5, 7}, {5, 7}},
                                                          {{3, 40}, {40}},
                                                          {{40}, {3, 40}},
                                                          {{3, 40}, {3, 1}},
                                                          {{1}, {3, 17}},
                                                          {{}, {19}},
                                                          {{19}, {}},
                                                          {{}, {}},
                                                          {{2, 3, 4, 5}, {3, 1, 5}},
                                                          {{2, 1, 4, 1}, {1, 3, 1, 5}},
                                                          {{1, 8, 6, 6}, {1, 8, 1, 1}},
                                                          {{2, 3, 2, 3, 2, 3}, {3, 1, 3, 1, 3}},
                                                          {{2, 1, 2, 1, 2, 1}, {1, 3, 1, 3, 1, 3}},
                                                          {{1, 20000}, {2, 20000}},
                                                          {{0, 4}, {1, 4}},
                                                          {{3, 1}, {1, 50}}};
  return cases;
}

TEST(Binary, BroadcastsAsNumpyDoes) {
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 2);
    for (const auto& [shape_a, shape_b] : broadcast_cases()) {
      const Shape result = broadcast_shape(shape_a, shape_b);
      const std::vector<float> a = random_floats(element_count(shape_a), 1);
      const std::vector<float> b = random_floats(element_count(shape_b), 2);
      const auto count = static_cast<size_t>(element_count(result));
      std::vector<float> got(count);
      for (const BinaryOp op :
           {BinaryOp::kAdd, BinaryOp::kSub, BinaryOp::kMul, BinaryOp::kDiv, BinaryOp::kMax, BinaryOp::kMin}) {
        for (const Activation activation :
             {Activation::kNone, Activation::kRelu, Activation::kGelu, Activation::kSigmoid}) {
          binary({op, activation, shape_a, shape_b}, a.data(), b.data(), got.data(), context.get());
          for (size_t i = 0; i < count; ++i) {
            const float x = a[static_cast<size_t>(element_of(shape_a, result, static_cast<int64_t>(i)))];
            const float y = b[static_cast<size_t>(element_of(shape_b, result, static_cast<int64_t>(i)))];
            const float values[] = {x + y, x - y, x * y, x / y, std::max(x, y), std::min(x, y)};
            const float want = activate(values[static_cast<int>(op)], activation);
            ASSERT_NEAR(got[i], want, 3e-7f * std::max(1.0f, std::abs(values[static_cast<int>(op)])))
                << isa.name << " " << shape_to_string(shape_a) << " " << shape_to_string(shape_b) << " at " << i;
          }
        }
      }
    }
  }
}

TEST(Binary, MaxAndMinKeepNan) {
  const std::vector<float> a{kNan, 1, kNan, 2};
  const std::vector<float> b{1, kNan, kNan, 3};
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 1);
    for (const BinaryOp op : {BinaryOp::kMax, BinaryOp::kMin}) {
      std::vector<float> dst(4);
      binary({op, Activation::kNone, {4}, {4}}, a.data(), b.data(), dst.data(), context.get());
      for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(dst[i])) << isa.name;
      EXPECT_EQ(dst[3], op == BinaryOp::kMax ? 3.0f : 2.0f);
    }
  }
}

TEST(Compare, WithAValueAndWithAnOperand) {
  TestContext context(kScalarIsa, 2);
  const std::vector<float> a{-1, 0, 1, 2, kNan};
  const std::vector<std::vector<float>> want{{0, 0, 1, 0, 0}, {1, 1, 0, 1, 1}, {1, 1, 0, 0, 0},
                                             {1, 1, 1, 0, 0}, {0, 0, 0, 1, 0}, {0, 0, 1, 1, 0}};
  const float one = 1;
  for (int op = 0; op < 6; ++op) {
    std::vector<float> dst(5);
    const CompareParams params{static_cast<CompareOp>(op), {5}, {1}, 1.0f};
    compare(params, a.data(), nullptr, dst.data(), context.get());
    EXPECT_EQ(dst, want[static_cast<size_t>(op)]);
    compare(params, a.data(), &one, dst.data(), context.get());
    EXPECT_EQ(dst, want[static_cast<size_t>(op)]);
  }
}

TEST(Where, Broadcasts) {
  TestContext context(kScalarIsa, 2);
  const std::vector<float> condition{1, 0};
  const std::vector<float> a{1, 2, 3};
  const float b = 9;
  std::vector<float> dst(6);
  where({{2, 1}, {3}, {}}, condition.data(), a.data(), &b, dst.data(), context.get());
  EXPECT_EQ(dst, (std::vector<float>{1, 2, 3, 9, 9, 9}));
}

TEST(OperationNames, UnknownOnesAreRefusedWithTheKnownOnes) {
  EXPECT_EQ(unary_op_named("gelu").value(), UnaryOp::kGelu);
  EXPECT_EQ(binary_op_named("max").value(), BinaryOp::kMax);
  EXPECT_EQ(compare_op_named("less_equal").value(), CompareOp::kLessEqual);
  EXPECT_NE(unary_op_named("swish").status().to_string().find("affine"), std::string::npos);
  EXPECT_FALSE(binary_op_named("").is_ok());
}

}  // namespace
}  // namespace samc
