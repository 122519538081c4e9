// Every kernel of docs/plan_ops.md through a plan written by hand, against a plain loop; and what is refused.

#include "runtime/executor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "kernels/attention.h"
#include "kernels/axial_attention.h"
#include "kernels/depthwise_conv.h"
#include "kernels/direct_conv.h"
#include "kernels/gemm.h"
#include "kernels/layer_norm.h"
#include "kernels/permute.h"
#include "kernels/pointwise.h"
#include "kernels/reduce.h"
#include "kernels/resample.h"
#include "kernels/rotary.h"
#include "kernels/softmax.h"
#include "kernels/testing.h"
#include "kernels/token_attention.h"
#include "runtime/testing.h"
#include "runtime/testing_models.h"

namespace samc {
namespace {

Tensor tensor(Shape shape, const std::vector<float>& numbers) {
  Tensor result(std::move(shape));
  EXPECT_EQ(result.f32().size(), numbers.size());
  std::copy(numbers.begin(), numbers.end(), result.f32().begin());
  return result;
}

// A function f with inputs "0", "1", ... and one output, of one operation that `describe` adds.
class OneOperation {
 public:
  OneOperation() { plan_.function("f"); }

  int32_t input(const Shape& shape) {
    inputs_.push_back(tensor(shape, random_floats(element_count(shape), inputs_.size() + 1)));
    return plan_.input(std::to_string(inputs_.size() - 1), Extents(shape.begin(), shape.end()));
  }
  std::vector<float> numbers(size_t index) const {
    const auto span = inputs_[index].f32();
    return {span.begin(), span.end()};
  }
  PlanBuilder& plan() { return plan_; }
  Operation& operation(const std::string& kernel, std::vector<int32_t> operands, const Shape& result) {
    return plan_.operation(kernel, std::move(operands), plan_.output("out", Extents(result.begin(), result.end())));
  }

  Status load() const { return Module::from_plan(plan_.module).status(); }
  void expect(const std::vector<float>& expected, double tolerance = 1e-5) {
    const auto module = Module::from_plan(plan_.module);
    ASSERT_TRUE(module.is_ok()) << module.status().to_string();
    auto executor = Executor::create(module.value(), 2);
    ASSERT_TRUE(executor.is_ok());
    std::vector<std::string> names;
    for (size_t index = 0; index < inputs_.size(); ++index) names.push_back(std::to_string(index));
    std::vector<NamedInput> inputs;
    for (size_t index = 0; index < inputs_.size(); ++index) inputs.push_back({names[index], inputs_[index].view()});
    Tensor out;
    const std::vector<NamedOutput> outputs = {{"out", &out}};
    const Status status = executor.value().run("f", {}, inputs, outputs);
    ASSERT_TRUE(status.is_ok()) << status.to_string();
    ASSERT_EQ(out.f32().size(), expected.size());
    for (size_t index = 0; index < expected.size(); ++index)
      ASSERT_NEAR(out.f32()[index], expected[index], tolerance) << "element " << index;
  }

 private:
  PlanBuilder plan_;
  std::vector<Tensor> inputs_;
};

std::vector<float> filled(int64_t count, const std::function<double(int64_t)>& element) {
  std::vector<float> result;
  for (int64_t index = 0; index < count; ++index) result.push_back(static_cast<float>(element(index)));
  return result;
}
size_t at(int64_t index) { return static_cast<size_t>(index); }

TEST(Kernels, Matmul) {
  OneOperation one;
  const auto w = random_floats(5 * 19, 50), bias = random_floats(19, 51);
  const int32_t src = one.input({2, 3, 5}), residual = one.input({6, 19});
  const int32_t weight = one.plan().packed_weight(w, 5, 19), bias_value = one.plan().weight(bias);
  one.operation("matmul", {src, weight, bias_value, residual}, {6, 19})
      .set("k", 5)
      .set("n", 19)
      .set_string("activation", "relu");
  const auto a = one.numbers(0), r = one.numbers(1);
  one.expect(filled(6 * 19, [&](int64_t i) {
    double sum = bias[at(i % 19)];
    for (int64_t k = 0; k < 5; ++k) sum += a[at(i / 19 * 5 + k)] * w[at(k * 19 + i % 19)];
    return std::max(sum, 0.0) + r[at(i)];
  }));
}

TEST(Kernels, BatchMatmul) {
  for (const int64_t transpose : {0, 1}) {
    OneOperation one;
    const int32_t a = one.input({2, 3, 4}), b = one.input(transpose ? Shape{2, 5, 4} : Shape{2, 4, 5});
    one.operation("batch_matmul", {a, b}, {2, 3, 5})
        .set("batch", 2)
        .set("m", 3)
        .set("k", 4)
        .set("n", 5)
        .set("transpose_b", transpose)
        .set_float("scale", 0.5);
    const auto x = one.numbers(0), y = one.numbers(1);
    one.expect(filled(30, [&](int64_t i) {
      const int64_t batch = i / 15, row = i / 5 % 3, column = i % 5;
      double sum = 0;
      for (int64_t k = 0; k < 4; ++k)
        sum += x[at((batch * 3 + row) * 4 + k)] * y[at(batch * 20 + (transpose ? column * 4 + k : k * 5 + column))];
      return 0.5 * sum;
    }));
  }
}

// src (h, w, c), kernel 3 x 3, stride 2, padding 1: element (y, x) of tap (i, j) or 0 outside.
double padded(const std::vector<float>& src, int64_t h, int64_t w, int64_t c, int64_t y, int64_t x, int64_t channel) {
  return y < 0 || x < 0 || y >= h || x >= w ? 0.0 : src[at((y * w + x) * c + channel)];
}

TEST(Kernels, Conv) {
  OneOperation one;
  const auto w = random_floats(9 * 2 * 4, 52), bias = random_floats(4, 53);
  const int32_t src = one.input({5, 6, 2}), weight = one.plan().packed_weight(w, 18, 4, WeightLayout::kPackedHwiByO);
  one.operation("conv", {src, weight, one.plan().weight(bias), kAbsent}, {3, 3, 4})
      .set("in_h", 5)
      .set("in_w", 6)
      .set("in_c", 2)
      .set("out_h", 3)
      .set("out_w", 3)
      .set("out_c", 4)
      .set("kernel_h", 3)
      .set("kernel_w", 3)
      .set("stride_h", 2)
      .set("stride_w", 2)
      .set("pad_top", 1)
      .set("pad_left", 1);
  const auto a = one.numbers(0);
  one.expect(filled(36, [&](int64_t index) {
    const int64_t y = index / 12, x = index / 4 % 3, out = index % 4;
    double sum = bias[at(out)];
    for (int64_t i = 0; i < 3; ++i)
      for (int64_t j = 0; j < 3; ++j)
        for (int64_t c = 0; c < 2; ++c)
          sum += padded(a, 5, 6, 2, 2 * y + i - 1, 2 * x + j - 1, c) * w[at(((i * 3 + j) * 2 + c) * 4 + out)];
    return sum;
  }));
}

TEST(Kernels, DepthwiseConv) {
  OneOperation one;
  const auto w = random_floats(9 * 3, 54);
  const int32_t src = one.input({4, 5, 3});
  one.operation("depthwise_conv", {src, one.plan().weight(w, WeightLayout::kHwc)}, {4, 5, 3})
      .set("in_h", 4)
      .set("in_w", 5)
      .set("in_c", 3)
      .set("out_h", 4)
      .set("out_w", 5)
      .set("kernel_h", 3)
      .set("kernel_w", 3)
      .set("stride_h", 1)
      .set("stride_w", 1)
      .set("pad_top", 1)
      .set("pad_left", 1);
  const auto a = one.numbers(0);
  one.expect(filled(60, [&](int64_t index) {
    double sum = 0;
    for (int64_t i = 0; i < 3; ++i)
      for (int64_t j = 0; j < 3; ++j)
        sum += padded(a, 4, 5, 3, index / 15 + i - 1, index / 3 % 5 + j - 1, index % 3) *
               w[at((i * 3 + j) * 3 + index % 3)];
    return sum;
  }));
}

TEST(Kernels, Deconv2x2) {
  OneOperation one;
  const auto w = random_floats(3 * 4 * 2, 55);  // (cin, (2 2 cout))
  const int32_t src = one.input({2, 3, 3}), residual = one.input({4, 6, 2});
  const int32_t weight = one.plan().packed_weight(w, 3, 8, WeightLayout::kPackedIByHwo);
  one.operation("deconv2x2", {src, weight, kAbsent, residual}, {4, 6, 2})
      .set("h", 2)
      .set("w", 3)
      .set("in_c", 3)
      .set("out_c", 2)
      .set_string("activation", "relu");
  const auto a = one.numbers(0), r = one.numbers(1);
  one.expect(filled(48, [&](int64_t index) {
    const int64_t y = index / 12, x = index / 2 % 6, out = index % 2;
    double sum = r[at(index)];
    for (int64_t c = 0; c < 3; ++c)
      sum += a[at((y / 2 * 3 + x / 2) * 3 + c)] * w[at(c * 8 + (y % 2 * 2 + x % 2) * 2 + out)];
    return std::max(sum, 0.0);
  }));
}

TEST(Kernels, AttentionOverTokensThatDependOnPoints) {
  PlanBuilder plan;
  plan.function("f", 0, 9);
  const Extent tokens(2, 1);
  const int32_t q = plan.input("q", {tokens, 4}), kv = plan.input("kv", {5, 8});
  const int32_t out = plan.output("out", {tokens, 4});
  plan.operation("attention", {q, kv, kv}, out)
      .set("batch", 1)
      .set("heads", 2)
      .set("dim", 2)
      .set("value_dim", 2)
      .set("q_offset", 0)
      .set("k_offset", 0)
      .set("v_offset", 4)
      .set("grid_q_h", 1)
      .set("grid_q_w", tokens)
      .set("window_q_h", 1)
      .set("window_q_w", tokens)
      .set("grid_k_h", 1)
      .set("grid_k_w", 5)
      .set("window_k_h", 1)
      .set("window_k_w", 5)
      .set_float("scale", 0.7);
  auto module = Module::from_plan(plan.module);
  ASSERT_TRUE(module.is_ok()) << module.status().to_string();
  Executor executor = Executor::create(module.value(), 2).value();
  for (const int64_t points : {0, 1, 7}) {
    const int64_t rows = points + 2;
    const Tensor query = tensor({rows, 4}, random_floats(rows * 4, 3));
    const Tensor keys = tensor({5, 8}, random_floats(40, 4));
    const std::vector<NamedInput> inputs = {{"kv", keys.view()}, {"q", query.view()}};
    Tensor result;
    const std::vector<NamedOutput> outputs = {{"out", &result}};
    ASSERT_TRUE(executor.run("f", {{kPoints, points}}, inputs, outputs).is_ok());
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t head = 0; head < 2; ++head) {
        double total = 0, sums[2] = {0, 0};
        for (int64_t key = 0; key < 5; ++key) {
          double score = 0;
          for (int64_t d = 0; d < 2; ++d)
            score += query.f32()[at(row * 4 + head * 2 + d)] * keys.f32()[at(key * 8 + head * 2 + d)];
          const double weight = std::exp(0.7 * score);
          total += weight;
          for (int64_t d = 0; d < 2; ++d) sums[d] += weight * keys.f32()[at(key * 8 + 4 + head * 2 + d)];
        }
        for (int64_t d = 0; d < 2; ++d) ASSERT_NEAR(result.f32()[at(row * 4 + head * 2 + d)], sums[d] / total, 1e-5);
      }
    }
  }
  EXPECT_FALSE(module.value()->bind("f", {{kPoints, 10}}).is_ok());
  EXPECT_FALSE(module.value()->bind("g", {}).is_ok());
}

TEST(Kernels, LayerNormAndSoftmax) {
  OneOperation one;
  const auto w = random_floats(6, 56), bias = random_floats(6, 57);
  const int32_t src = one.input({3, 6});
  one.operation("layer_norm", {src, one.plan().weight(w), one.plan().weight(bias)}, {3, 6}).set_float("eps", 1e-5);
  const auto a = one.numbers(0);
  one.expect(filled(18, [&](int64_t index) {
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < 6; ++c) mean += a[at(index / 6 * 6 + c)] / 6.0;
    for (int64_t c = 0; c < 6; ++c) variance += std::pow(a[at(index / 6 * 6 + c)] - mean, 2) / 6.0;
    return (a[at(index)] - mean) / std::sqrt(variance + 1e-5) * w[at(index % 6)] + bias[at(index % 6)];
  }));

  OneOperation other;
  const int32_t scores = other.input({3, 6});
  other.operation("softmax", {scores}, {3, 6}).set_float("scale", 2.0);
  const auto s = other.numbers(0);
  other.expect(filled(18, [&](int64_t index) {
    double total = 0;
    for (int64_t c = 0; c < 6; ++c) total += std::exp(2.0 * s[at(index / 6 * 6 + c)]);
    return std::exp(2.0 * s[at(index)]) / total;
  }));
}

TEST(Kernels, ElementByElement) {
  OneOperation binary;
  binary.operation("binary", {binary.input({2, 1, 4}), binary.input({3, 1})}, {2, 3, 4}).set_string("op", "sub");
  const auto a = binary.numbers(0), b = binary.numbers(1);
  binary.expect(filled(24, [&](int64_t i) { return a[at(i / 12 * 4 + i % 4)] - b[at(i / 4 % 3)]; }));

  OneOperation unary;
  unary.operation("unary", {unary.input({7})}, {7})
      .set_string("op", "affine")
      .set_float("alpha", 3)
      .set_float("beta", -1);
  const auto x = unary.numbers(0);
  unary.expect(filled(7, [&](int64_t i) { return 3 * x[at(i)] - 1; }));

  OneOperation compare;
  compare.operation("compare", {compare.input({9})}, {9}).set_string("op", "greater").set_float("value", 0.1);
  const auto c = compare.numbers(0);
  compare.expect(filled(9, [&](int64_t i) { return c[at(i)] > 0.1f ? 1 : 0; }));

  OneOperation where;
  const int32_t condition = where.plan().weight({1, 0, 0, 1});
  where.operation("where", {condition, where.input({3, 4}), where.input({1})}, {3, 4});
  const auto yes = where.numbers(0), no = where.numbers(1);
  where.expect(filled(12, [&](int64_t i) { return i % 4 == 0 || i % 4 == 3 ? yes[at(i)] : no[0]; }));
}

TEST(Kernels, Resolution) {
  OneOperation pool;
  pool.operation("max_pool", {pool.input({4, 4, 5})}, {2, 2, 3})
      .set("in_h", 4)
      .set("in_w", 4)
      .set("c", 3)
      .set("offset", 1)
      .set("kernel_h", 2)
      .set("kernel_w", 2)
      .set("stride_h", 2)
      .set("stride_w", 2);
  const auto a = pool.numbers(0);
  pool.expect(filled(12, [&](int64_t i) {
    const int64_t y = i / 6, x = i / 3 % 2, c = i % 3 + 1;
    float most = -9;
    for (int64_t p = 0; p < 4; ++p) most = std::max(most, a[at(((2 * y + p / 2) * 4 + 2 * x + p % 2) * 5 + c)]);
    return most;
  }));

  OneOperation nearest;
  const int32_t src = nearest.input({2, 3, 2}), residual = nearest.input({4, 6, 2});
  nearest.operation("upsample_nearest", {src, residual}, {4, 6, 2}).set("h", 2).set("w", 3).set("c", 2).set("scale", 2);
  const auto s = nearest.numbers(0), r = nearest.numbers(1);
  nearest.expect(filled(48, [&](int64_t i) { return s[at((i / 24 * 3 + i / 2 % 6 / 2) * 2 + i % 2)] + r[at(i)]; }));

  OneOperation linear;
  linear.operation("interp_linear", {linear.input({1, 1, 2})}, {1, 1, 4})
      .set("planes", 1)
      .set("in_h", 1)
      .set("in_w", 2)
      .set("out_h", 1)
      .set("out_w", 4);
  const auto l = linear.numbers(0);
  linear.expect({l[0], 0.75f * l[0] + 0.25f * l[1], 0.25f * l[0] + 0.75f * l[1], l[1]});
}

TEST(Kernels, Movement) {
  OneOperation permute;
  permute.operation("permute", {permute.input({2, 3, 4})}, {4, 2, 3}).set("order", Extents{2, 0, 1});
  const auto p = permute.numbers(0);
  permute.expect(filled(24, [&](int64_t i) { return p[at(i % 6 * 4 + i / 6)]; }));

  OneOperation slice;
  slice.operation("slice", {slice.input({4, 6})}, {2, 3}).set("starts", Extents{3, 1}).set("steps", Extents{-2, 2});
  const auto s = slice.numbers(0);
  slice.expect(filled(6, [&](int64_t i) { return s[at((3 - 2 * (i / 3)) * 6 + 1 + 2 * (i % 3))]; }));

  OneOperation concat;
  concat.operation("concat", {concat.input({2, 1}), concat.input({2, 3})}, {2, 4}).set("axis", 1);
  const auto x = concat.numbers(0), y = concat.numbers(1);
  concat.expect(filled(8, [&](int64_t i) { return i % 4 == 0 ? x[at(i / 4)] : y[at(i / 4 * 3 + i % 4 - 1)]; }));

  OneOperation reduce;
  reduce.operation("reduce", {reduce.input({2, 3, 4})}, {3}).set("axes", Extents{0, 2}).set_string("op", "sum");
  const auto r = reduce.numbers(0);
  reduce.expect(filled(3, [&](int64_t i) {
    double sum = 0;
    for (int64_t k = 0; k < 8; ++k) sum += r[at(k / 4 * 12 + i * 4 + k % 4)];
    return sum;
  }));

  OneOperation gather;
  const int32_t indices = gather.plan().weight({2, 0});
  gather.operation("gather", {gather.input({3, 2}), indices}, {2, 2}).set("axis", 0);
  const auto g = gather.numbers(0);
  gather.expect({g[4], g[5], g[0], g[1]});
}

TEST(Executor, AnIndexOutsideIsAnErrorAtRunTime) {
  PlanBuilder plan;
  plan.function("f");
  const int32_t indices = plan.weight({7});
  plan.operation("gather", {plan.input("x", {3}), indices}, plan.output("out", {1})).set("axis", 0);
  Executor executor = Executor::create(Module::from_plan(plan.module).value(), 1).value();
  const Tensor x = Tensor::zeros({3});
  const std::vector<NamedInput> inputs = {{"x", x.view()}};
  EXPECT_EQ(executor.run("f", {}, inputs, {}).code(), StatusCode::kInvalidInput);
}

// x -> relu -> (x + 1) * 2 with an alias between, in place all along.
PlanModule chain() {
  PlanBuilder plan;
  plan.function("f", 1, 100);
  const int32_t x = plan.input("x", {Extent(0, 1), 4});
  const int32_t a = plan.arena({Extent(0, 1), 4}), flat = plan.alias(a, {Extent(0, 4)});
  const int32_t b = plan.arena({Extent(0, 4)}), out = plan.output("out", {Extent(0, 4)});
  plan.operation("unary", {x}, a).set_string("op", "relu");
  plan.operation("unary", {flat}, b).set_string("op", "affine").set_float("alpha", 1).set_float("beta", 1);
  plan.operation("binary", {b, plan.weight({2})}, out).set_string("op", "mul");
  return plan.module;
}

TEST(Executor, InputsAndOutputsAreChecked) {
  const auto module = Module::from_plan(chain()).value();
  Executor executor = Executor::create(module, 1).value();
  const Tensor x = Tensor::zeros({3, 4}), wrong = Tensor::zeros({4, 3});
  Tensor out;
  const std::vector<NamedOutput> outputs = {{"out", &out}}, unknown = {{"nothing", &out}};
  const std::vector<NamedInput> right = {{"x", x.view()}}, shape = {{"x", wrong.view()}}, name = {{"y", x.view()}};
  EXPECT_TRUE(executor.run("f", {{kPoints, 3}}, right, outputs).is_ok());
  EXPECT_EQ(out.shape(), Shape{12});
  EXPECT_EQ(out.f32()[5], 2.0f);
  EXPECT_FALSE(executor.run("f", {{kPoints, 4}}, right, outputs).is_ok());
  EXPECT_FALSE(executor.run("f", {{kPoints, 3}}, shape, outputs).is_ok());
  EXPECT_FALSE(executor.run("f", {{kPoints, 3}}, name, outputs).is_ok());
  EXPECT_FALSE(executor.run("f", {{kPoints, 3}}, {}, outputs).is_ok());
  EXPECT_FALSE(executor.run("f", {{kPoints, 3}}, right, unknown).is_ok());
  EXPECT_FALSE(executor.run("f", {{kPoints, 0}}, right, outputs).is_ok());
}

TEST(Executor, EveryOperationIsTimed) {
  Executor executor = Executor::create(Module::from_plan(chain()).value(), 1).value();
  std::vector<std::string> seen;
  executor.observe([&](const OperationTiming& timing) {
    seen.push_back(std::string(timing.kernel) + " " + timing.variant);
    EXPECT_GE(timing.milliseconds, 0.0);
    EXPECT_EQ(timing.bytes, 2 * 8 * sizeof(float) + (timing.kernel == "binary" ? sizeof(float) : 0));
  });
  const Tensor x = Tensor::zeros({2, 4});
  const std::vector<NamedInput> inputs = {{"x", x.view()}};
  ASSERT_TRUE(executor.run("f", {{kPoints, 2}}, inputs, {}).is_ok());
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], std::string("unary ") + unary_variants.chosen(executor.isa().features).needs.name);
}

// By operation, the kernels that package/ops.def says it runs on.
std::map<std::string, std::set<std::string>> kernels_of_operations() {
  std::map<std::string, std::set<std::string>> all;
  std::set<std::string>* last = nullptr;
#define SAMC_OPERATION(name, meaning) last = &all[#name];
#define SAMC_RUNS(kernel) last->insert(kernel##_variants.name);
#include "package/ops.def"
  return all;
}

TEST(Executor, EveryKernelOfTheSchemaHasItsVariants) {
  const auto name_with = [](const auto& variants, const Isa& isa) { return variants.chosen(isa.features).needs.name; };
#if defined(__x86_64__)
  const std::vector<Isa> vectors = {kAvx2Isa, kAvx512Isa};
#elif defined(__aarch64__)
  const std::vector<Isa> vectors = {kNeonIsa};
#else
  const std::vector<Isa> vectors;
#endif
#define SAMC_RUNS(kernel)                                     \
  EXPECT_STREQ(kernel##_variants.name, #kernel);              \
  EXPECT_EQ(kernel##_variants.list.back().needs, kScalarIsa); \
  for (const Isa& isa : vectors) EXPECT_STREQ(name_with(kernel##_variants, isa), isa.name) << #kernel;
#include "package/ops.def"

#if defined(__x86_64__)
  const std::vector<Isa> of_bf16 = {kAvx512Bf16Isa, kAmxIsa};
#else
  const std::vector<Isa> of_bf16;
#endif
  // Has no variant with AMX: its numbers are products of a few rows.
  const std::string without_amx = "axial_attention_bf16";
#define SAMC_RUNS_BF16(kernel)                                \
  EXPECT_STREQ(kernel##_variants.name, #kernel);              \
  EXPECT_EQ(kernel##_variants.list.back().needs, kScalarIsa); \
  for (const Isa& isa : of_bf16)                              \
    EXPECT_STREQ(name_with(kernel##_variants, isa), (without_amx == #kernel ? kAvx512Bf16Isa : isa).name) << #kernel;
#include "package/ops.def"
}

// Names that the schema lists for `op` are the ones that kernels know.
TEST(Executor, TheSchemaNamesEveryOp) {
  const std::map<std::string, std::function<bool(const std::string&)>> known = {
      {"unary", [](const std::string& name) { return unary_op_named(name).is_ok(); }},
      {"binary", [](const std::string& name) { return binary_op_named(name).is_ok(); }},
      {"compare", [](const std::string& name) { return compare_op_named(name).is_ok(); }},
      {"reduce", [](const std::string& name) { return reduce_op_named(name).is_ok(); }}};
  std::map<std::string, std::string> listed;
  std::string last;
#define SAMC_OPERATION(name, meaning) last = #name;
#define SAMC_ATTRIBUTE(name, kind, absent, note) \
  if (AttributeKind::kind == AttributeKind::kText) listed[last] = note;
#include "package/ops.def"
  ASSERT_EQ(listed.size(), known.size());
  for (const auto& [operation, list] : listed) {
    ASSERT_EQ(known.count(operation), 1u) << operation;
    std::istringstream names(list);
    for (std::string name; std::getline(names >> std::ws, name, ',');)
      EXPECT_TRUE(known.at(operation)(name)) << operation << " " << name;
  }
}

// Which variants each operation ran, all functions of the module being run once.
std::map<std::string, std::set<std::string>> variants_that_ran(const std::shared_ptr<Module>& module) {
  Executor executor = Executor::create(module, 1).value();
  std::map<std::string, std::set<std::string>> ran;
  executor.observe([&](const OperationTiming& timing) { ran[std::string(timing.kernel)].insert(timing.variant); });
  for (const PlanFunction& function : module->plan().functions) {
    std::deque<Tensor> memory;
    std::vector<NamedInput> inputs;
    for (const int32_t index : function.inputs) {
      const Value& value = function.values[static_cast<size_t>(index)];
      Tensor& zeros = memory.emplace_back(value.dtype, value.shape_at({3}));
      std::memset(zeros.data(), 0, static_cast<size_t>(zeros.bytes()));
      inputs.push_back({value.name, zeros.view()});
    }
    const Status status = executor.run(function.name, name_sizes(function, {3}), inputs, {});
    EXPECT_TRUE(status.is_ok()) << status.to_string();
  }
  return ran;
}

// The variant is what ran, not what a list says of the kernel.
TEST(Executor, TheVariantIsTheOneThatRan) {
  std::string best = kScalarIsa.name;
  for (const Isa& isa : {kAvx2Isa, kAvx512Isa, kNeonIsa})
    if (choose_isa().value().features.includes(isa.features)) best = isa.name;
  if (best == kScalarIsa.name) GTEST_SKIP() << "one variant only";
  const auto ran = variants_that_ran(Module::from_plan(every_kernel()).value());
  for (const auto& [operation, kernels] : kernels_of_operations()) {
    ASSERT_TRUE(ran.contains(operation)) << operation;
    EXPECT_EQ(ran.at(operation), std::set<std::string>{kernels.empty() ? kScalarIsa.name : best}) << operation;
  }
}

TEST(Executor, TheVariantInBf16IsTheOneThatRan) {
  const Bf16Everywhere bf16_everywhere;
  std::string best = kScalarIsa.name;
  for (const Isa& isa : {kAvx512Bf16Isa, kAmxIsa})
    if (choose_isa().value().features.includes(isa.features)) best = isa.name;
  const auto ran = variants_that_ran(Module::from_plan(every_kernel_in(Precision::kBf16)).value());
  EXPECT_FALSE(ran.empty());
  std::set<std::string> in_plain_code;
  std::string last;
#define SAMC_OPERATION(name, meaning) last = #name;
#define SAMC_PLAIN_BF16() in_plain_code.insert(last);
#include "package/ops.def"
  for (const auto& [operation, variants] : ran)
    EXPECT_EQ(variants, std::set<std::string>{in_plain_code.contains(operation) ? kScalarIsa.name : best}) << operation;
}

// A module in bf16 is an error where kernels may not use its instructions, unless plain code is asked for.
TEST(Executor, Bf16NeedsItsInstructions) {
  const auto module = Module::from_plan(every_kernel_in(Precision::kBf16)).value();
  for (const Isa& isa : known_isas()) {
    if (!isa_available(isa)) continue;
    ASSERT_EQ(::setenv("SAMC_ISA", isa.name, 1), 0);
    const auto executor = Executor::create(module, 1);
    EXPECT_EQ(executor.is_ok(), isa == kScalarIsa || isa.features.has(CpuFeature::kAvx512Bf16)) << isa.name;
    if (executor.is_ok()) continue;
    EXPECT_NE(executor.status().message().find("no bf16 arithmetic"), std::string::npos)
        << executor.status().to_string();
  }
  ::unsetenv("SAMC_ISA");
}

// A run that ends when its first output is there: the second one is not written.
TEST(Executor, ARunEndsWhereItIsToldTo) {
  PlanBuilder plan;
  plan.function("f");
  const int32_t x = plan.input("x", {4});
  plan.operation("unary", {x}, plan.output("first", {4}))
      .set_string("op", "affine")
      .set_float("alpha", 2)
      .set_float("beta", 0);
  plan.operation("unary", {x}, plan.output("second", {4}))
      .set_string("op", "affine")
      .set_float("alpha", 3)
      .set_float("beta", 0);
  Executor executor = Executor::create(Module::from_plan(plan.module).value(), 1).value();
  for (const bool goes_on : {true, false}) {
    Tensor in({4}), first({4}), second({4});
    for (float& value : in.f32()) value = 1;
    for (float& value : second.f32()) value = -1;
    const std::vector<NamedInput> inputs = {{"x", in.view()}};
    const std::vector<NamedOutput> outputs = {{"first", &first}, {"second", &second}};
    int asked = 0;
    const GoOn go_on{"first", [&] {
                       ++asked;
                       EXPECT_EQ(first.f32()[0], 2.0f);
                       return goes_on;
                     }};
    ASSERT_TRUE(executor.run("f", {}, inputs, outputs, go_on).is_ok());
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(second.f32()[0], goes_on ? 3.0f : -1.0f);
  }
}

TEST(Executor, SeveralThreadsShareOneModule) {
  const auto module = Module::from_plan(chain()).value();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([module, thread] {
      Executor executor = Executor::create(module, 2).value();
      for (int64_t points = 1; points <= 20; ++points) {
        Tensor x({points, 4});
        for (float& value : x.f32()) value = static_cast<float>(thread);
        Tensor out;
        const std::vector<NamedInput> inputs = {{"x", x.view()}};
        const std::vector<NamedOutput> outputs = {{"out", &out}};
        ASSERT_TRUE(executor.run("f", {{kPoints, points}}, inputs, outputs).is_ok());
        for (const float value : out.f32()) ASSERT_EQ(value, 2.0f * static_cast<float>(thread + 1));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace samc
