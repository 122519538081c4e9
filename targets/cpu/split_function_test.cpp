// A plan cut into parts: what goes where, and that the parts give what the whole gives.

#include "targets/cpu/split_function.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "package/check.h"
#include "runtime/executor.h"
#include "runtime/testing.h"

namespace samc::cpu {
namespace {

const std::vector<FunctionPart> kParts = {{"early", {"picture"}}, {"middle", {"mask"}}, {"late", {}}};

// early:  doubled = 2 picture, halved = doubled / 2 (through a view), both read later
// middle: masked = halved + mask, first_row of masked (through a view)
// late:   all that depends on points; early_output = |picture|, which is late because it is an output; grown, the first
//         rows of a weight, as many as there are points: it reads nothing late, but its size is known late
PlanModule three_parts() {
  PlanBuilder plan;
  const auto affine = [&](int32_t source, int32_t target, double alpha) {
    plan.operation("unary", {source}, target).set_string("op", "affine").set_float("alpha", alpha).set_float("beta", 0);
  };
  plan.function("whole", 1, 8);
  const Extent points(0, 1);
  const int32_t picture = plan.input("picture", {2, 4}), mask = plan.input("mask", {4, 2}),
                coords = plan.input("points", {points, 4});
  const int32_t doubled = plan.arena({2, 4}), doubled_view = plan.alias(doubled, {4, 2}), halved = plan.arena({4, 2}),
                masked = plan.arena({4, 2}), masked_view = plan.alias(masked, {2, 4}), first_row = plan.arena({1, 4}),
                shifted = plan.arena({points, 4});
  affine(picture, doubled, 2);
  affine(doubled_view, halved, 0.5);
  plan.operation("binary", {halved, mask}, masked).set_string("op", "add");
  plan.operation("slice", {masked_view}, first_row).set("starts", Extents{0, 0}).set("steps", Extents{1, 1});
  plan.operation("binary", {coords, first_row}, shifted).set_string("op", "add");
  plan.operation("unary", {picture}, plan.output("early_output", {2, 4})).set_string("op", "abs");
  const int32_t rows = plan.weight({1, 2, 3, 4, 5, 6, 7, 8}, {8, 1}), grown = plan.arena({points, 1});
  plan.operation("slice", {rows}, grown).set("starts", Extents{0, 0}).set("steps", Extents{1, 1});
  const int32_t scaled = plan.arena({points, 4});
  plan.operation("binary", {shifted, grown}, scaled).set_string("op", "mul");
  plan.operation("binary", {scaled, first_row}, plan.output("result", {points, 4})).set_string("op", "max");
  plan.operation("concat", {doubled}, plan.output("doubled_again", {2, 4})).set("axis", 0);
  return plan.module;
}

std::vector<std::string> names(const PlanFunction& function, const std::vector<int32_t>& values) {
  std::vector<std::string> result;
  result.reserve(values.size());
  for (const int32_t value : values) result.push_back(function.values[static_cast<size_t>(value)].name);
  return result;
}

using Names = std::vector<std::string>;

std::vector<std::string> kernels(const PlanFunction& function) {
  std::vector<std::string> result;
  for (const Operation& operation : function.operations) result.push_back(operation.kernel);
  return result;
}

TEST(SplitFunction, operations_go_where_what_they_read_is_known) {
  const PlanModule module = three_parts();
  const std::vector<PlanFunction> parts = split_function(module.functions[0], kParts);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].name, "early");
  EXPECT_EQ(kernels(parts[0]), (Names{"unary", "unary"}));
  EXPECT_EQ(kernels(parts[1]), (Names{"binary", "slice"}));
  EXPECT_EQ(kernels(parts[2]), (Names{"binary", "unary", "slice", "binary", "binary", "concat"}));
  EXPECT_EQ(names(parts[0], parts[0].inputs), Names{"picture"});
  EXPECT_EQ(names(parts[1], parts[1].inputs), (Names{"mask", "value 5"}));
  EXPECT_EQ(names(parts[2], parts[2].inputs), (Names{"picture", "points", "value 3", "value 8"}));
  EXPECT_EQ(names(parts[0], parts[0].outputs), (Names{"value 3", "value 5"}));
  EXPECT_EQ(names(parts[1], parts[1].outputs), (Names{"value 8"}));
  EXPECT_EQ(names(parts[2], parts[2].outputs), names(module.functions[0], module.functions[0].outputs));
  EXPECT_TRUE(parts[0].sizes.empty());
  EXPECT_EQ(parts[2].sizes, (std::vector<FreeSize>{{"points", 1, 8}}));
  for (const PlanFunction& part : parts) EXPECT_TRUE(check_function(part, module).is_ok()) << part.name;
}

TEST(SplitFunction, values_that_cross_have_names_of_their_own) {
  PlanModule module = three_parts();
  for (Value& value : module.functions[0].values)
    if (value.place == Place::kArena) value.name = "mask";
  for (const PlanFunction& part : split_function(module.functions[0], kParts)) {
    const Status status = check_function(part, module);
    EXPECT_TRUE(status.is_ok()) << status.to_string();
  }
}

TEST(SplitFunction, one_part_is_the_whole) {
  const PlanModule module = three_parts();
  const std::vector<FunctionPart> one = {{"all", {}}};
  const std::vector<PlanFunction> parts = split_function(module.functions[0], one);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(kernels(parts[0]), kernels(module.functions[0]));
  EXPECT_EQ(parts[0].inputs.size(), 3u);
  EXPECT_EQ(parts[0].values.size(), module.functions[0].values.size());
}

TEST(SplitFunction, a_part_without_operations_stays) {
  const PlanModule module = three_parts();
  const std::vector<FunctionPart> nothing = {{"first", {}}, {"rest", {}}};
  const std::vector<PlanFunction> parts = split_function(module.functions[0], nothing);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_TRUE(parts[0].operations.empty());
  EXPECT_TRUE(check_function(parts[0], module).is_ok());
  EXPECT_EQ(kernels(parts[1]), kernels(module.functions[0]));
}

TEST(SplitFunction, only_what_is_wanted_early_is_early) {
  const PlanModule module = three_parts();
  const PlanFunction& whole = module.functions[0];
  const std::vector<PlanFunction> parts = split_function(whole, kParts);
  // A value that stays inside the middle part: what it follows from stays early, and what follows from it becomes late.
  const auto inner = std::ranges::find(parts[1].values, Place::kArena, &Value::place);
  ASSERT_NE(inner, parts[1].values.end());
  const std::vector<PlanFunction> again = split_function(whole, kParts, std::set<std::string>{inner->name});
  EXPECT_EQ(kernels(again[0]), kernels(parts[0]));
  EXPECT_EQ(kernels(again[1]), Names{"binary"});
  EXPECT_EQ(names(again[1], again[1].outputs), Names{inner->name});
  EXPECT_EQ(again[2].operations.size(), parts[2].operations.size() + 1);
  for (const PlanFunction& part : again) EXPECT_TRUE(check_function(part, module).is_ok()) << part.name;

  const std::vector<PlanFunction> all_late = split_function(whole, kParts, std::set<std::string>{});
  EXPECT_TRUE(all_late[0].operations.empty());
  EXPECT_EQ(kernels(all_late[2]), kernels(whole));
}

// Runs functions one after the other; inputs and outputs are found by name.
std::map<std::string, Tensor> run(const PlanModule& plan, const std::vector<std::string>& functions, int64_t points) {
  const auto module = Module::from_plan(plan);
  EXPECT_TRUE(module.is_ok()) << module.status().to_string();
  Executor executor = Executor::create(module.value(), 1).value();
  std::map<std::string, Tensor> tensors;
  const auto fill = [&](const std::string& name, Shape shape, float start) {
    Tensor& tensor = tensors[name] = Tensor(std::move(shape));
    for (float& number : tensor.f32()) number = (start += 0.7f);
  };
  fill("picture", {2, 4}, -3);
  fill("mask", {4, 2}, 10);
  fill("points", {points, 4}, -20);
  for (const std::string& name : functions) {
    const PlanFunction& function = *plan.find(name);
    std::vector<NamedInput> inputs;
    const Names input_names = names(function, function.inputs), output_names = names(function, function.outputs);
    for (const std::string& input : input_names) inputs.push_back({input, tensors[input].view()});
    std::vector<NamedOutput> outputs;
    for (const std::string& output : output_names) outputs.push_back({output, &tensors[output]});
    const Status status = executor.run(name, name_sizes(*plan.find(name), {points}), inputs, outputs);
    EXPECT_TRUE(status.is_ok()) << status.to_string();
  }
  return tensors;
}

TEST(SplitFunction, parts_give_what_the_whole_gives) {
  PlanModule module = three_parts();
  for (PlanFunction& part : split_function(module.functions[0], kParts)) module.functions.push_back(std::move(part));
  for (const int64_t points : {1, 2, 5}) {
    const auto whole = run(module, {"whole"}, points), parts = run(module, {"early", "middle", "late"}, points);
    for (const char* name : {"early_output", "result", "doubled_again"}) {
      const std::span<const float> wanted = whole.at(name).f32(), given = parts.at(name).f32();
      EXPECT_TRUE(std::ranges::equal(wanted, given)) << name << " at " << points << " points";
    }
  }
}

}  // namespace
}  // namespace samc::cpu
