// VideoStream: equal to VideoPredictor on the same frames, bounded, and usable after a push that failed.

#include "runtime/video_stream.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "base/memory_budget.h"
#include "runtime/testing_video.h"

namespace samc {
namespace {

constexpr int64_t kWidth = 40, kHeight = 24;

template <class T>
std::string message_of(const Result<T>& result) {
  return result.is_ok() ? "" : result.status().to_string();
}

VideoStream stream_of(const VideoFacts& facts, const VideoOptions& options = {}, const StreamOptions& stream = {},
                      std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>()) {
  return VideoStream::create(std::make_unique<FakeVideoModel>(facts, std::move(log)), options, stream).value();
}

void expect_equal(const VideoMasks& a, const VideoMasks& b) {
  SCOPED_TRACE(fmt::format("frame {}", a.frame));
  ASSERT_EQ(a.frame, b.frame);
  ASSERT_EQ(a.objects, b.objects);
  for (size_t i = 0; i < a.objects.size(); ++i) {
    ASSERT_EQ(a.outputs[i] == nullptr, b.outputs[i] == nullptr);
    if (a.outputs[i] == nullptr) continue;
    EXPECT_TRUE(std::ranges::equal(a.outputs[i]->low_res_logits.f32(), b.outputs[i]->low_res_logits.f32()));
    EXPECT_TRUE(std::ranges::equal(a.outputs[i]->object_pointer.f32(), b.outputs[i]->object_pointer.f32()));
    EXPECT_EQ(a.outputs[i]->object_score.f32()[0], b.outputs[i]->object_score.f32()[0]);
  }
  if (!a.objects.empty()) {
    EXPECT_TRUE(std::ranges::equal(a.logits.f32(), b.logits.f32()));
  }
}

// What is done on the frame at hand.
struct Event {
  enum class Kind { kPoints, kMask, kClear, kRemove } kind;
  int64_t object;
  VideoPrompt prompt;
  Tensor mask;
};

// Both at once, for one schedule of events.
class Comparison {
 public:
  Comparison(const VideoFacts& facts, const VideoOptions& options, int64_t frames, int64_t stated_frames)
      : frames_(frames),
        stream_(stream_of(facts, options, {.num_frames = stated_frames})),
        predictor_(VideoPredictor::create(std::make_unique<FakeVideoModel>(facts), options).value()) {
    EXPECT_TRUE(predictor_.init_state(std::make_shared<FakeFrames>(frames, kWidth, kHeight)).is_ok());
  }

  void run(const std::map<int64_t, std::vector<Event>>& events) {
    for (int64_t frame = 0; frame < frames_ && !testing::Test::HasFailure(); ++frame) {
      const VideoMasks pushed = stream_.push(fake_frame(frame, kWidth, kHeight)).value();
      EXPECT_EQ(pushed.frame, frame);
      if (predictor_.objects().empty()) {
        EXPECT_TRUE(pushed.objects.empty());
      } else {
        PropagateOptions one;
        one.start_frame = frame;
        one.max_frames = 0;
        VideoPropagation propagation = predictor_.propagate_in_video(one).value();
        expect_equal(pushed, *propagation.next().value());
        tracked += static_cast<int64_t>(pushed.objects.size());
      }
      if (const auto found = events.find(frame); found != events.end())
        for (const Event& event : found->second) perform(frame, event);
    }
  }

  int64_t tracked = 0;  // masks compared
  VideoStream& stream() { return stream_; }

 private:
  void perform(int64_t frame, const Event& event) {
    switch (event.kind) {
      case Event::Kind::kPoints:
        return expect_equal(stream_.add_new_points_or_box(event.object, event.prompt).value(),
                            predictor_.add_new_points_or_box(frame, event.object, event.prompt).value());
      case Event::Kind::kMask:
        return expect_equal(stream_.add_new_mask(event.object, event.mask.view()).value(),
                            predictor_.add_new_mask(frame, event.object, event.mask.view()).value());
      case Event::Kind::kClear:
        return expect_equal(stream_.clear_all_prompts_in_frame(event.object).value(),
                            predictor_.clear_all_prompts_in_frame(frame, event.object).value());
      case Event::Kind::kRemove:
        EXPECT_TRUE(predictor_.remove_object(event.object).is_ok());
        EXPECT_EQ(stream_.remove_object(event.object).value().objects, predictor_.objects());
    }
  }

  int64_t frames_;
  VideoStream stream_;
  VideoPredictor predictor_;
};

Tensor square_mask(int64_t x, int64_t y, int64_t side) {
  Tensor mask(DType::kU8, {kHeight, kWidth});
  for (int64_t pixel = 0; pixel < kHeight * kWidth; ++pixel)
    mask.as<uint8_t>()[static_cast<size_t>(pixel)] =
        std::abs(pixel % kWidth - x) < side && std::abs(pixel / kWidth - y) < side ? 1 : 0;
  return mask;
}

// Models and schedules at random: the stream gives the predictor's bits.
TEST(VideoStream, EqualsThePredictor) {
  std::mt19937 random(11);
  const auto choose = [&](std::initializer_list<int64_t> values) { return values.begin()[random() % values.size()]; };
  int64_t tracked = 0;
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    VideoFacts facts;
    facts.num_maskmem = choose({7, 7, 3, 2, 1});
    facts.memory_temporal_stride_for_eval = choose({1, 1, 2, 3, 5});
    facts.max_obj_ptrs_in_encoder = choose({16, 4});
    facts.use_obj_ptrs_in_encoder = choose({1, 1, 1, 0}) != 0;
    facts.use_signed_tpos_enc_to_obj_ptrs = choose({1, 0}) != 0;
    facts.non_overlap_masks_for_mem_enc = choose({1, 0}) != 0;
    facts.max_cond_frames_in_attn = choose({-1, 4});
    facts.pred_obj_scores = choose({1, 0}) != 0;
    VideoOptions options;
    options.max_conditioning_frames = choose({0, 2, 3, 5});
    if (facts.max_cond_frames_in_attn == -1 && options.max_conditioning_frames == 0)
      options.max_conditioning_frames = 16;
    options.add_all_frames_to_correct_as_cond = choose({1, 0}) != 0;
    options.clear_non_cond_mem_around_input = choose({1, 0, 0}) != 0;
    options.non_overlap_masks = choose({1, 0}) != 0;
    const int64_t frames = choose({6, 40, 60});
    std::map<int64_t, std::vector<Event>> events;
    const int64_t first = choose({0, 0, 3});
    events[first].push_back({Event::Kind::kPoints, 1, click(20, 12), {}});
    std::vector<int64_t> objects = {1};
    for (int64_t frame = first + 1; frame < frames; ++frame) {
      if (choose({0, 0, 0, 1}) == 0) continue;
      const int64_t object = choose({1, 1, 2, 3});
      const auto x = static_cast<float>(random() % kWidth), y = static_cast<float>(random() % kHeight);
      const bool is_known = std::ranges::find(objects, object) != objects.end();
      if (is_known && objects.size() > 1 && choose({0, 0, 0, 1}) == 1) {
        events[frame].push_back({Event::Kind::kRemove, object, {}, {}});
        std::erase(objects, object);
        continue;
      }
      if (!is_known) objects.push_back(object);
      if (choose({0, 0, 1}) == 1) {
        events[frame].push_back({Event::Kind::kMask, object, {}, square_mask(static_cast<int64_t>(x), 9, 7)});
      } else {
        events[frame].push_back({Event::Kind::kPoints, object, click(x, y), {}});
      }
      if (is_known && choose({0, 0, 1}) == 1) events[frame].push_back({Event::Kind::kClear, object, {}, {}});
    }
    Comparison comparison(facts, options, frames, frames < 16 ? frames : 0);
    comparison.run(events);
    if (HasFailure()) return;
    tracked += comparison.tracked;
  }
  EXPECT_GT(tracked, 3000);
}

TEST(VideoStream, HoldsNoMoreAfterThousandsOfFrames) {
  VideoFacts facts;
  facts.memory_temporal_stride_for_eval = 2;
  VideoOptions options;
  options.add_all_frames_to_correct_as_cond = true;
  VideoStream stream = stream_of(facts, options);
  int64_t taken_early = 0;
  StreamHoldings early;
  constexpr int64_t kFrames = 3000, kEarly = 1000;
  for (int64_t frame = 0; frame < kFrames; ++frame) {
    ASSERT_TRUE(stream.push(fake_frame(frame % 97, kWidth, kHeight)).is_ok());
    // A prompt every 50 frames, more in all than conditioning frames are kept.
    if (frame % 50 == 0) {
      ASSERT_TRUE(stream.add_new_points_or_box(1, click(23, 12)).is_ok());
      ASSERT_TRUE(stream.add_new_points_or_box(2, click(26, 12)).is_ok());
    }
    const StreamHoldings held = stream.holdings();
    EXPECT_LE(held.conditioning_frames, 2 * (kStreamConditioningFrames + 1));
    EXPECT_LE(held.memories, 2 * (kStreamConditioningFrames + 1 + facts.num_maskmem + 1));
    EXPECT_LE(held.pointers, 2 * (kStreamConditioningFrames + 1 + facts.max_obj_ptrs_in_encoder + 1));
    EXPECT_LE(held.masks, 2 * 2);
    if (HasFailure()) return;
    if (frame == kEarly - 1) {
      early = held;
      taken_early = memory_taken();
    }
  }
  const StreamHoldings late = stream.holdings();
  EXPECT_EQ(late.conditioning_frames, early.conditioning_frames);
  EXPECT_EQ(late.memories, early.memories);
  EXPECT_EQ(late.pointers, early.pointers);
  EXPECT_EQ(late.masks, early.masks);
  EXPECT_EQ(memory_taken(), taken_early);
  EXPECT_EQ(stream.frames(), kFrames);
}

// One prompt at the start and the official options: exactly what tracking needs.
TEST(VideoStream, HoldsWhatTheNextFrameNeeds) {
  VideoStream stream = stream_of({});
  ASSERT_TRUE(stream.push(fake_frame(0, kWidth, kHeight)).is_ok());
  ASSERT_TRUE(stream.add_new_points_or_box(1, click(20, 12)).is_ok());
  for (int64_t frame = 1; frame < 100; ++frame) ASSERT_TRUE(stream.push(fake_frame(frame, kWidth, kHeight)).is_ok());
  const StreamHoldings held = stream.holdings();
  EXPECT_EQ(held.conditioning_frames, 1);
  EXPECT_EQ(held.memories, 1 + 7);   // six before the frame at hand, for corrections of it, and its own
  EXPECT_EQ(held.pointers, 1 + 16);  // likewise
  EXPECT_EQ(held.masks, 1);
}

TEST(VideoStream, FramesWithoutObjectsAreNotEncoded) {
  const auto log = std::make_shared<FakeLog>();
  VideoStream stream = stream_of({}, {}, {}, log);
  for (int64_t frame = 0; frame < 5; ++frame) {
    const Image image = fake_frame(frame, kWidth, kHeight);
    // Rows that lie apart, and pixels that are gone when the prompt comes.
    std::vector<uint8_t> apart(kHeight * 200);
    for (int64_t y = 0; y < kHeight; ++y)
      std::copy_n(image.rgb.begin() + y * kWidth * 3, kWidth * 3, apart.begin() + y * 200);
    const VideoMasks none = stream.push({apart.data(), kWidth, kHeight, 200}).value();
    EXPECT_EQ(none.frame, frame);
    EXPECT_TRUE(none.objects.empty() && none.logits.empty());
  }
  EXPECT_EQ(log->encoded, 0);
  const VideoMasks masks = stream.add_new_points_or_box(1, click(20, 12)).value();
  ASSERT_TRUE(stream.add_new_points_or_box(2, click(3, 2)).is_ok());
  EXPECT_EQ(log->encoded, 1);
  auto predictor = VideoPredictor::create(std::make_unique<FakeVideoModel>(VideoFacts{})).value();
  ASSERT_TRUE(predictor.init_state(std::make_shared<FakeFrames>(5, kWidth, kHeight)).is_ok());
  expect_equal(masks, predictor.add_new_points_or_box(4, 1, click(20, 12)).value());
  ASSERT_TRUE(stream.push(fake_frame(5, kWidth, kHeight)).is_ok());
  EXPECT_EQ(log->encoded, 2);
}

TEST(VideoStream, Errors) {
  VideoStream stream = stream_of({});
  EXPECT_EQ(message_of(stream.add_new_points_or_box(1, click(1, 1))),
            "no frame was pushed; push the frame that the prompt is for");
  EXPECT_NE(message_of(stream.push({})).find("frame 0 has 0 x 0 pixels"), std::string::npos);
  ASSERT_TRUE(stream.push(fake_frame(0, kWidth, kHeight)).is_ok());
  EXPECT_EQ(message_of(stream.push(fake_frame(1, kWidth + 1, kHeight))),
            "frame 1 has 41 x 24 pixels, those before it 40 x 24; reset() begins a stream of another size");
  EXPECT_EQ(message_of(stream.remove_object(1)), "no object 1: there are none; prompt it first");
  ASSERT_TRUE(stream.add_new_points_or_box(1, click(20, 12)).is_ok());
  ASSERT_TRUE(stream.clear_all_prompts_in_frame(1).is_ok());
  EXPECT_EQ(message_of(stream.push(fake_frame(1, kWidth, kHeight))),
            "object 1 has no prompted frame; give it points, a box or a mask, or remove it");
  EXPECT_EQ(stream.frames(), 1);
  EXPECT_TRUE(stream.remove_object(1).value().objects.empty());
  ASSERT_TRUE(stream.push(fake_frame(1, kWidth, kHeight)).is_ok());
  stream.reset();
  EXPECT_EQ(stream.frames(), 0);
  ASSERT_TRUE(stream.push(fake_frame(0, kWidth + 1, kHeight)).is_ok());
  const Result<VideoStream> refused =
      VideoStream::create(std::make_unique<FakeVideoModel>(VideoFacts{}), {}, {.num_frames = -1});
  EXPECT_EQ(message_of(refused), "a stream of -1 frames");
}

// A push that fails, at every step of the model, also with other pixels than the push after it.
TEST(VideoStream, PushesThatFailChangeNothing) {
  const auto run = [](VideoStream& stream, FakeLog& log, int64_t failing, int64_t step,
                      std::vector<VideoMasks>& masks) {
    bool failed = false;
    for (int64_t frame = 0; frame < 6; ++frame) {
      if (frame == failing) {
        log.fail_after = step;
        log.calls = 0;
        log.fail_by_exception = step % 2 == 1;
        failed = !stream.push(fake_frame(frame + 50, kWidth, kHeight)).is_ok();
        log.fail_after = -1;
        if (!failed) return false;
        EXPECT_EQ(stream.frames(), frame);
        // The frame before can still be prompted.
        if (frame == 4) masks.push_back(stream.add_new_points_or_box(1, click(5, 5)).value());
      } else if (frame == 4 && failing != 4) {
        masks.push_back(stream.add_new_points_or_box(1, click(5, 5)).value());
      }
      masks.push_back(stream.push(fake_frame(frame, kWidth, kHeight)).value());
      if (frame == 1) masks.push_back(stream.add_new_points_or_box(1, click(20, 12)).value());
      if (frame == 2) masks.push_back(stream.add_new_points_or_box(2, click(10, 12)).value());
    }
    return failed;
  };
  std::vector<VideoMasks> expected;
  const auto log = std::make_shared<FakeLog>();
  VideoStream reference = stream_of({}, {}, {}, log);
  run(reference, *log, -1, 0, expected);
  int64_t failures = 0;
  for (const int64_t failing : {2, 3, 4, 5}) {
    for (int64_t step = 0; step < 50; ++step) {
      SCOPED_TRACE(fmt::format("frame {} fails at step {}", failing, step));
      std::vector<VideoMasks> masks;
      VideoStream stream = stream_of({}, {}, {}, log);
      if (!run(stream, *log, failing, step, masks)) break;
      ++failures;
      ASSERT_EQ(masks.size(), expected.size());
      for (size_t i = 0; i < masks.size(); ++i) expect_equal(masks[i], expected[i]);
    }
  }
  EXPECT_GT(failures, 15);
}

}  // namespace
}  // namespace samc
