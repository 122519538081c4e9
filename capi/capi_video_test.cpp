// The video half of the C interface, around a small model that can be followed (runtime/testing_video.h).

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/test_folder.h"
#include "capi/handles.h"
#include "media/image.h"
#include "runtime/testing_video.h"

namespace samc {
namespace {

constexpr int64_t kWidth = 40, kHeight = 24, kFrames = 5;

// Frames by the caller's functions, counted.
struct Source {
  FakeFrames frames{kFrames, kWidth, kHeight};
  int read = 0, released = 0;
  int64_t fails_at = -1;
  int64_t width = kWidth;  // of what read() gives

  samc_frame_source get() {
    const auto read_frame = [](void* context, int64_t index, samc_image* image) {
      auto* self = static_cast<Source*>(context);
      ++self->read;
      if (index == self->fails_at) return 1;
      const RgbView view = self->frames.frame(index).value();
      *image = {view.pixels, self->width, view.height, view.stride};
      return 0;
    };
    return {kFrames, kWidth,     kHeight,
            this,    read_frame, [](void* context) { ++static_cast<Source*>(context)->released; }};
  }
};

class CApiVideo : public testing::Test {
 protected:
  void SetUp() override {
    auto made = VideoPredictor::create(std::make_unique<FakeVideoModel>(VideoFacts{}, log_, 1000), {});
    predictor_ = new samc_video_predictor{std::make_shared<samc_tracked_video>(std::move(made).value())};
  }
  void TearDown() override { samc_video_predictor_free(predictor_); }
  void begin() {
    const samc_frame_source frames = source_.get();
    ASSERT_EQ(samc_video_predictor_init(predictor_, &frames), SAMC_OK) << samc_last_error();
  }
  samc_status click(int64_t frame, int64_t object, samc_video_masks** masks) {
    const samc_point point{20, 12, 1};
    const samc_video_prompt prompt{&point, 1, nullptr, 0, 0};
    return samc_video_predictor_add_points_or_box(predictor_, frame, object, &prompt, masks);
  }

  std::shared_ptr<FakeLog> log_ = std::make_shared<FakeLog>();
  Source source_;
  samc_video_predictor* predictor_ = nullptr;
};

samc_video_masks_view look(const samc_video_masks* masks) {
  samc_video_masks_view view{};
  view.struct_size = sizeof view;
  EXPECT_EQ(samc_video_masks_get(masks, &view), SAMC_OK) << samc_last_error();
  return view;
}

TEST_F(CApiVideo, MasksAreThoseOfTheCppPredictor) {
  begin();
  auto expected = VideoPredictor::create(std::make_unique<FakeVideoModel>(VideoFacts{}, log_, 1000), {}).value();
  ASSERT_TRUE(expected.init_state(std::make_shared<FakeFrames>(kFrames, kWidth, kHeight)).is_ok());
  samc_video_masks* masks = nullptr;
  ASSERT_EQ(click(0, 7, &masks), SAMC_OK) << samc_last_error();
  samc_video_masks_free(masks);
  VideoPrompt prompt;
  prompt.points = {{20, 12, 1}};
  ASSERT_TRUE(expected.add_new_points_or_box(0, 7, prompt).is_ok());
  std::vector<uint8_t> mask(kWidth * kHeight, 0);
  std::fill_n(mask.begin() + 200, 300, 1);
  ASSERT_EQ(samc_video_predictor_add_mask(predictor_, 1, 9, mask.data(), kWidth, kHeight, &masks), SAMC_OK);
  samc_video_masks_free(masks);
  ASSERT_TRUE(expected.add_new_mask(1, 9, {DType::kU8, {kHeight, kWidth}, mask.data()}).is_ok());

  samc_propagation* propagation = nullptr;
  ASSERT_EQ(samc_video_predictor_propagate(predictor_, nullptr, &propagation), SAMC_OK) << samc_last_error();
  VideoPropagation tracked = expected.propagate_in_video().value();
  for (int64_t frame = 0; frame < kFrames; ++frame) {
    ASSERT_EQ(samc_propagation_next(propagation, &masks), SAMC_OK) << samc_last_error();
    const VideoMasks wanted = tracked.next().value().value();
    const samc_video_masks_view view = look(masks);
    EXPECT_EQ(view.frame, frame);
    ASSERT_EQ(view.object_count, 2u);
    EXPECT_EQ(view.objects[0], 7);
    EXPECT_EQ(view.objects[1], 9);
    EXPECT_EQ(view.width, kWidth);
    EXPECT_EQ(view.height, kHeight);
    EXPECT_EQ(std::memcmp(view.logits, wanted.logits.data(), static_cast<size_t>(wanted.logits.bytes())), 0);
    samc_object_view object{};
    object.struct_size = sizeof object;
    ASSERT_EQ(samc_video_masks_get_object(masks, 1, &object), SAMC_OK);
    EXPECT_EQ(object.low_size, kFakeLow);
    EXPECT_EQ(object.channels, kFakeChannels);
    ASSERT_EQ(wanted.outputs[1] == nullptr, object.object_score == nullptr);
    if (object.object_score != nullptr) {
      EXPECT_EQ(*object.object_score, wanted.outputs[1]->object_score.f32()[0]);
      EXPECT_EQ(std::memcmp(object.low_res_logits, wanted.outputs[1]->low_res_logits.data(),
                            static_cast<size_t>(wanted.outputs[1]->low_res_logits.bytes())),
                0);
    }
    EXPECT_EQ(samc_video_masks_get_object(masks, 2, &object), SAMC_ERROR_USAGE);
    samc_video_masks_free(masks);
  }
  ASSERT_EQ(samc_propagation_next(propagation, &masks), SAMC_OK);
  EXPECT_EQ(masks, nullptr);
  samc_propagation_free(propagation);
}

TEST_F(CApiVideo, FramesAreReleasedOnce) {
  begin();
  EXPECT_EQ(source_.released, 0);
  Source other;
  const samc_frame_source frames = other.get();
  ASSERT_EQ(samc_video_predictor_init(predictor_, &frames), SAMC_OK);
  EXPECT_EQ(source_.released, 1);
  samc_frame_source empty = frames;
  empty.count = 0;
  Source third;
  empty.context = &third;
  EXPECT_EQ(samc_video_predictor_init(predictor_, &empty), SAMC_ERROR_INPUT);
  EXPECT_EQ(third.released, 1);
  empty.read = nullptr;
  EXPECT_EQ(samc_video_predictor_init(predictor_, &empty), SAMC_ERROR_USAGE);
  EXPECT_EQ(third.released, 2);
  EXPECT_EQ(samc_video_predictor_init(nullptr, &empty), SAMC_ERROR_USAGE);
  EXPECT_EQ(third.released, 3);
  EXPECT_EQ(other.released, 0);
  samc_video_predictor_free(std::exchange(predictor_, nullptr));
  EXPECT_EQ(other.released, 1);
}

TEST_F(CApiVideo, FramesThatCannotBeRead) {
  begin();
  source_.fails_at = 2;
  samc_video_masks* masks = nullptr;
  EXPECT_EQ(click(2, 1, &masks), SAMC_ERROR_INPUT);
  EXPECT_STREQ(samc_last_error(), "frame 2: the caller's function could not read it");
  EXPECT_EQ(masks, nullptr);
  source_.fails_at = -1;
  source_.width = 3;
  EXPECT_EQ(click(2, 1, &masks), SAMC_ERROR_INPUT);
  EXPECT_STREQ(samc_last_error(), "frame 2: it has 3 x 24 pixels, the video 40 x 24");
  source_.width = kWidth;
  ASSERT_EQ(click(2, 1, &masks), SAMC_OK) << samc_last_error();
  samc_video_masks_free(masks);
}

TEST_F(CApiVideo, PropagationsOutliveWhatTheyCameFrom) {
  begin();
  samc_propagation* propagation = nullptr;
  EXPECT_EQ(samc_video_predictor_propagate(predictor_, nullptr, &propagation), SAMC_ERROR_INPUT);
  EXPECT_EQ(propagation, nullptr);
  samc_video_masks* masks = nullptr;
  ASSERT_EQ(click(0, 1, &masks), SAMC_OK);
  samc_video_masks_free(masks);
  ASSERT_EQ(samc_video_predictor_propagate(predictor_, nullptr, &propagation), SAMC_OK);
  // A prompt in between ends it, a new video does, and the predictor's end does not.
  ASSERT_EQ(click(1, 2, &masks), SAMC_OK);
  samc_video_masks_free(masks);
  EXPECT_NE(samc_propagation_next(propagation, &masks), SAMC_OK);
  samc_propagation_free(propagation);
  ASSERT_EQ(samc_video_predictor_propagate(predictor_, nullptr, &propagation), SAMC_OK);
  Source other;
  const samc_frame_source frames = other.get();
  ASSERT_EQ(samc_video_predictor_init(predictor_, &frames), SAMC_OK);
  EXPECT_NE(samc_propagation_next(propagation, &masks), SAMC_OK);
  samc_propagation_free(propagation);
  ASSERT_EQ(click(0, 1, &masks), SAMC_OK);
  samc_video_masks_free(masks);
  ASSERT_EQ(samc_video_predictor_propagate(predictor_, nullptr, &propagation), SAMC_OK);
  samc_video_predictor_free(predictor_);
  predictor_ = nullptr;
  EXPECT_EQ(samc_propagation_next(propagation, &masks), SAMC_OK) << samc_last_error();
  EXPECT_EQ(look(masks).frame, 0);
  EXPECT_EQ(other.released, 0);
  samc_propagation_free(propagation);
  EXPECT_EQ(other.released, 1);
  EXPECT_EQ(look(masks).object_count, 1u);  // results are the caller's
  samc_video_masks_free(masks);
}

TEST_F(CApiVideo, ObjectsComeAndGo) {
  begin();
  samc_video_masks* masks = nullptr;
  for (const int64_t object : {5, 4, 6}) {
    ASSERT_EQ(click(1, object, &masks), SAMC_OK);
    samc_video_masks_free(masks);
  }
  std::vector<int64_t> ids(2);
  size_t count = 0;
  ASSERT_EQ(samc_video_predictor_objects(predictor_, ids.data(), 2, &count), SAMC_OK);
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(ids, (std::vector<int64_t>{5, 4}));
  ASSERT_EQ(samc_video_predictor_objects(predictor_, nullptr, 0, &count), SAMC_OK);
  EXPECT_EQ(samc_video_predictor_objects(predictor_, nullptr, 1, &count), SAMC_ERROR_USAGE);
  ASSERT_EQ(samc_video_predictor_remove_object(predictor_, 4, 1), SAMC_OK);
  EXPECT_EQ(samc_video_predictor_remove_object(predictor_, 4, 1), SAMC_ERROR_INPUT);
  ASSERT_EQ(samc_video_predictor_remove_object(predictor_, 4, 0), SAMC_OK);
  ASSERT_EQ(samc_video_predictor_clear_prompts_in_frame(predictor_, 1, 5, &masks), SAMC_OK) << samc_last_error();
  EXPECT_EQ(look(masks).object_count, 2u);
  samc_video_masks_free(masks);
  ASSERT_EQ(samc_video_predictor_reset(predictor_), SAMC_OK);
  ASSERT_EQ(samc_video_predictor_objects(predictor_, nullptr, 0, &count), SAMC_OK);
  EXPECT_EQ(count, 0u);
  EXPECT_NE(click(kFrames, 1, &masks), SAMC_OK);
  const samc_point nan{std::nanf(""), 0, 1};
  const samc_video_prompt prompt{&nan, 1, nullptr, 0, 0};
  EXPECT_EQ(samc_video_predictor_add_points_or_box(predictor_, 0, 1, &prompt, &masks), SAMC_ERROR_INPUT);
  uint8_t byte = 1;
  EXPECT_EQ(samc_video_predictor_add_mask(predictor_, 0, 1, &byte, -1, 1, &masks), SAMC_ERROR_INPUT);
}

TEST_F(CApiVideo, FoldersAreVideos) {
  const TestFolder folder;
  EXPECT_NE(samc_video_predictor_init_path(predictor_, folder.root().c_str()), SAMC_OK);
  EXPECT_EQ(samc_video_predictor_init_path(predictor_, folder.path("none").c_str()), SAMC_ERROR_IO);
  FakeFrames frames(3, kWidth, kHeight);
  for (int64_t index = 0; index < 3; ++index) {
    const RgbView view = frames.frame(index).value();
    Image image(kWidth, kHeight);
    for (int64_t y = 0; y < kHeight; ++y) std::copy_n(view.row(y), kWidth * 3, image.row(static_cast<int>(y)));
    ASSERT_TRUE(write_png(folder.path(fmt::format("{}.png", 8 + index)), image).is_ok());  // 8, 9, 10
  }
  ASSERT_EQ(samc_video_predictor_init_path(predictor_, folder.root().c_str()), SAMC_OK) << samc_last_error();
  samc_video_masks* of_folder = nullptr;
  ASSERT_EQ(click(2, 1, &of_folder), SAMC_OK) << samc_last_error();
  samc_video_masks* none = nullptr;
  EXPECT_NE(click(3, 1, &none), SAMC_OK);
  begin();
  samc_video_masks* of_memory = nullptr;
  ASSERT_EQ(click(2, 1, &of_memory), SAMC_OK);
  EXPECT_EQ(std::memcmp(look(of_folder).logits, look(of_memory).logits, kWidth * kHeight * sizeof(float)), 0);
  samc_video_masks_free(of_folder);
  samc_video_masks_free(of_memory);
}

TEST_F(CApiVideo, AStreamGivesWhatTheVideoGives) {
  auto made =
      VideoStream::create(std::make_unique<FakeVideoModel>(VideoFacts{}, log_, 1000), {}, {.num_frames = kFrames});
  auto* stream = new samc_video_stream(std::move(made).value());
  begin();
  samc_video_masks* masks = nullptr;
  const samc_point point{20, 12, 1};
  const samc_video_prompt prompt{&point, 1, nullptr, 0, 0};
  EXPECT_NE(samc_video_stream_add_points_or_box(stream, 3, &prompt, &masks), SAMC_OK);  // no frame yet
  std::vector<std::vector<float>> streamed;
  for (int64_t frame = 0; frame < kFrames; ++frame) {
    samc_image image{};
    const samc_frame_source frames = source_.get();
    ASSERT_EQ(frames.read(frames.context, frame, &image), 0);
    ASSERT_EQ(samc_video_stream_push(stream, &image, &masks), SAMC_OK) << samc_last_error();
    EXPECT_EQ(look(masks).object_count, frame == 0 ? 0u : 1u);
    if (frame == 0) {
      samc_video_masks_free(masks);
      ASSERT_EQ(samc_video_stream_add_points_or_box(stream, 3, &prompt, &masks), SAMC_OK) << samc_last_error();
    }
    const samc_video_masks_view view = look(masks);
    streamed.emplace_back(view.logits, view.logits + kWidth * kHeight);
    samc_video_masks_free(masks);
  }
  ASSERT_EQ(click(0, 3, &masks), SAMC_OK);
  samc_video_masks_free(masks);
  samc_propagation* propagation = nullptr;
  ASSERT_EQ(samc_video_predictor_propagate(predictor_, nullptr, &propagation), SAMC_OK);
  for (const std::vector<float>& expected : streamed) {
    ASSERT_EQ(samc_propagation_next(propagation, &masks), SAMC_OK);
    EXPECT_EQ(std::memcmp(look(masks).logits, expected.data(), kWidth * kHeight * sizeof(float)), 0);
    samc_video_masks_free(masks);
  }
  samc_propagation_free(propagation);
  uint8_t byte = 1;
  ASSERT_EQ(samc_video_stream_add_mask(stream, 4, &byte, 1, 1, &masks), SAMC_OK) << samc_last_error();
  EXPECT_EQ(look(masks).object_count, 2u);
  samc_video_masks_free(masks);
  ASSERT_EQ(samc_video_stream_remove_object(stream, 3, &masks), SAMC_OK);
  EXPECT_EQ(look(masks).object_count, 1u);
  samc_video_masks_free(masks);
  EXPECT_NE(samc_video_stream_clear_prompts(stream, 3, &masks), SAMC_OK);
  ASSERT_EQ(samc_video_stream_reset(stream), SAMC_OK);
  samc_video_stream_free(stream);
}

}  // namespace
}  // namespace samc
