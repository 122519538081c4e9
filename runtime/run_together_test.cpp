// Executor::run_together: the same bits as run() gives, also where rows of several runs are multiplied at once; and
// what a run that ends early leaves to the others.

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>

#include "base/cpu_precision.h"
#include "kernels/testing.h"
#include "runtime/executor.h"
#include "runtime/testing.h"

namespace samc {
namespace {

constexpr int64_t kK = 24, kN = 40;

// random (kK, kN) of a seed, packed for this precision.
int32_t packed_weight(PlanBuilder& plan, uint32_t seed, Precision precision) {
  const std::vector<float> numbers = random_floats(kK * kN, seed);
  const int32_t index = plan.packed_weight(numbers, kK, kN);
  if (precision == Precision::kF32) return index;
  const bool is_bf16 = precision == Precision::kBf16;
  const int64_t count = packed_elements(precision, kK, kN);
  Value& value = plan.current().values[static_cast<size_t>(index)];
  value.dtype = is_bf16 ? DType::kBF16 : DType::kI8;
  value.shape = {count};
  auto packed = std::make_shared<Tensor>(value.dtype, Shape{count});
  if (is_bf16) {
    pack_weights_bf16(numbers.data(), kK, kN, WeightOrder::kKByN, packed->as<uint16_t>().data());
  } else {
    pack_weights_int8(numbers.data(), kK, kN, WeightOrder::kKByN, packed->as<int8_t>().data());
  }
  WeightData& weight = plan.module.weights.back();
  weight.dtype = value.dtype;
  weight.bytes = {static_cast<const std::byte*>(packed->data()), static_cast<size_t>(packed->bytes())};
  weight.owner = packed;
  return index;
}

// doubled = 2 x for `rows` rows; product = relu(norm(x) W + b) + doubled W2; `doubled` is an output too.
std::shared_ptr<const Module> products(int64_t rows, Precision precision) {
  PlanBuilder plan;
  plan.function("f");
  const int32_t x = plan.input("x", {rows, kK});
  const int32_t doubled = plan.output("doubled", {rows, kK});
  plan.operation("unary", {x}, doubled).set_string("op", "affine").set_float("alpha", 2).set_float("beta", 0);
  const int32_t other = plan.arena({rows, kN});
  plan.operation("matmul", {doubled, packed_weight(plan, 1, precision)}, other).set("k", kK).set("n", kN).precision =
      precision;
  plan.operation("matmul", {x, packed_weight(plan, 2, precision), plan.weight(random_floats(kN, 3)), other},
                 plan.output("out", {rows, kN}))
      .set("k", kK)
      .set("n", kN)
      .set("norm", 1)
      .set_float("eps", 1e-6)
      .set_string("activation", "relu")
      .precision = precision;
  return Module::from_plan(plan.module).value();
}

struct Values {
  Tensor x, doubled, out;

  Values(int64_t rows, uint32_t seed) : x({rows, kK}) {
    const std::vector<float> numbers = random_floats(rows * kK, seed);
    std::ranges::copy(numbers, x.f32().begin());
    for (Tensor* written : {&doubled, &out}) *written = Tensor({rows, written == &out ? kN : kK});
    for (float& value : out.f32()) value = -1;
    inputs = {{"x", x.view()}};
    outputs = {{"doubled", &doubled}, {"out", &out}};
  }
  Values(const Values&) = delete;

  std::vector<NamedInput> inputs;
  std::vector<NamedOutput> outputs;
};

bool equal(const Tensor& a, const Tensor& b) {
  return std::ranges::equal(std::as_const(a).as<uint32_t>(), std::as_const(b).as<uint32_t>());
}

class RunTogether : public testing::TestWithParam<Precision> {};

TEST_P(RunTogether, GivesTheBitsOfRunsAlone) {
  for (const int64_t rows : {1, 8, 15, 100}) {  // of 100 products take one run at a time
    const auto module = products(rows, GetParam());
    for (const int threads : {1, 3}) {
      Executor executor = Executor::create(module, threads).value();
      std::deque<Values> alone, together;
      std::vector<FunctionRun> runs;
      for (uint32_t i = 0; i < 5; ++i) {
        Values& values = alone.emplace_back(rows, 10 + i);
        ASSERT_TRUE(executor.run("f", {}, values.inputs, values.outputs).is_ok());
        const Values& again = together.emplace_back(rows, 10 + i);
        runs.push_back({again.inputs, again.outputs, {}});
      }
      const Status status = executor.run_together("f", {}, runs);
      ASSERT_TRUE(status.is_ok()) << status.to_string();
      for (size_t i = 0; i < alone.size(); ++i) {
        EXPECT_TRUE(equal(alone[i].out, together[i].out)) << rows << " rows, run " << i;
        EXPECT_TRUE(equal(alone[i].doubled, together[i].doubled)) << rows << " rows, run " << i;
      }
    }
  }
}

TEST_P(RunTogether, ARunThatEndsEarlyLeavesTheOthersAlone) {
  const auto module = products(8, GetParam());
  Executor executor = Executor::create(module, 2).value();
  Values wanted(8, 1);
  ASSERT_TRUE(executor.run("f", {}, wanted.inputs, wanted.outputs).is_ok());
  Values first(8, 1), second(8, 2), third(8, 1);
  const std::vector<FunctionRun> runs = {
      {first.inputs, first.outputs, {}},
      {second.inputs, second.outputs, {"doubled", [] { return false; }}},
      {third.inputs, third.outputs, {"doubled", [] { return true; }}},
  };
  ASSERT_TRUE(executor.run_together("f", {}, runs).is_ok());
  EXPECT_TRUE(equal(first.out, wanted.out));
  EXPECT_TRUE(equal(third.out, wanted.out));
  EXPECT_EQ(second.out.f32()[0], -1.0f);
  EXPECT_EQ(second.doubled.f32()[5], 2 * second.x.f32()[5]);
}

TEST_P(RunTogether, ANanStaysInItsRun) {
  const auto module = products(8, GetParam());
  Executor executor = Executor::create(module, 2).value();
  Values wanted(8, 1), first(8, 1), second(8, 2);
  ASSERT_TRUE(executor.run("f", {}, wanted.inputs, wanted.outputs).is_ok());
  second.x.f32()[3] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<FunctionRun> runs = {{second.inputs, second.outputs, {}}, {first.inputs, first.outputs, {}}};
  ASSERT_TRUE(executor.run_together("f", {}, runs).is_ok());
  EXPECT_TRUE(equal(first.out, wanted.out));
  EXPECT_TRUE(std::isnan(second.out.f32()[0]));
}

// In bf16 where it is.
std::vector<Precision> precisions() {
  const bool has_bf16 = can_compute(Precision::kBf16, choose_isa().value()).is_ok();
  std::vector<Precision> all = {Precision::kF32, Precision::kInt8};
  if (has_bf16) all.push_back(Precision::kBf16);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Precisions, RunTogether, testing::ValuesIn(precisions()),
                         [](const auto& test) { return std::string(precision_name(test.param)); });

TEST(RunsTogether, NoRunsAndAWrongInput) {
  const auto module = products(8, Precision::kF32);
  Executor executor = Executor::create(module, 1).value();
  EXPECT_TRUE(executor.run_together("f", {}, {}).is_ok());
  Values right(8, 1), wrong(7, 1);
  const std::vector<FunctionRun> runs = {{right.inputs, right.outputs, {}}, {wrong.inputs, wrong.outputs, {}}};
  const Status status = executor.run_together("f", {}, runs);
  ASSERT_FALSE(status.is_ok());
  EXPECT_NE(status.to_string().find("(7, 24)"), std::string::npos) << status.to_string();
}

}  // namespace
}  // namespace samc
