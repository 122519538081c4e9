// VideoPredictor's errors, what failing calls leave, and options that the official code does not do (the others:
// video_calls_test.cpp).

#include "runtime/video_predictor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "base/limits.h"
#include "base/memory_budget.h"
#include "runtime/testing_video.h"

namespace samc {
namespace {

constexpr int64_t kWidth = 40, kHeight = 24;

struct Tracker {
  explicit Tracker(const VideoOptions& options = {}, const VideoFacts& facts = {}, int64_t count = 8,
                   int64_t most_memories = 1000)
      : frames(std::make_shared<FakeFrames>(count, kWidth, kHeight)),
        predictor(
            VideoPredictor::create(std::make_unique<FakeVideoModel>(facts, log, most_memories), options).value()) {
    EXPECT_TRUE(predictor.init_state(frames).is_ok());
  }

  // All masks of a propagation.
  Result<std::vector<VideoMasks>> propagate(const PropagateOptions& options = {}) {
    std::vector<VideoMasks> result;
    SAMC_ASSIGN(VideoPropagation propagation, predictor.propagate_in_video(options));
    while (true) {
      SAMC_ASSIGN(std::optional<VideoMasks> masks, propagation.next());
      if (!masks.has_value()) return result;
      result.push_back(std::move(*masks));
    }
  }

  std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>();
  std::shared_ptr<FakeFrames> frames;
  VideoPredictor predictor;
};

void expect_equal(const VideoMasks& a, const VideoMasks& b) {
  EXPECT_EQ(a.frame, b.frame);
  ASSERT_EQ(a.objects, b.objects);
  if (a.objects.empty()) return;
  EXPECT_TRUE(std::ranges::equal(a.logits.f32(), b.logits.f32())) << "frame " << a.frame;
}

template <class T>
std::string message_of(const Result<T>& result) {
  return result.is_ok() ? "" : result.status().to_string();
}

TEST(VideoPredictor, FramesAndObjectsThatAreNotThere) {
  Tracker video;
  VideoPredictor& predictor = video.predictor;
  EXPECT_EQ(message_of(predictor.propagate_in_video()),
            "no object has a prompt; give points, a box or a mask of one first");
  EXPECT_EQ(message_of(predictor.add_new_points_or_box(8, 1, click(1, 1))),
            "no frame 8: the video has 8; they are counted from 0");
  EXPECT_EQ(message_of(predictor.add_new_points_or_box(-1, 1, click(1, 1))),
            "no frame -1: the video has 8; they are counted from 0");
  EXPECT_EQ(message_of(predictor.add_new_mask(9, 1, {})), "no frame 9: the video has 8; they are counted from 0");
  EXPECT_EQ(message_of(predictor.clear_all_prompts_in_frame(0, 3)), "no object 3: there are none; prompt it first");
  EXPECT_EQ(message_of(predictor.remove_object(3)), "no object 3: there are none; prompt it first");
  EXPECT_TRUE(predictor.remove_object(3, false).is_ok());
  ASSERT_TRUE(predictor.add_new_points_or_box(2, 5, click(20, 12)).is_ok());
  ASSERT_TRUE(predictor.add_new_points_or_box(2, 4, click(30, 3)).is_ok());
  EXPECT_EQ(predictor.objects(), (std::vector<int64_t>{5, 4}));
  EXPECT_EQ(message_of(predictor.clear_all_prompts_in_frame(0, 3)), "no object 3; there are 5, 4");
  EXPECT_EQ(message_of(predictor.clear_all_prompts_in_frame(8, 5)),
            "no frame 8: the video has 8; they are counted from 0");
  EXPECT_EQ(message_of(predictor.output(3, 5)), "object 5 has no result on frame 3");
  EXPECT_EQ(predictor.output(2, 5).value()->low_res_logits.shape(), (Shape{1, 1, kFakeLow, kFakeLow}));
  PropagateOptions options;
  options.start_frame = 8;
  EXPECT_EQ(message_of(predictor.propagate_in_video(options)), "no frame 8: the video has 8; they are counted from 0");
  options.start_frame = 1;
  options.max_frames = -1;
  EXPECT_EQ(message_of(predictor.propagate_in_video(options)), "-1 frames to track; 0 or more beyond the first one");
  ASSERT_TRUE(predictor.remove_object(4).is_ok());
  EXPECT_EQ(message_of(predictor.remove_object(4)), "no object 4; there are 5");
  // An object whose prompts were all taken back.
  ASSERT_TRUE(predictor.clear_all_prompts_in_frame(2, 5).is_ok());
  EXPECT_EQ(message_of(predictor.propagate_in_video()),
            "object 5 has no prompted frame; give it points, a box or a mask, or remove it");
}

TEST(VideoPredictor, NoVideo) {
  auto predictor = VideoPredictor::create(std::make_unique<FakeVideoModel>(VideoFacts{})).value();
  EXPECT_EQ(message_of(predictor.add_new_points_or_box(0, 1, click(1, 1))), "no video is set; call init_state first");
  EXPECT_EQ(message_of(predictor.propagate_in_video()), "no video is set; call init_state first");
  EXPECT_EQ(predictor.init_state(nullptr).message(), "a video without frames");
  EXPECT_EQ(predictor.init_state(std::make_shared<FakeFrames>(0, 4, 4)).message(), "a video without frames");
  EXPECT_NE(predictor.init_state(std::make_shared<FakeFrames>(1, kLongestSide + 1, 4)).message().find("65536 x 4"),
            std::string::npos);
}

TEST(VideoPredictor, ModelsAndOptionsThatDoNotFit) {
  const auto message = [](const VideoFacts& facts, const VideoOptions& options) {
    return message_of(VideoPredictor::create(std::make_unique<FakeVideoModel>(facts), options));
  };
  EXPECT_EQ(message({}, {}), "");
  EXPECT_EQ(message_of(VideoPredictor::create(std::unique_ptr<VideoModel>())), "no model");
  auto images_only = std::make_unique<FakeVideoModel>(VideoFacts{});
  images_only->changed_info().video.reset();
  const Result<VideoPredictor> refused = VideoPredictor::create(std::move(images_only));
  EXPECT_EQ(refused.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(refused.status().message(), "fake is a model of images, not of videos");
  VideoOptions options;
  options.max_conditioning_frames = 1;
  EXPECT_NE(message({}, options).find("max_conditioning_frames is 1"), std::string::npos);
  options = {};
  options.kept_features = 0;
  EXPECT_NE(message({}, options).find("kept_features 0"), std::string::npos);
  VideoFacts facts;
  facts.memory_temporal_stride_for_eval = 0;
  EXPECT_NE(message(facts, {}).find("memory_temporal_stride_for_eval 0"), std::string::npos);
}

TEST(VideoPredictor, FramesThatCannotBeHad) {
  Tracker video;
  video.frames->broken = 3;
  ASSERT_TRUE(video.predictor.add_new_points_or_box(1, 1, click(20, 12)).is_ok());
  VideoPropagation propagation = video.predictor.propagate_in_video().value();
  EXPECT_EQ(propagation.frames(), 7);
  ASSERT_TRUE(propagation.next().is_ok());
  ASSERT_TRUE(propagation.next().is_ok());
  EXPECT_EQ(message_of(propagation.next()), "frame 3: frame broken");
  video.frames->broken = -1;
  video.frames->wider = 3;
  EXPECT_EQ(message_of(propagation.next()),
            "frame 3 has 41 x 24 pixels, the video 40 x 24; all frames of a video are of one size");
  video.frames->wider = -1;
  EXPECT_EQ(propagation.next().value()->frame, 3);  // goes on where it failed
  EXPECT_EQ(propagation.done(), 3);
}

TEST(VideoPropagation, EndsWithItsPrompts) {
  Tracker video;
  ASSERT_TRUE(video.predictor.add_new_points_or_box(0, 1, click(20, 12)).is_ok());
  PropagateOptions options;
  options.max_frames = 1;
  VideoPropagation propagation = video.predictor.propagate_in_video(options).value();
  EXPECT_EQ(propagation.frames(), 2);
  EXPECT_EQ(propagation.next().value()->frame, 0);
  VideoPredictor moved = std::move(video.predictor);
  EXPECT_EQ(propagation.next().value()->frame, 1);
  EXPECT_FALSE(propagation.next().value().has_value());
  EXPECT_FALSE(propagation.next().value().has_value());
  ASSERT_TRUE(moved.add_new_points_or_box(1, 1, click(10, 12)).is_ok());
  EXPECT_NE(message_of(propagation.next()).find("prompts or objects changed"), std::string::npos);
  options.reverse = true;
  options.start_frame = 0;
  EXPECT_EQ(moved.propagate_in_video(options).value().frames(), 0);
  options.start_frame = 7;
  options.max_frames = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(moved.propagate_in_video(options).value().frames(), 8);
}

TEST(VideoPredictor, FeaturesAreComputedOnceForAllObjects) {
  Tracker video;
  for (const int64_t object : {1, 2, 3})
    ASSERT_TRUE(video.predictor.add_new_points_or_box(0, object, click(20, 12)).is_ok());
  EXPECT_EQ(video.log->encoded, 1);
  ASSERT_EQ(video.propagate().value().size(), 8u);
  EXPECT_EQ(video.log->encoded, 8);
  EXPECT_EQ(video.log->remembered, 3 * 8);
}

TEST(VideoPredictor, MemoriesBeyondTheModel) {
  VideoOptions options;
  Tracker video(options, {}, 8, 3);
  ASSERT_TRUE(video.predictor.add_new_points_or_box(0, 7, click(20, 12)).is_ok());
  const std::string message = message_of(video.propagate());
  EXPECT_NE(message.find("object 7 has 4 memories and 4 pointers at frame 4, fake takes at most 3 and 1000"),
            std::string::npos)
      << message;
}

// Prompts of objects that lie over each other.
void prompt_two(VideoPredictor& predictor, int64_t frame) {
  ASSERT_TRUE(predictor.add_new_points_or_box(frame, 1, click(14, 12)).is_ok());
  ASSERT_TRUE(predictor.add_new_points_or_box(frame, 2, click(20, 12)).is_ok());
}

int64_t pixels_above(const std::vector<float>& a, const std::vector<float>& b, float limit) {
  int64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += a[i] > limit && b[i] > limit ? 1 : 0;
  return count;
}

TEST(VideoPredictor, MasksInMemoryMayBeKeptApart) {
  for (const bool apart : {false, true}) {
    VideoOptions options;
    options.non_overlap_masks_for_mem_enc = apart;
    VideoFacts facts;
    facts.pred_obj_scores = false;
    Tracker video(options, facts);
    prompt_two(video.predictor, 0);
    PropagateOptions two_frames;
    two_frames.max_frames = 1;
    const std::vector<VideoMasks> masks = video.propagate(two_frames).value();
    ASSERT_EQ(video.log->memory_masks.size(), 4u);  // of the prompted frame, then of the tracked one
    const auto& memory = video.log->memory_masks;
    EXPECT_EQ(pixels_above(memory[0], memory[1], 0.0f) == 0, apart);
    EXPECT_EQ(pixels_above(memory[2], memory[3], -9.9f) == 0, apart);
    // Prompted masks count by their sign; both objects have some.
    EXPECT_TRUE(std::ranges::all_of(memory[0], [](float logit) { return std::abs(logit) == kCertainLogit; }));
    for (const std::vector<float>& mask : memory) EXPECT_GT(pixels_above(mask, mask, 0.0f), 0);
    // What is shown is not affected.
    const std::span<const float> shown = masks[0].logits.f32();
    const std::vector<float> first(shown.begin(), shown.begin() + kWidth * kHeight),
        second(shown.begin() + kWidth * kHeight, shown.end());
    EXPECT_GT(pixels_above(first, second, 0.0f), 0);
  }
}

TEST(VideoPredictor, WhatWasFoundBeforeGoesIntoTheNextClick) {
  Tracker video;
  int64_t unseen = 0;
  for (int64_t frame = 0; frame < 8; ++frame) {
    const VideoMasks first = video.predictor.add_new_points_or_box(frame, 1, click(20, 12, frame < 4 ? 0 : 1)).value();
    EXPECT_TRUE(video.log->mask_input.empty());
    std::vector<float> expected(first.outputs[0]->low_res_logits.f32().begin(),
                                first.outputs[0]->low_res_logits.f32().end());
    if (first.outputs[0]->object_score.f32()[0] <= 0.0f) {
      ++unseen;
      EXPECT_EQ(expected, std::vector<float>(kFakeLow * kFakeLow, -1024.0f));
      expected.assign(expected.size(), -32.0f);
    }
    ASSERT_TRUE(video.predictor.add_new_points_or_box(frame, 1, click(4, 4)).is_ok());
    EXPECT_EQ(video.log->mask_input, expected);
  }
  EXPECT_GT(unseen, 0);
  EXPECT_LT(unseen, 8);
}

TEST(VideoPredictor, ACorrectionMayClearTheMemoriesAroundIt) {
  for (const bool clears : {false, true}) {
    VideoOptions options;
    options.clear_non_cond_mem_around_input = clears;
    Tracker video(options, {}, 30);
    ASSERT_TRUE(video.predictor.add_new_points_or_box(0, 1, click(20, 12)).is_ok());
    ASSERT_TRUE(video.propagate().is_ok());
    ASSERT_TRUE(video.predictor.add_new_points_or_box(10, 1, click(9, 12)).is_ok());
    PropagateOptions after;
    after.max_frames = 0;
    const auto memories_at = [&](int64_t frame) {
      after.start_frame = frame;
      EXPECT_TRUE(video.propagate(after).is_ok());
      return video.log->memories;
    };
    // The corrected frame's own stays, and those more than seven frames away.
    EXPECT_EQ(memories_at(11), clears ? 2u : 7u);
    EXPECT_EQ(memories_at(22), clears ? 1u + 4u : 7u);  // 18 to 21
    EXPECT_EQ(memories_at(3), 1u + 2u);                 // 1 and 2; 0 is the prompted one
  }
}

TEST(VideoPredictor, ValuesThatAreNotFinite) {
  Tracker video;
  video.log->nonfinite = true;
  const std::string message = message_of(video.predictor.add_new_points_or_box(0, 1, click(20, 12)));
  EXPECT_NE(message.find("fake gives values that are not finite in low_res_logits"), std::string::npos) << message;
  EXPECT_TRUE(video.predictor.objects().empty());
  VideoOptions options;
  options.allow_nonfinite = true;
  Tracker lenient(options);
  lenient.log->nonfinite = true;
  EXPECT_TRUE(lenient.predictor.add_new_points_or_box(0, 1, click(20, 12)).is_ok());
}

TEST(VideoPredictor, MissingMemoryLeavesItUsable) {
  Tracker video, other;
  for (Tracker* each : {&video, &other})
    ASSERT_TRUE(each->predictor.add_new_points_or_box(0, 1, click(20, 12)).is_ok());
  set_memory_limit(memory_taken() + 100);
  EXPECT_EQ(video.predictor.add_new_points_or_box(2, 2, click(3, 3)).status().code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(video.propagate().status().code(), StatusCode::kOutOfMemory);
  set_memory_limit(0);
  const std::vector<VideoMasks> expected = other.propagate().value(), masks = video.propagate().value();
  ASSERT_EQ(masks.size(), expected.size());
  for (size_t i = 0; i < masks.size(); ++i) expect_equal(masks[i], expected[i]);
}

// Calls that fail at every one of the model's steps, then are made again: what follows is as if they had not failed.
TEST(VideoPredictor, CallsThatFailChangeNothing) {
  using Call = std::function<Status(Tracker&, std::vector<VideoMasks>&)>;
  const auto keep = [](Result<VideoMasks> masks, std::vector<VideoMasks>& kept) -> Status {
    SAMC_TRY(masks.status());
    kept.push_back(std::move(masks).value());
    return Status::ok();
  };
  const auto propagate = [](Tracker& video, std::vector<VideoMasks>& kept, const PropagateOptions& options) -> Status {
    SAMC_ASSIGN(std::vector<VideoMasks> masks, video.propagate(options));
    for (VideoMasks& each : masks) kept.push_back(std::move(each));
    return Status::ok();
  };
  Tensor mask(DType::kU8, {kHeight, kWidth});
  std::ranges::fill(mask.as<uint8_t>(), uint8_t{0});
  std::fill_n(mask.as<uint8_t>().begin() + 200, 300, uint8_t{255});
  PropagateOptions backwards;
  backwards.reverse = true;
  backwards.start_frame = 7;
  const std::vector<Call> calls = {
      [&](Tracker& video, auto& kept) {
        return keep(video.predictor.add_new_points_or_box(1, 1, click(20, 12)), kept);
      },
      [&](Tracker& video, auto& kept) {
        return keep(video.predictor.add_new_points_or_box(1, 1, click(8, 5, 0)), kept);
      },
      [&](Tracker& video, auto& kept) { return keep(video.predictor.add_new_mask(3, 2, mask.view()), kept); },
      [&](Tracker& video, auto& kept) { return propagate(video, kept, {}); },
      [&](Tracker& video, auto& kept) { return keep(video.predictor.add_new_points_or_box(5, 2, click(9, 9)), kept); },
      [&](Tracker& video, auto& kept) { return propagate(video, kept, backwards); },
      [&](Tracker& video, auto& kept) { return keep(video.predictor.clear_all_prompts_in_frame(3, 2), kept); },
      [&](Tracker& video, auto& kept) { return keep(video.predictor.add_new_mask(3, 2, mask.view()), kept); },
      [&](Tracker& video, auto& kept) { return propagate(video, kept, {}); },
  };
  VideoOptions options;
  options.kept_features = 1;
  Tracker reference(options);
  std::vector<std::vector<VideoMasks>> expected(calls.size());
  for (size_t i = 0; i < calls.size(); ++i) ASSERT_TRUE(calls[i](reference, expected[i]).is_ok()) << i;
  int64_t failures = 0;
  for (size_t failing = 0; failing < calls.size(); ++failing) {
    for (int64_t step = 0; step < 200; ++step) {
      SCOPED_TRACE(fmt::format("call {} fails at step {}", failing, step));
      Tracker video(options);
      bool failed = false;
      for (size_t i = 0; i < calls.size(); ++i) {
        std::vector<VideoMasks> kept;
        if (i == failing) {
          video.log->fail_after = step;
          video.log->calls = 0;
          video.log->fail_by_exception = step % 2 == 1;
          const Status status = calls[i](video, kept);
          failed = !status.is_ok();
          video.log->fail_after = -1;
          if (!failed) break;
          EXPECT_EQ(status.code(), step % 2 == 1 ? StatusCode::kOutOfMemory : StatusCode::kIo);
          kept.clear();
          ++failures;
        }
        ASSERT_TRUE(calls[i](video, kept).is_ok());
        ASSERT_EQ(kept.size(), expected[i].size());
        for (size_t k = 0; k < kept.size(); ++k) expect_equal(kept[k], expected[i][k]);
      }
      if (!failed) break;
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(failures, 100);
}

TEST(VideoPredictor, ResetAndRemovalOfTheLastObject) {
  Tracker video, fresh;
  ASSERT_TRUE(video.predictor.add_new_points_or_box(4, 1, click(20, 12)).is_ok());
  ASSERT_TRUE(video.propagate().is_ok());
  EXPECT_TRUE(video.predictor.remove_object(1).value().empty());
  ASSERT_TRUE(video.predictor.add_new_points_or_box(4, 9, click(3, 3)).is_ok());
  video.predictor.reset_state();
  EXPECT_TRUE(video.predictor.objects().empty());
  for (Tracker* each : {&video, &fresh}) prompt_two(each->predictor, 2);
  const std::vector<VideoMasks> expected = fresh.propagate().value(), masks = video.propagate().value();
  ASSERT_EQ(masks.size(), 6u);
  for (size_t i = 0; i < masks.size(); ++i) expect_equal(masks[i], expected[i]);
}

}  // namespace
}  // namespace samc
