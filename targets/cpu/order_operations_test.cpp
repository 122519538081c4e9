// Another order of operations: less memory, the same results.

#include "targets/cpu/order_operations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "package/arena.h"
#include "package/check.h"
#include "runtime/executor.h"
#include "runtime/testing.h"

namespace samc::cpu {
namespace {

std::vector<std::string> names(const PlanFunction& function) {
  std::vector<std::string> result;
  for (const Operation& operation : function.operations) result.push_back(operation.name);
  return result;
}

// As a trunk with features of its stages: the large value is read by `small` only at the end.
TEST(OrderOperations, WhatFreesALargeValueComesEarly) {
  PlanBuilder plan;
  plan.function("f");
  const int32_t x = plan.input("x", {1, 1000}), stage = plan.arena({4, 1000}), deep = plan.arena({3, 1000}),
                deeper = plan.arena({3, 1000}), small = plan.arena({1, 100});
  plan.operation("concat", {x, x, x, x}, stage).set("axis", 0);
  plan.operation("slice", {stage}, deep).set("starts", Extents{1, 0}).set("steps", Extents{1, 1});
  plan.operation("permute", {deep}, deeper).set("order", Extents{0, 1});
  plan.operation("reduce", {deeper}, plan.output("deep", {3, 1})).set("axes", Extents{1}).set_string("op", "sum");
  plan.operation("slice", {stage}, small).set("starts", Extents{0, 0}).set("steps", Extents{1, 1});
  plan.operation("permute", {small}, plan.output("small", {1, 100})).set("order", Extents{0, 1});
  PlanFunction& function = plan.module.functions[0];
  for (size_t i = 0; i < function.operations.size(); ++i) function.operations[i].name = std::to_string(i);
  const int64_t before = plan_arena(function, {}).bytes;
  order_for_memory(function);
  EXPECT_LT(plan_arena(function, {}).bytes, before);
  const std::vector<std::string> order = names(function);
  const auto place = [&](const char* name) { return std::ranges::find(order, name) - order.begin(); };
  EXPECT_LT(place("4"), place("2"));
  EXPECT_LT(place("4"), place("5"));
}

TEST(OrderOperations, FreeSizesStayAsTheyAre) {
  PlanBuilder plan;
  plan.function("f", 1, 8);
  const Extent points(0, 1);
  const int32_t x = plan.input("x", {points, 4}), y = plan.arena({points, 4});
  plan.operation("permute", {x}, y).set("order", Extents{0, 1});
  plan.operation("permute", {y}, plan.output("z", {points, 4})).set("order", Extents{0, 1});
  const std::vector<std::string> before = names(plan.module.functions[0]);
  order_for_memory(plan.module.functions[0]);
  EXPECT_EQ(names(plan.module.functions[0]), before);
}

TEST(OrderOperations, WhatOnlyOneOutputNeedsComesLast) {
  PlanBuilder plan;
  plan.function("f", 1, 8);
  const int32_t x = plan.input("x", {2, 4}), shared = plan.arena({2, 4}), of_masks = plan.arena({2, 4}),
                of_scores = plan.arena({2, 4});
  const auto copy = [&](int32_t from, int32_t to, const char* name) {
    plan.operation("permute", {from}, to).set("order", Extents{0, 1});
    plan.module.functions[0].operations.back().name = name;
  };
  copy(x, shared, "shared");
  copy(shared, of_masks, "of_masks");
  copy(of_masks, plan.output("masks", {2, 4}), "masks");
  copy(plan.alias(shared, {2, 4}), of_scores, "of_scores");
  copy(of_scores, plan.output("scores", {2, 4}), "scores");
  PlanFunction& function = plan.module.functions[0];
  const std::vector<std::string> before = names(function);
  order_output_last(function, "others");
  EXPECT_EQ(names(function), before);
  order_output_last(function, "masks");
  EXPECT_EQ(names(function), (std::vector<std::string>{"shared", "of_scores", "scores", "of_masks", "masks"}));
}

// Functions of random additions: what is read is always there, never more memory, the same numbers.
TEST(OrderOperations, RandomFunctionsGiveTheSame) {
  std::mt19937 random(5);
  const auto below = [&random](size_t limit) { return static_cast<size_t>(random() % limit); };
  int moved = 0;
  for (int round = 0; round < 60; ++round) {
    PlanBuilder plan;
    plan.function("f");
    std::vector<int32_t> values = {plan.input("x", {1, 8})};
    std::vector<int64_t> rows = {1};
    const size_t count = 4 + below(14);
    for (size_t i = 0; i < count; ++i) {
      const size_t a = below(values.size()), b = below(values.size());
      rows.push_back(rows[a] + rows[b] > 40 ? rows[a] : rows[a] + rows[b]);
      const bool is_sum = rows.back() == rows[a] && rows[a] == rows[b];
      const bool is_copy = !is_sum && rows.back() == rows[a];
      const int32_t to = i + 1 == count ? plan.output("y", {rows.back(), 8}) : plan.arena({rows.back(), 8});
      if (is_sum) {
        plan.operation("binary", {values[a], values[b]}, to).set_string("op", "add");
      } else if (is_copy) {
        plan.operation("unary", {values[a]}, to).set_string("op", "affine").set_float("alpha", 2).set_float("beta", 1);
      } else {
        plan.operation("concat", {values[a], values[b]}, to).set("axis", 0);
      }
      values.push_back(to);
    }
    PlanModule ordered = plan.module;
    order_for_memory(ordered.functions[0]);
    ASSERT_TRUE(check_function(ordered.functions[0], ordered).is_ok());
    EXPECT_LE(plan_arena(ordered.functions[0], {}).bytes, plan_arena(plan.module.functions[0], {}).bytes);
    const auto run = [](const PlanModule& module) {
      Executor executor = Executor::create(Module::from_plan(module).value(), 1).value();
      Tensor x({1, 8});
      for (size_t i = 0; i < 8; ++i) x.f32()[i] = static_cast<float>(i + 1);
      Tensor y;
      const NamedInput input{"x", x.view()};
      const NamedOutput output{"y", &y};
      EXPECT_TRUE(executor.run("f", {}, {&input, 1}, {&output, 1}).is_ok());
      return y;
    };
    const Tensor wanted = run(plan.module), got = run(ordered);
    EXPECT_TRUE(std::ranges::equal(wanted.f32(), got.f32()));
    moved += plan_arena(ordered.functions[0], {}).bytes < plan_arena(plan.module.functions[0], {}).bytes;
  }
  EXPECT_GT(moved, 5);
}

}  // namespace
}  // namespace samc::cpu
