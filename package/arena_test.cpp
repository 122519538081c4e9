// plan_arena: live values never overlap, whatever the function looks like.

#include "package/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "package/check.h"

namespace samc {
namespace {

Value arena_value(const std::string& name, Extents shape) {
  Value value;
  value.name = name;
  value.shape = std::move(shape);
  return value;
}

// A function of random operations, some of kernels that work in place, some values with free extents, some aliases.
PlanFunction random_function(std::mt19937& random) {
  const auto below = [&random](size_t limit) { return static_cast<size_t>(random() % limit); };
  PlanFunction function;
  function.name = "random";
  function.sizes = {{"points", 0, 50}};
  Value input = arena_value("in", {16});
  input.place = Place::kInput;
  function.values.push_back(input);
  function.inputs = {0};
  std::vector<int32_t> readable = {0};
  const size_t operations = 3 + below(40);
  const std::vector<std::string> kernels = {"unary", "binary", "matmul", "permute", "where", "layer_norm"};
  for (size_t index = 0; index < operations; ++index) {
    Operation operation;
    operation.kernel = kernels[below(kernels.size())];
    operation.name = "operation " + std::to_string(index);
    const size_t operands = operation.kernel == "matmul" ? 4 : 1 + below(3);
    for (size_t operand = 0; operand < operands; ++operand)
      operation.operands.push_back(
          below(8) == 0 ? kAbsent : readable[readable.size() - 1 - below(std::min<size_t>(readable.size(), 5))]);
    // Few sizes, so that many results fit where an operand stood.
    const bool free = below(3) == 0;
    const Extents shape = {static_cast<int64_t>(1 + below(3)) * 16, free ? Extent(4, 1) : Extent(8)};
    const auto result = static_cast<int32_t>(function.values.size());
    function.values.push_back(arena_value("v" + std::to_string(index), shape));
    operation.results = {result};
    readable.push_back(result);
    if (below(3) == 0) {
      Value alias = arena_value("alias" + std::to_string(index), {shape[1], shape[0]});
      alias.place = Place::kAlias;
      alias.alias_of = result;
      readable.push_back(static_cast<int32_t>(function.values.size()));
      function.values.push_back(alias);
    }
    function.operations.push_back(std::move(operation));
  }
  Value output = arena_value("out", {16});
  output.place = Place::kOutput;
  const auto output_index = static_cast<int32_t>(function.values.size());
  function.values.push_back(output);
  function.outputs = {output_index};
  function.operations.push_back({"concat", "last", {readable.back()}, {output_index}, {}, {}, {}});
  return function;
}

// The executor's view: every byte remembers which value wrote it last, and every read must find its own value there.
void expect_reads_find_their_values(const PlanFunction& function, const Sizes& sizes, const ArenaPlan& plan) {
  std::vector<int32_t> owner(static_cast<size_t>(plan.bytes / 4), kAbsent);
  const auto storage = [&](int32_t index) {
    const Value& value = function.values[static_cast<size_t>(index)];
    return value.place == Place::kAlias ? value.alias_of : index;
  };
  const auto in_arena = [&](int32_t index) {
    return function.values[static_cast<size_t>(storage(index))].place == Place::kArena;
  };
  for (const Operation& operation : function.operations) {
    for (const int32_t operand : operation.operands) {
      if (operand == kAbsent || !in_arena(operand)) continue;
      const auto offset = static_cast<size_t>(plan.offsets[static_cast<size_t>(operand)] / 4);
      const auto count = static_cast<size_t>(function.values[static_cast<size_t>(operand)].bytes(sizes) / 4);
      for (size_t index = offset; index < offset + count; ++index) ASSERT_EQ(owner[index], storage(operand));
    }
    for (const int32_t result : operation.results) {
      if (!in_arena(result)) continue;
      const int64_t start = plan.offsets[static_cast<size_t>(result)];
      ASSERT_EQ(start % kArenaAlignment, 0);
      const int64_t bytes = function.values[static_cast<size_t>(result)].bytes(sizes);
      ASSERT_LE(start + bytes, plan.bytes);
      // A result may stand on an operand only as a whole, and only where the kernel allows it.
      for (size_t position = 0; position < operation.operands.size(); ++position) {
        const int32_t operand = operation.operands[position];
        if (operand == kAbsent || !in_arena(operand)) continue;
        const int64_t other = plan.offsets[static_cast<size_t>(operand)];
        const int64_t other_bytes = function.values[static_cast<size_t>(operand)].bytes(sizes);
        if (other >= start + bytes || start >= other + other_bytes) continue;
        const auto allowed = in_place_operands(operation);
        ASSERT_TRUE(std::find(allowed.begin(), allowed.end(), static_cast<int32_t>(position)) != allowed.end());
        ASSERT_EQ(start, other);
        ASSERT_EQ(bytes, other_bytes);
      }
      for (int64_t index = start / 4; index < (start + bytes) / 4; ++index)
        owner[static_cast<size_t>(index)] = storage(result);
    }
  }
}

TEST(Arena, LiveValuesNeverOverlap) {
  std::mt19937 random(7);
  int64_t in_place = 0;
  for (int round = 0; round < 300; ++round) {
    const PlanFunction function = random_function(random);
    const Status status = check_function(function, {});
    ASSERT_TRUE(status.is_ok()) << status.to_string();
    for (const int64_t points : {0, 3, 50}) {
      const ArenaPlan plan = plan_arena(function, {points});
      expect_reads_find_their_values(function, {points}, plan);
      ASSERT_LE(plan.bytes, plan.bytes_without_reuse);
      in_place += plan.in_place;
    }
  }
  EXPECT_GT(in_place, 100);
}

TEST(Arena, AChainNeedsTwoBuffersAndInPlaceOne) {
  PlanFunction function;
  function.values.push_back(arena_value("in", {1024}));
  function.values[0].place = Place::kInput;
  for (int32_t index = 1; index <= 6; ++index) {
    function.values.push_back(arena_value("v", {1024}));
    function.operations.push_back({"permute", "p", {index - 1}, {index}, {}, {}, {}});
  }
  EXPECT_EQ(plan_arena(function, {}).bytes, 2 * 4096);
  for (Operation& operation : function.operations) operation.kernel = "unary";
  const ArenaPlan plan = plan_arena(function, {});
  EXPECT_EQ(plan.bytes, 4096);
  EXPECT_EQ(plan.in_place, 5);
  EXPECT_EQ(plan.values, 6);
}

TEST(Arena, AResidualThatIsAlsoTheSourceIsNotOverwritten) {
  PlanFunction function;
  function.values.push_back(arena_value("in", {64}));
  function.values[0].place = Place::kInput;
  function.values.push_back(arena_value("x", {64}));
  function.values.push_back(arena_value("y", {64}));
  function.operations.push_back({"unary", "a", {0}, {1}, {}, {}, {}});
  function.operations.push_back({"matmul", "b", {1, kAbsent, kAbsent, 1}, {2}, {}, {}, {}});
  const ArenaPlan plan = plan_arena(function, {});
  EXPECT_NE(plan.offsets[1], plan.offsets[2]);
}

}  // namespace
}  // namespace samc
