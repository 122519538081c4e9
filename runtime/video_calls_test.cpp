// Sequences of calls, made at random, against what the official SAM2VideoPredictor gives around the same model
// (tests/data/video_predictor: fake_model.py, make.py, calls.txt); and the choice of memories and pointers alone
// (bank.txt).

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "runtime/testing_video.h"
#include "runtime/video_memory_bank.h"
#include "runtime/video_predictor.h"

namespace samc {
namespace {

std::ifstream open_data(const std::string& name) {
  std::ifstream file(SAMC_SOURCE_DIR "/tests/data/video_predictor/" + name);
  EXPECT_TRUE(file.good()) << name;
  return file;
}

std::vector<std::string> split(const std::string& line, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(line);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

std::vector<int64_t> read_numbers(const std::string& text) {
  std::vector<int64_t> result;
  for (const std::string& part : split(text, ','))
    if (part.find('-') == std::string::npos) result.push_back(std::stoll(part));
  return result;
}

TEST(VideoMemoryBank, OfficialChoices) {
  std::ifstream file = open_data("bank.txt");
  int64_t cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    SCOPED_TRACE(line);
    const std::vector<std::string> parts = split(line, '|');
    ASSERT_EQ(parts.size(), 5u);
    const VideoFacts facts = read_facts(parts[0]);
    const auto settings = read_settings(parts[0]);
    const std::vector<int64_t> conditioning = read_numbers(parts[1]), tracked = read_numbers(parts[2]);
    const BankChoice choice =
        choose_bank(facts, settings.at("frame"), settings.at("reverse") != 0, settings.at("num_frames"), conditioning,
                    [&](int64_t frame) { return std::ranges::find(tracked, frame) != tracked.end(); });
    std::string memories, pointers;
    for (const ChosenMemory& memory : choice.memories)
      memories += fmt::format("{}:{:d}:{} ", memory.frame, memory.conditioning, memory.time);
    EXPECT_EQ(memories, parts[3].substr(1));
    std::istringstream expected(parts[4]);
    for (const ChosenPointer& pointer : choice.pointers) {
      std::string word;
      ASSERT_TRUE(expected >> word);
      const std::vector<std::string> fields = split(word, ':');
      EXPECT_EQ(fmt::format("{}:{:d}", pointer.frame, pointer.conditioning), fields[0] + ":" + fields[1]);
      EXPECT_EQ(choice.time(pointer), std::stof(fields[2]));
    }
    std::string rest;
    expected >> rest;
    EXPECT_TRUE(rest.empty() || rest == "-") << rest;
  }
  EXPECT_EQ(cases, 250);
}

// make.py's digest(): a sum with weights. Expected to seven digits, and but for rounding to f32.
void expect_digest(std::span<const float> values, const std::string& expected, const char* what) {
  double sum = 0, magnitude = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double term = values[i] * (static_cast<double>(i * 7919 % 13) - 6.0);
    sum += term;
    magnitude += std::abs(term);
  }
  EXPECT_NEAR(sum, std::stod(expected), 1e-6 * std::abs(sum) + 1e-7 * magnitude) << what;
}

// One sequence of calls.txt, replayed line by line.
class Replay {
 public:
  explicit Replay(const std::vector<std::string>& lines) {
    const VideoFacts facts = read_facts(lines[1]);
    const auto values = read_settings(lines[2]);
    VideoOptions options;
    options.fill_hole_area = values.at("fill_hole_area");
    options.non_overlap_masks = values.at("non_overlap_masks") != 0;
    options.clear_non_cond_mem_around_input = values.at("clear_non_cond_mem_around_input") != 0;
    options.add_all_frames_to_correct_as_cond = values.at("add_all_frames_to_correct_as_cond") != 0;
    compares_pointers_ = facts.use_obj_ptrs_in_encoder;
    int64_t count = 0;
    std::istringstream video(lines[3].substr(6));
    video >> count >> width_ >> height_;
    predictor_ = VideoPredictor::create(std::make_unique<FakeVideoModel>(facts), options).value();
    EXPECT_TRUE(predictor_->init_state(std::make_shared<FakeFrames>(count, width_, height_)).is_ok());
    for (size_t index = 4; index < lines.size();) {
      SCOPED_TRACE(fmt::format("line {}: {}", index, lines[index]));
      std::vector<std::string> expected;
      const std::string& call = lines[index++];
      while (index < lines.size() && (lines[index][0] == '=' || lines[index] == "error"))
        expected.push_back(lines[index++]);
      run(call, expected);
      if (testing::Test::HasFailure()) return;
    }
  }

  int64_t frames = 0;  // compared

 private:
  void run(const std::string& call, std::vector<std::string> expected) {
    const bool is_error = !expected.empty() && expected.back() == "error";
    if (is_error) expected.pop_back();
    std::istringstream words(call);
    std::string name;
    words >> name;
    std::vector<VideoMasks> results;
    const Status status = perform(name, words, results);
    EXPECT_EQ(!status.is_ok(), is_error) << status.to_string();
    ASSERT_EQ(results.size(), expected.size());
    for (size_t index = 0; index < results.size(); ++index) compare(results[index], expected[index]);
  }

  Status perform(const std::string& name, std::istringstream& words, std::vector<VideoMasks>& results) {
    const auto keep = [&](Result<VideoMasks> masks) -> Status {
      SAMC_TRY(masks.status());
      results.push_back(std::move(masks).value());
      return Status::ok();
    };
    int64_t frame = 0, object = 0;
    if (name == "points") {
      VideoPrompt prompt;
      std::string word;
      words >> frame >> object >> prompt.clear_old_points >> prompt.normalize_coords >> word;
      if (word != "-") {
        BoxPrompt& box = prompt.box.emplace();
        box.x0 = std::stof(word);
        words >> box.y0 >> box.x1 >> box.y1;
      }
      for (PointPrompt point; words >> point.x >> point.y >> point.label;) prompt.points.push_back(point);
      return keep(predictor_->add_new_points_or_box(frame, object, prompt));
    }
    if (name == "mask") {
      int64_t height = 0, width = 0, x = 0, y = 0, radius = 0;
      words >> frame >> object >> height >> width >> x >> y >> radius;
      Tensor mask(DType::kBool, {height, width});
      for (int64_t pixel = 0; pixel < height * width; ++pixel) {
        const int64_t right = pixel % width - x, down = pixel / width - y;
        mask.as<uint8_t>()[static_cast<size_t>(pixel)] = right * right + down * down < radius * radius ? 1 : 0;
      }
      return keep(predictor_->add_new_mask(frame, object, mask.view()));
    }
    if (name == "propagate") {
      std::string start, most;
      int64_t taken = 0;
      PropagateOptions options;
      words >> start >> most >> options.reverse >> taken;
      if (start != "-") options.start_frame = std::stoll(start);
      if (most != "-") options.max_frames = std::stoll(most);
      SAMC_ASSIGN(VideoPropagation propagation, predictor_->propagate_in_video(options));
      while (taken-- > 0) {
        SAMC_ASSIGN(std::optional<VideoMasks> masks, propagation.next());
        if (!masks.has_value()) break;
        results.push_back(std::move(*masks));
        EXPECT_EQ(propagation.done(), static_cast<int64_t>(results.size()));
      }
      return Status::ok();
    }
    if (name == "clear") {
      words >> frame >> object;
      return keep(predictor_->clear_all_prompts_in_frame(frame, object));
    }
    if (name == "remove") {
      bool strict = false;
      words >> object >> strict;
      SAMC_ASSIGN(results, predictor_->remove_object(object, strict));
      return Status::ok();
    }
    EXPECT_EQ(name, "reset");
    predictor_->reset_state();
    return Status::ok();
  }

  void compare(const VideoMasks& masks, const std::string& line) {
    SCOPED_TRACE(line);
    ++frames;
    const std::vector<std::string> parts = split(line, '|');
    EXPECT_EQ(masks.frame, std::stoll(parts[0].substr(2)));
    ASSERT_EQ(masks.objects.size() + 1, parts.size());
    const auto pixels = static_cast<size_t>(width_ * height_);
    if (masks.objects.empty()) return;
    ASSERT_EQ(masks.logits.shape(), (Shape{static_cast<int64_t>(masks.objects.size()), 1, height_, width_}));
    for (size_t index = 0; index < masks.objects.size(); ++index) {
      std::istringstream words(parts[index + 1]);
      std::string id, count, logits, low_res, score, pointer;
      words >> id >> count >> logits >> low_res >> score >> pointer;
      EXPECT_EQ(masks.objects[index], std::stoll(id));
      const std::span<const float> plane = masks.logits.f32().subspan(index * pixels, pixels);
      // Half-way between 10 and -10 a rounding decides.
      const auto above = [&](float limit) {
        return std::ranges::count_if(plane, [&](float logit) { return logit > limit; });
      };
      EXPECT_GE(std::stoll(count), above(1e-5f));
      EXPECT_LE(std::stoll(count), above(-1e-5f));
      expect_digest(plane, logits, "logits");
      const auto& output = masks.outputs[index];
      ASSERT_EQ(output == nullptr, low_res == "-");
      if (output == nullptr) continue;
      expect_digest(output->low_res_logits.f32(), low_res, "low_res_logits");
      EXPECT_NEAR(output->object_score.f32()[0], std::stof(score), 1e-5f);
      if (compares_pointers_) expect_digest(output->object_pointer.f32(), pointer, "object_pointer");
    }
  }

  std::optional<VideoPredictor> predictor_;
  int64_t width_ = 0, height_ = 0;
  bool compares_pointers_ = true;
};

TEST(VideoPredictor, OfficialCalls) {
  std::ifstream file = open_data("calls.txt");
  std::vector<std::vector<std::string>> sequences;
  int64_t results = 0;
  for (std::string line; std::getline(file, line);) {
    results += line[0] == '=' ? 1 : 0;
    if (line.starts_with("sequence")) sequences.emplace_back();
    sequences.back().push_back(line);
  }
  EXPECT_GE(sequences.size(), 120u);
  int64_t frames = 0;
  for (const std::vector<std::string>& sequence : sequences) {
    SCOPED_TRACE(sequence[0] + "\n" + sequence[1] + "\n" + sequence[2]);
    frames += Replay(sequence).frames;
    if (HasFailure()) return;
  }
  EXPECT_EQ(frames, results);
}

}  // namespace
}  // namespace samc
