#include "eval/segmentation_metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "media/npz.h"

namespace samc {
namespace {

constexpr double kTolerance = 1e-12;  // both count pixels, and differ in the last bits of a quotient at most

MaskView mask_at(const Tensor& masks, int64_t index) {
  const auto width = static_cast<int>(masks.shape()[2]), height = static_cast<int>(masks.shape()[1]);
  const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
  return {width, height, masks.as<uint8_t>().subspan(static_cast<size_t>(index) * pixels, pixels)};
}

// Random masks of ten sizes, and db_eval_iou's and db_eval_boundary's numbers (make_metric_cases.py).
TEST(SegmentationMetrics, are_those_of_davis) {
  const Result<Npz> cases = Npz::read(SAMC_SOURCE_DIR "/tests/data/vos/metric_cases.npz");
  ASSERT_TRUE(cases.is_ok()) << cases.status().to_string();
  int64_t compared = 0;
  for (int number = 0;; ++number) {
    const std::string name = "pairs" + std::to_string(number) + ".";
    const Tensor* annotations = cases.value().find(name + "annotation");
    if (annotations == nullptr) break;
    const Tensor& predictions = *cases.value().get(name + "prediction").value();
    const auto j = cases.value().get(name + "j").value()->as<double>();
    const auto f = cases.value().get(name + "f").value()->as<double>();
    for (int64_t i = 0; i < annotations->shape()[0]; ++i, ++compared) {
      const MaskView annotation = mask_at(*annotations, i), prediction = mask_at(predictions, i);
      const auto index = static_cast<size_t>(i);
      EXPECT_NEAR(region_similarity(annotation, prediction), j[index], kTolerance) << name << i;
      EXPECT_NEAR(boundary_measure(annotation, prediction), f[index], kTolerance) << name << i;
    }
  }
  EXPECT_EQ(compared, 7 * 18 + 3 * 2);
}

TEST(SegmentationMetrics, any_value_but_0_is_mask) {
  const std::vector<uint8_t> one{0, 1, 1, 0}, other{0, 255, 7, 0};
  EXPECT_EQ(region_similarity({2, 2, one}, {2, 2, other}), 1.0);
  EXPECT_EQ(boundary_measure({2, 2, one}, {2, 2, other}), 1.0);
}

TEST(SegmentationMetrics, masks_of_different_sizes_are_our_mistake) {
  const std::vector<uint8_t> pixels(4);
  EXPECT_DEATH((void)region_similarity({2, 2, pixels}, {4, 1, pixels}), "2 x 2");
}

}  // namespace
}  // namespace samc
