#include "app/image_lanes.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace samc {
namespace {

// Holds back an image until another is done.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    opened_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [&] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool is_open_ = false;
};

TEST(ImageLanes, reports_come_in_the_order_of_the_images) {
  constexpr size_t kImages = 20;
  Progress progress(true);
  Gate gate;
  std::vector<std::string> taken;
  const Result<size_t> failed = do_images(
      kImages, 2, true, progress,
      [&](size_t image, size_t lane, ImageReport& report) {
        EXPECT_LT(lane, 2u);
        if (image == 0) gate.pass();  // ends last of all
        if (image + 1 == kImages) gate.open();
        report.summary = std::to_string(image);
        return Status::ok();
      },
      [&](ImageReport& report) {
        taken.push_back(report.summary);
        return Status::ok();
      });
  ASSERT_TRUE(failed.is_ok());
  EXPECT_EQ(failed.value(), 0u);
  ASSERT_EQ(taken.size(), kImages);
  for (size_t image = 0; image < kImages; ++image) EXPECT_EQ(taken[image], std::to_string(image));
}

TEST(ImageLanes, one_bad_image_of_a_batch_does_not_cost_the_others) {
  Progress progress(true);
  for (const size_t lanes : {1, 3}) {
    std::vector<std::string> taken;
    testing::internal::CaptureStderr();
    const Result<size_t> failed = do_images(
        6, lanes, true, progress,
        [&](size_t image, size_t, ImageReport& report) -> Status {
          report.warnings.push_back("warning " + std::to_string(image));
          report.summary = std::to_string(image);
          if (image == 1) return invalid_input("bad 1");
          if (image == 3) throw std::bad_alloc();
          return Status::ok();
        },
        [&](ImageReport& report) {
          taken.push_back(report.summary);
          return report.summary == "4" ? invalid_input("cannot be taken") : Status::ok();
        });
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(failed.value(), 3u);
    EXPECT_EQ(taken, (std::vector<std::string>{"0", "2", "4", "5"}));
    std::vector<size_t> places;
    for (const char* part : {"warning 0", "warning 1", "bad 1", "warning 2", "warning 3", "out of memory", "warning 4",
                             "cannot be taken", "warning 5"})
      places.push_back(said.find(part));
    EXPECT_NE(places.back(), std::string::npos) << said;
    EXPECT_TRUE(std::ranges::is_sorted(places)) << said;
  }
}

TEST(ImageLanes, the_error_of_a_single_image_is_the_callers) {
  Progress progress(true);
  testing::internal::CaptureStderr();
  const Result<size_t> failed = do_images(
      1, 1, false, progress, [](size_t, size_t, ImageReport&) { return usage_error("alone"); },
      [](ImageReport&) { return Status::ok(); });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(failed.status().code(), StatusCode::kUsage);
}

}  // namespace
}  // namespace samc
