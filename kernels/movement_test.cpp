#include "kernels/movement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/permute.h"
#include "kernels/reduce.h"
#include "kernels/testing.h"

namespace samc {
namespace {

std::vector<int64_t> position(const Shape& shape, int64_t index) {
  std::vector<int64_t> result(shape.size());
  for (size_t i = shape.size(); i-- > 0; index /= shape[i]) result[i] = index % shape[i];
  return result;
}
int64_t index_of(const Shape& shape, const std::vector<int64_t>& at) {
  int64_t index = 0;
  for (size_t i = 0; i < shape.size(); ++i) index = index * shape[i] + at[i];
  return index;
}
std::vector<float> counting(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

TEST(Permute, EveryOrderOfManyShapes) {
  for (const Isa& isa : available_isas()) {
    TestContext context(isa, 3);
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{33, 70}, Shape{1, 130, 17}, Shape{16, 64, 3},
                               Shape{2, 5, 1, 19}, Shape{2, 3, 4, 5, 6}, Shape{2, 1, 3, 2, 5, 7}, Shape{3, 0, 2}}) {
      std::vector<int64_t> order(shape.size());
      std::iota(order.begin(), order.end(), 0);
      const std::vector<float> src = counting(element_count(shape));
      do {
        std::vector<float> dst(src.size() + 1, -1.0f);
        permute({shape, order}, src.data(), dst.data(), context.get());
        Shape dst_shape;
        for (const int64_t axis : order) dst_shape.push_back(shape[static_cast<size_t>(axis)]);
        for (size_t i = 0; i < src.size(); ++i) {
          const std::vector<int64_t> to = position(dst_shape, static_cast<int64_t>(i));
          std::vector<int64_t> from(shape.size());
          for (size_t axis = 0; axis < order.size(); ++axis) from[static_cast<size_t>(order[axis])] = to[axis];
          ASSERT_EQ(dst[i], src[static_cast<size_t>(index_of(shape, from))]) << shape_to_string(shape) << isa.name;
        }
        ASSERT_EQ(dst.back(), -1.0f);
      } while (std::next_permutation(order.begin(), order.end()));
    }
  }
}

TEST(Slice, StartsAndSteps) {
  struct Case {
    Shape shape, dst_shape;
    std::vector<int64_t> starts, steps;
  };
  const std::vector<Case> cases{{{10}, {4}, {2}, {2}},
                                {{10}, {10}, {9}, {-1}},
                                {{4, 6}, {4, 3}, {0, 3}, {1, 1}},
                                {{4, 6}, {2, 6}, {1, 0}, {2, 1}},
                                {{3, 4, 5}, {2, 2, 5}, {1, 1, 0}, {1, 2, 1}},
                                {{3, 4, 5}, {3, 4, 5}, {0, 0, 0}, {1, 1, 1}},
                                {{3, 4, 5}, {3, 1, 2}, {0, 3, 4}, {1, 1, -2}},
                                {{3, 4, 1}, {3, 2, 1}, {0, 1, 0}, {1, 1, 1}},
                                {{2, 3}, {0, 3}, {0, 0}, {1, 1}},
                                {{}, {}, {}, {}}};
  TestContext context(kScalarIsa, 2);
  for (const Case& c : cases) {
    const std::vector<float> src = counting(element_count(c.shape));
    std::vector<float> dst(static_cast<size_t>(element_count(c.dst_shape)));
    slice({c.shape, c.dst_shape, c.starts, c.steps}, src.data(), dst.data(), context.get());
    for (size_t i = 0; i < dst.size(); ++i) {
      std::vector<int64_t> at = position(c.dst_shape, static_cast<int64_t>(i));
      for (size_t axis = 0; axis < at.size(); ++axis) at[axis] = c.starts[axis] + at[axis] * c.steps[axis];
      ASSERT_EQ(dst[i], src[static_cast<size_t>(index_of(c.shape, at))]) << shape_to_string(c.shape);
    }
  }
}

TEST(Concat, AlongEachAxis) {
  TestContext context(kScalarIsa, 2);
  const std::vector<float> a{1, 2, 3, 4};
  const std::vector<float> b{5, 6};
  std::vector<float> dst(6);
  concat({{{2, 2}, {1, 2}}, 0}, {a.data(), b.data()}, dst.data(), context.get());
  EXPECT_EQ(dst, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  concat({{{2, 2}, {2, 1}}, 1}, {a.data(), b.data()}, dst.data(), context.get());
  EXPECT_EQ(dst, (std::vector<float>{1, 2, 5, 3, 4, 6}));
  concat({{{2, 2}, {2, 0}, {2, 1}}, 1}, {a.data(), nullptr, b.data()}, dst.data(), context.get());
  EXPECT_EQ(dst, (std::vector<float>{1, 2, 5, 3, 4, 6}));
}

TEST(Gather, BothIndexTypes) {
  TestContext context(kScalarIsa, 2);
  const std::vector<float> src{0, 1, 2, 3, 4, 5};
  const std::vector<int64_t> indices{2, -3, 1};
  std::vector<float> dst(6);
  ASSERT_TRUE(gather({{2, 3}, 1, 3, DType::kI64}, src.data(), indices.data(), dst.data(), context.get()).is_ok());
  EXPECT_EQ(dst, (std::vector<float>{2, 0, 1, 5, 3, 4}));
  const std::vector<float> float_indices{1, 0, -1};
  dst.resize(9);
  ASSERT_TRUE(gather({{2, 3}, 0, 3, DType::kF32}, src.data(), float_indices.data(), dst.data(), context.get()).is_ok());
  EXPECT_EQ(dst, (std::vector<float>{3, 4, 5, 0, 1, 2, 3, 4, 5}));
}

TEST(Gather, OutOfRangeIsTheInputsFault) {
  TestContext context(kScalarIsa, 1);
  const std::vector<float> src{0, 1, 2};
  float dst = 0;
  for (const int64_t index : {int64_t{3}, int64_t{-4}, std::numeric_limits<int64_t>::min()})
    EXPECT_FALSE(gather({{3}, 0, 1, DType::kI64}, src.data(), &index, &dst, context.get()).is_ok());
  for (const float index : {3.0f, -4.0f, 1e30f, std::numeric_limits<float>::quiet_NaN()})
    EXPECT_FALSE(gather({{3}, 0, 1, DType::kF32}, src.data(), &index, &dst, context.get()).is_ok());
}

TEST(Reduce, MatchesTheDefinition) {
  TestContext context(kScalarIsa, 2);
  const Shape shape{2, 3, 4, 5};
  const std::vector<float> src = random_floats(element_count(shape), 1);
  for (const std::vector<int64_t>& axes :
       std::vector<std::vector<int64_t>>{{}, {0}, {3}, {1, 2}, {0, 3}, {2, 3}, {0, 1, 2, 3}}) {
    Shape left = shape;
    for (const int64_t axis : axes) left[static_cast<size_t>(axis)] = 1;
    const auto outputs = static_cast<size_t>(element_count(left));
    std::vector<double> sums(outputs);
    std::vector<float> maxima(outputs, -INFINITY);
    for (size_t i = 0; i < src.size(); ++i) {
      std::vector<int64_t> at = position(shape, static_cast<int64_t>(i));
      for (const int64_t axis : axes) at[static_cast<size_t>(axis)] = 0;
      const auto o = static_cast<size_t>(index_of(left, at));
      sums[o] += static_cast<double>(src[i]);
      maxima[o] = std::max(maxima[o], src[i]);
    }
    std::vector<float> got(outputs);
    reduce({ReduceOp::kSum, shape, axes}, src.data(), got.data(), context.get());
    for (size_t i = 0; i < outputs; ++i) ASSERT_NEAR(got[i], sums[i], 1e-6);
    reduce({ReduceOp::kMean, shape, axes}, src.data(), got.data(), context.get());
    for (size_t i = 0; i < outputs; ++i)
      ASSERT_NEAR(got[i], sums[i] * static_cast<double>(outputs) / static_cast<double>(src.size()), 1e-6);
    reduce({ReduceOp::kMax, shape, axes}, src.data(), got.data(), context.get());
    EXPECT_EQ(got, maxima);
  }
}

TEST(Reduce, NanWinsAndNothingIsDefined) {
  TestContext context(kScalarIsa, 1);
  const std::vector<float> src{1, std::numeric_limits<float>::quiet_NaN(), 3};
  float dst = 0;
  reduce({ReduceOp::kMax, {3}, {0}}, src.data(), &dst, context.get());
  EXPECT_TRUE(std::isnan(dst));
  reduce({ReduceOp::kSum, {0}, {0}}, src.data(), &dst, context.get());
  EXPECT_EQ(dst, 0.0f);
}

}  // namespace
}  // namespace samc
