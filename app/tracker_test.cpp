// samc track's threads around a small model: the reader's, the tracker's, the writer's. TSan runs these.

#include "app/tracker.h"

#include <gtest/gtest.h>

#include <csignal>

#include "app/kept_masks.h"
#include "app/signals.h"
#include "app/testing_frames.h"
#include "base/files.h"
#include "base/test_folder.h"
#include "runtime/testing_video.h"

namespace samc {
namespace {

// Remembers which frames came, and may refuse one.
class CountingOutput : public TrackOutput {
 public:
  CountingOutput(std::vector<int64_t>& frames, int64_t refuses) : frames_(frames), refuses_(refuses) {}
  Status add(const MaskedFrame& frame) override {
    if (frame.tracked.index == refuses_) return io_error("no room");
    if (frame.tracked.masks) {
      EXPECT_EQ(frame.masks.size(), frame.tracked.masks->objects.size());
      EXPECT_EQ(frame.tracked.frame->index, frame.tracked.index);
      EXPECT_EQ(frame.tracked.frame->image.rgb[0], frame.tracked.index);
      frames_.push_back(frame.tracked.index);
    }
    return Status::ok();
  }

 private:
  std::vector<int64_t>& frames_;
  int64_t refuses_;
};

TrackPrompt point_on(int64_t frame, int64_t object) {
  TrackPrompt prompt;
  prompt.frame = frame;
  prompt.object = object;
  prompt.prompt.points.push_back({1, 1, true});
  prompt.where = fmt::format("frame {}", frame);
  return prompt;
}

struct Outcome {
  Status status, written;
  std::vector<int64_t> frames;
  std::string lines;
};

class TrackerTest : public testing::Test {
 protected:
  TrackPlan plan(std::vector<TrackPrompt> prompts) const {
    TrackPlan plan;
    plan.first = plan.last = prompts[0].frame;
    for (const TrackPrompt& prompt : prompts) {
      plan.first = std::min(plan.first, prompt.frame);
      plan.last = std::max(plan.last, prompt.frame);
      plan.masks.emplace_back();
    }
    plan.prompts = std::move(prompts);
    return plan;
  }

  Outcome run(const TrackPlan& plan, FrameSource& source, bool offline, int64_t refuses = -1) {
    Outcome run;
    TrackedVideo video{source.info(), {}, plan.prompts};
    TrackOutputPaths paths;
    paths.rle = folder_.path("lines.jsonl");
    std::vector<std::unique_ptr<TrackOutput>> outputs = make_track_outputs(paths, video);
    outputs.push_back(std::make_unique<CountingOutput>(run.frames, refuses));
    Progress progress(true);
    std::atomic<bool> stop{false};
    {
      TrackWriter writer(std::move(outputs), 4, 3);
      Tracker tracker(plan, source, writer, progress, stop);
      auto model = std::make_unique<FakeVideoModel>(VideoFacts{});
      run.status = offline ? tracker.run_offline(std::move(model), {}) : tracker.run_stream(std::move(model), {});
      run.written = writer.finish();
    }
    if (const auto lines = read_text_file(paths.rle, 1 << 24); lines.is_ok()) run.lines = lines.value();
    return run;
  }

  TestFolder folder_;
};

std::vector<int64_t> numbers(int64_t from, int64_t to, int64_t step = 1) {
  std::vector<int64_t> out;
  for (int64_t i = from; step > 0 ? i <= to : i >= to; i += step) out.push_back(i);
  return out;
}

TEST_F(TrackerTest, AStreamGivesWhatAllFramesAtOnceGive) {
  for (const int64_t count : {5, 40, 120}) {
    const TrackPlan prompts = plan({point_on(2, 1), point_on(2, 7)});
    NumberedFrames source(count);
    const Outcome stream = run(prompts, source, false), offline = run(prompts, source, true);
    EXPECT_TRUE(stream.status.is_ok()) << stream.status.to_string();
    EXPECT_TRUE(offline.status.is_ok()) << offline.status.to_string();
    EXPECT_EQ(stream.frames, numbers(2, count - 1));
    EXPECT_EQ(stream.frames, offline.frames);
    EXPECT_EQ(stream.lines, offline.lines);
    EXPECT_FALSE(stream.lines.empty());
  }
}

TEST_F(TrackerTest, DirectionsAndRanges) {
  NumberedFrames source(30);
  TrackPlan both = plan({point_on(12, 1)});
  both.direction = TrackDirection::kBoth;
  std::vector<int64_t> expected = numbers(12, 29);
  for (const int64_t frame : numbers(11, 0, -1)) expected.push_back(frame);
  EXPECT_EQ(run(both, source, true).frames, expected);

  TrackPlan reverse = plan({point_on(12, 1), point_on(3, 1)});
  reverse.direction = TrackDirection::kReverse;
  EXPECT_EQ(run(reverse, source, true).frames, numbers(12, 0, -1));

  TrackPlan some = plan({point_on(9, 1)});
  some.range = {3, 24, 3};
  EXPECT_EQ(run(some, source, true).frames, numbers(9, 24, 3));
  EXPECT_EQ(run(some, source, false).frames, numbers(9, 24, 3));
  NumberedFrames once(30, -1, false);
  EXPECT_EQ(run(some, once, false).frames, numbers(9, 24, 3));
}

TEST_F(TrackerTest, ErrorsComeBehindTheFramesBefore) {
  const TrackPlan prompts = plan({point_on(0, 1)});
  for (const bool offline : {false, true}) {
    NumberedFrames broken(30, 17);
    const Outcome torn = run(prompts, broken, offline);
    EXPECT_EQ(torn.status.message(), "frame 17 is broken");
    EXPECT_EQ(torn.frames, numbers(0, 16));
    NumberedFrames source(30);
    const Outcome full = run(prompts, source, offline, 9);
    EXPECT_EQ(full.written.message(), "no room");
    EXPECT_EQ(full.frames, numbers(0, 8));
    // The writer is a few frames behind when it fails; the tracker learns of it with a later one.
    EXPECT_EQ(full.status.message(), "no room");
    const Outcome late = run(plan({point_on(0, 1), point_on(50, 1)}), source, offline);
    EXPECT_NE(late.status.to_string().find("no frame 50: numbers ends behind 30 frames"), std::string::npos)
        << late.status.to_string();
  }
  NumberedFrames once(30, -1, false);
  const Outcome late = run(plan({point_on(0, 1), point_on(50, 1)}), once, false);
  EXPECT_EQ(late.frames, numbers(0, 29));
  EXPECT_NE(late.status.to_string().find("no frame 50"), std::string::npos);
}

TEST_F(TrackerTest, LaterPromptsOfAStreamCountFromTheirFrameOn) {
  NumberedFrames once(20, -1, false);
  const Outcome run_once = run(plan({point_on(4, 1), point_on(9, 2)}), once, false);
  EXPECT_TRUE(run_once.status.is_ok()) << run_once.status.to_string();
  EXPECT_EQ(run_once.frames, numbers(4, 19));
  const size_t line_9 = run_once.lines.find("\"frame\":9,"), object_2 = run_once.lines.find("\"object\":2,");
  EXPECT_NE(line_9, std::string::npos);
  EXPECT_GT(object_2, line_9);
}

TEST_F(TrackerTest, KeptMasksAreThoseThatWereGiven) {
  std::vector<uint8_t> mask{0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  TrackedFrame tracked;
  tracked.index = 5;
  KeptMasks kept;
  kept.add({tracked, 4, 3, {{7, mask, nullptr}, {2, std::vector<uint8_t>(12), nullptr}}});
  EXPECT_TRUE(kept.has(5));
  EXPECT_FALSE(kept.has(4));
  const std::vector<ObjectMask> masks = kept.masks(5);
  ASSERT_EQ(masks.size(), 2u);
  EXPECT_EQ(masks[0].object, 7);
  EXPECT_EQ(masks[0].mask, mask);
  EXPECT_TRUE(kept.masks(4).empty());
}

// Last: what was asked for stays until the process ends.
TEST_F(TrackerTest, ZASignalEndsTrackingAndKeepsWhatIsThere) {
  handle_signals();
  const FinishOnSignal finish;
  ASSERT_EQ(std::raise(SIGTERM), 0);
  EXPECT_TRUE(FinishOnSignal::is_asked());
  EXPECT_EQ(end_signal(), SIGTERM);
  NumberedFrames source(30);
  for (const bool offline : {false, true}) {
    const Outcome stopped = run(plan({point_on(0, 1)}), source, offline);
    EXPECT_EQ(stopped.status.code(), StatusCode::kInterrupted);
    EXPECT_TRUE(stopped.frames.empty());
  }
}

}  // namespace
}  // namespace samc
