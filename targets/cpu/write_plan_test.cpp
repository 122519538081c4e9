#include "targets/cpu/write_plan.h"

#include <gtest/gtest.h>

namespace samc::cpu {
namespace {

// One op over an input of (tokens, 8), as a function compiled at some number of points has it.
PlanFunction witness(int64_t tokens, double scale = 1.0) {
  PlanFunction plan;
  plan.name = "witness";
  plan.values.push_back({"x", DType::kF32, {tokens, 8}, Place::kInput, kAbsent, kAbsent});
  plan.values.push_back({"y", DType::kF32, {tokens, 8}, Place::kOutput, kAbsent, kAbsent});
  plan.inputs = {0};
  plan.outputs = {1};
  Operation operation;
  operation.kernel = "softmax";
  operation.name = "weights";
  operation.operands = {0};
  operation.results = {1};
  operation.set("tokens", Extent(tokens));
  operation.set_float("scale", scale);
  plan.operations.push_back(std::move(operation));
  return plan;
}

Result<PlanFunction> merge(PlanFunction two, PlanFunction three, PlanFunction seven) {
  const std::vector<Witness> witnesses = {{{2}, std::move(two)}, {{3}, std::move(three)}, {{7}, std::move(seven)}};
  return merge_witnesses(witnesses, "decoder", {{"points", 0, 100}});
}

TEST(MergeWitnesses, finds_the_affine_sizes) {
  const auto merged = merge(witness(8), witness(9), witness(13));
  ASSERT_TRUE(merged.is_ok()) << merged.status().to_string();
  EXPECT_EQ(merged.value().name, "decoder");
  EXPECT_EQ(merged.value().sizes, (std::vector<FreeSize>{{"points", 0, 100}}));
  EXPECT_EQ(merged.value().values[0].shape, (Extents{Extent(6, 1), Extent(8)}));
  EXPECT_EQ(merged.value().operations[0].integers[0].values, Extents{Extent(6, 1)});
  EXPECT_EQ(merged.value().values[1].count({100}), 106 * 8);
}

// tokens = 4 + 3 a + 2 b
TEST(MergeWitnesses, finds_several_sizes) {
  const std::vector<FreeSize> sizes = {{"a", 0, 9}, {"b", 0, 9}};
  const auto at = [](int64_t a, int64_t b, int64_t error = 0) {
    return Witness{{a, b}, witness(4 + 3 * a + 2 * b + error)};
  };
  std::vector<Witness> witnesses = {at(1, 1), at(2, 1), at(1, 2), at(9, 9)};
  const auto merged = merge_witnesses(witnesses, "attention", sizes);
  ASSERT_TRUE(merged.is_ok()) << merged.status().to_string();
  Extent tokens(4, 3);
  tokens.steps[1] = 2;
  EXPECT_EQ(merged.value().values[0].shape[0], tokens);
  EXPECT_EQ(merged.value().operations[0].integers[0].values, Extents{tokens});
  witnesses.back() = at(9, 9, 1);  // as from a product of the two
  EXPECT_FALSE(merge_witnesses(witnesses, "attention", sizes).is_ok());
}

TEST(MergeWitnesses, compares_types_and_precision) {
  PlanFunction other = witness(9);
  other.values[1].dtype = DType::kBF16;
  EXPECT_FALSE(merge(witness(8), std::move(other), witness(13)).is_ok());
  other = witness(9);
  other.operations[0].precision = Precision::kBf16;
  EXPECT_FALSE(merge(witness(8), std::move(other), witness(13)).is_ok());
}

TEST(MergeWitnesses, refuses_what_is_not_affine) {
  const auto merged = merge(witness(4), witness(9), witness(49));
  ASSERT_FALSE(merged.is_ok());
  EXPECT_NE(merged.status().to_string().find("the shape of 'x' is not affine"), std::string::npos)
      << merged.status().to_string();
}

TEST(MergeWitnesses, refuses_constants_that_differ) {
  const auto merged = merge(witness(8), witness(9), witness(13, 2.0));
  ASSERT_FALSE(merged.is_ok());
  EXPECT_NE(merged.status().to_string().find("operation 'weights' differs"), std::string::npos);
}

TEST(MergeWitnesses, refuses_other_operations) {
  PlanFunction other = witness(9);
  other.operations[0].kernel = "unary";
  EXPECT_FALSE(merge(witness(8), std::move(other), witness(13)).is_ok());
  other = witness(13);
  other.operations.push_back(other.operations[0]);
  EXPECT_FALSE(merge(witness(8), witness(9), std::move(other)).is_ok());
  other = witness(13);
  other.values[0].shape.push_back(1);
  EXPECT_FALSE(merge(witness(8), witness(9), std::move(other)).is_ok());
}

// The same bytes under two names, and the same weight packed twice, are stored once; another layout is another weight.
TEST(WeightTable, keeps_equal_bytes_once) {
  WeightStore store;
  for (const char* name : {"a", "b"}) {
    Tensor tensor({2, 3});
    for (size_t i = 0; i < 6; ++i) tensor.f32()[i] = static_cast<float>(i);
    ASSERT_TRUE(store.add(name, std::move(tensor)).is_ok());
  }
  WeightTable table(store);
  const int32_t plain = table.index("a", {2, 3}, "", Precision::kF32);
  EXPECT_EQ(table.index("b", {2, 3}, "", Precision::kF32), plain);
  EXPECT_EQ(table.index("a", {6}, "", Precision::kF32), plain);
  const int32_t packed = table.index("a", {2, 3}, "kn", Precision::kF32);
  EXPECT_NE(packed, plain);
  EXPECT_EQ(table.index("b", {2, 3}, "kn", Precision::kF32), packed);
  EXPECT_NE(table.index("a", {2, 3}, "nk", Precision::kF32), packed);
  // One of 32 rows, as two of them are a pair.
  const int32_t halves = table.index("a", {2, 3}, "kn", Precision::kBf16);
  EXPECT_NE(halves, packed);
  EXPECT_EQ(table.index("b", {2, 3}, "kn", Precision::kBf16), halves);
  EXPECT_EQ(table.dtype(halves), DType::kBF16);
  EXPECT_EQ(table.count(halves), 32 * 16);
  EXPECT_EQ(table.take().size(), 4u);
}

}  // namespace
}  // namespace samc::cpu
