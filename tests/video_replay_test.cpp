// Sequences of calls against what the official video predictor returned for each (tests/data/video/README.md).
//   video_replay_test --gtest_filter='*correction*'

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/test_folder.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/test_support.h"
#include "media/npz.h"
#include "runtime/video_predictor.h"
#include "targets/cpu/compile_model.h"
#include "tests/support/image_clip.h"

namespace samc::test {
namespace {

using nlohmann::json;

const std::string kRoot = SAMC_SOURCE_DIR "/";
const std::string kData = kRoot + "tests/data/video/";

// A row of values: samples of the mask, samples of its low-res logits, the object score, the pointer's first values.
constexpr size_t kSamples = 32, kPointerValues = 8;
constexpr size_t kRow = 2 * kSamples + 1 + kPointerValues;
constexpr double kTolerance = 2e-3;       // of a row's largest mask sample, low-res sample, pointer value
constexpr double kScoreTolerance = 1e-2;  // absolute

std::string text_of(const std::string& path) {
  Result<std::string> text = read_text_file(path, size_t{16} << 20);
  SAMC_CHECK(text.is_ok(), "{}", text.status().to_string());
  return std::move(text).value();
}

const json& recordings() {
  static const json file = json::parse(text_of(kData + "recordings.json"));
  return file;
}
const Npz& recorded_arrays() {
  static const Result<Npz> arrays = Npz::read(kData + "recordings.npz");
  SAMC_CHECK(arrays.is_ok(), "{}", arrays.status().to_string());
  return arrays.value();
}

// Models of the recordings, each compiled once.
class Models {
 public:
  Result<std::shared_ptr<const Module>> module(const std::string& name) {
    const auto known = modules_.find(name);
    if (known != modules_.end()) return known->second;
    const json& model = recordings()["models"][name];
    CompileOptions options;
    options.model = kRoot + model["checkpoint"].get<std::string>();
    options.config = kRoot + model["config"].get<std::string>();
    if (model.contains("overrides")) {
      options.config = folder_.path(name + ".yaml");
      SAMC_TRY(write_config(kRoot + model["config"].get<std::string>(), model["overrides"], *options.config));
    }
    if (model.contains("drop") || model.contains("fill") || model.contains("scale")) {
      const std::string source = options.model;
      options.model = folder_.path(name + ".pt");
      SAMC_TRY(write_checkpoint(source, model, options.model));
    }
    SAMC_ASSIGN(const CompileReport report, compile_model(options, folder_.path(name + ".samc")));
    SAMC_ASSIGN(std::shared_ptr<const Module> module, Module::load(folder_.path(name + ".samc")));
    modules_[name] = module;
    return module;
  }

 private:
  // Keys of the YAML's model section, which stands to its end, with other values; and keys that it lacks.
  static Status write_config(const std::string& source, const json& overrides, const std::string& path) {
    std::string yaml = text_of(source);
    for (const auto& [key, value] : overrides.items()) {
      const std::string line = fmt::format("  {}: {}\n", key, value.dump());
      const size_t at = yaml.find(fmt::format("\n  {}:", key));
      if (at == std::string::npos)
        yaml += line;
      else
        yaml.replace(at + 1, yaml.find('\n', at + 1) - at, line);
    }
    return write_file(path, yaml);
  }

  // Without the tensors of `drop`; all elements of those of `fill` have one value, those of `scale` are multiplied.
  static Status write_checkpoint(const std::string& source, const json& model, const std::string& path) {
    const json drop = model.value("drop", json::array());
    const json fill = model.value("fill", json::object());
    const json scale = model.value("scale", json::object());
    SAMC_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(source));
    std::vector<NamedTensor> tensors;
    for (const CheckpointTensor& tensor : checkpoint.tensors()) {
      if (std::find(drop.begin(), drop.end(), tensor.name) != drop.end()) continue;
      SAMC_ASSIGN(Tensor values, checkpoint.read_f32(tensor));
      if (fill.contains(tensor.name)) std::ranges::fill(values.f32(), fill[tensor.name].get<float>());
      if (scale.contains(tensor.name))
        for (float& value : values.f32()) value *= scale[tensor.name].get<float>();
      tensors.push_back({tensor.name, std::move(values)});
    }
    return write_test_checkpoint(path, tensors);
  }

  TestFolder folder_;
  std::map<std::string, std::shared_ptr<const Module>> modules_;
};

// 1 inside an ellipse, in whole numbers; without one nowhere.
Tensor drawn_mask(const json& call) {
  const int64_t width = call["width"], height = call["height"];
  Tensor mask(DType::kBool, {height, width});
  std::ranges::fill(mask.as<uint8_t>(), uint8_t{0});
  if (call["ellipse"].is_null()) return mask;
  const std::vector<int64_t> ellipse = call["ellipse"];
  const int64_t across = ellipse[2], down = ellipse[3];
  for (int64_t row = 0; row < height; ++row)
    for (int64_t column = 0; column < width; ++column) {
      const int64_t x = (column - ellipse[0]) * down, y = (row - ellipse[1]) * across;
      if (x * x + y * y <= across * across * down * down)
        mask.as<uint8_t>()[static_cast<size_t>(row * width + column)] = 1;
    }
  return mask;
}

VideoPrompt prompt_of(const json& call) {
  VideoPrompt prompt;
  if (call.contains("points"))
    for (size_t k = 0; k < call["points"].size(); ++k)
      prompt.points.push_back({call["points"][k][0], call["points"][k][1], call["labels"][k]});
  if (call.contains("box")) prompt.box = BoxPrompt{call["box"][0], call["box"][1], call["box"][2], call["box"][3]};
  prompt.clear_old_points = call.value("clear_old_points", true);
  prompt.normalize_coords = call.value("normalize_coords", true);
  return prompt;
}

template <class T>
std::optional<T> optional_of(const json& value) {
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

// Makes calls and compares what they return with the rows of one sequence, one after the other.
class Replay {
 public:
  Replay(VideoPredictor& predictor, const Tensor& index, const Tensor& values)
      : predictor_(predictor), index_(index.as<const int32_t>()), values_(values.f32()) {}

  void run(const json& call) {
    const std::string name = call["call"];
    if (name == "add_new_points_or_box") {
      compare(predictor_.add_new_points_or_box(call["frame"], call["object"], prompt_of(call)));
    } else if (name == "add_new_mask") {
      const Tensor mask = drawn_mask(call);
      compare(predictor_.add_new_mask(call["frame"], call["object"], mask.view()));
    } else if (name == "propagate_in_video") {
      propagate(call);
    } else if (name == "clear_all_prompts_in_frame") {
      compare(predictor_.clear_all_prompts_in_frame(call["frame"], call["object"]));
    } else if (name == "remove_object") {
      remove(call);
    } else {
      ASSERT_EQ(name, "reset_state");
      predictor_.reset_state();
    }
    ++call_;
  }
  void expect_end() const { EXPECT_EQ(row_ * kRow, values_.size()) << "the official predictor returned more"; }

 private:
  void propagate(const json& call) {
    PropagateOptions options;
    options.start_frame = optional_of<int64_t>(call["start_frame"]);
    options.max_frames = optional_of<int64_t>(call["max_frame_num_to_track"]);
    options.reverse = call["reverse"];
    Result<VideoPropagation> propagation = predictor_.propagate_in_video(options);
    ASSERT_TRUE(propagation.is_ok()) << propagation.status().to_string();
    while (!testing::Test::HasFailure()) {
      Result<std::optional<VideoMasks>> masks = propagation.value().next();
      ASSERT_TRUE(masks.is_ok()) << masks.status().to_string();
      if (!masks.value().has_value()) break;
      compare_masks(*masks.value());
    }
  }

  void remove(const json& call) {
    Result<std::vector<VideoMasks>> removed = predictor_.remove_object(call["object"], /*strict=*/false);
    ASSERT_TRUE(removed.is_ok()) << removed.status().to_string();
    for (const int64_t object : predictor_.objects()) compare_row(-1, object, {}, nullptr);
    if (!call.value("need_output", true)) return;
    // The official predictor returns them in the order of a Python set.
    std::ranges::sort(removed.value(), {}, &VideoMasks::frame);
    for (const VideoMasks& masks : removed.value()) compare_masks(masks);
  }

  void compare(const Result<VideoMasks>& masks) {
    ASSERT_TRUE(masks.is_ok()) << masks.status().to_string();
    compare_masks(masks.value());
  }

  void compare_masks(const VideoMasks& masks) {
    ASSERT_EQ(masks.outputs.size(), masks.objects.size());
    const std::span<const float> logits = masks.objects.empty() ? std::span<const float>() : masks.logits.f32();
    for (size_t k = 0; k < masks.objects.size(); ++k) {
      const size_t size = logits.size() / masks.objects.size();
      compare_row(masks.frame, masks.objects[k], logits.subspan(k * size, size), masks.outputs[k].get());
    }
  }

  void compare_row(int64_t frame, int64_t object, std::span<const float> mask, const ObjectOutput* output) {
    ASSERT_LT(row_ * kRow, values_.size()) << "the official predictor returned less";
    const std::span<const int32_t> place = index_.subspan(row_ * 3, 3);
    const std::span<const float> row = values_.subspan(row_ * kRow, kRow);
    ++row_;
    SCOPED_TRACE(fmt::format("frame {}, object {}", frame, object));
    ASSERT_EQ(place[0], call_);
    ASSERT_EQ(place[1], frame);
    ASSERT_EQ(place[2], object);
    if (mask.empty())
      EXPECT_TRUE(std::isnan(row[0]));
    else
      compare_values("mask", row.first(kSamples), mask);
    // NaN: this object has no result on this frame.
    ASSERT_EQ(output == nullptr, std::isnan(row[2 * kSamples]));
    if (output == nullptr) return;
    compare_values("low_res", row.subspan(kSamples, kSamples), output->low_res_logits.f32());
    EXPECT_NEAR(output->object_score.f32()[0], row[2 * kSamples], kScoreTolerance);
    compare_values("obj_ptr", row.last(kPointerValues), output->object_pointer.f32().first(kPointerValues));
  }

  static void compare_values(const char* what, std::span<const float> wanted, std::span<const float> given) {
    double largest = 0, error = 0;
    for (size_t k = 0; k < wanted.size(); ++k) {
      const size_t at = given.size() <= wanted.size() ? k : k * size_t{2654435761} % given.size();
      const double difference = std::abs(static_cast<double>(given[at]) - static_cast<double>(wanted[k]));
      // A NaN compares false with everything.
      error = std::isnan(difference) ? INFINITY : std::max(error, difference);
      largest = std::max(largest, std::abs(static_cast<double>(wanted[k])));
    }
    EXPECT_LE(error, kTolerance * largest) << what << ", largest value " << largest;
  }

  VideoPredictor& predictor_;
  std::span<const int32_t> index_;  // (rows, 3): which call, frame, object
  std::span<const float> values_;   // (rows, kRow)
  size_t row_ = 0;
  int32_t call_ = 0;
};

class VideoReplay : public testing::TestWithParam<size_t> {
 protected:
  static void SetUpTestSuite() { models_ = new Models; }
  static void TearDownTestSuite() {
    delete models_;
    models_ = nullptr;
  }
  static inline Models* models_ = nullptr;
};

TEST_P(VideoReplay, gives_what_the_official_predictor_gives) {
  const json& sequence = recordings()["sequences"][GetParam()];
  const std::string name = sequence["name"];
  const Result<const Tensor*> index = recorded_arrays().get(name + ".index");
  const Result<const Tensor*> values = recorded_arrays().get(name + ".values");
  ASSERT_TRUE(index.is_ok() && values.is_ok());
  const Result<std::shared_ptr<const Module>> module = models_->module(sequence["model"]);
  ASSERT_TRUE(module.is_ok()) << module.status().to_string();

  VideoOptions options;
  options.threads = 2;
  options.fill_hole_area = 0;
  options.non_overlap_masks = sequence["options"].value("non_overlap_masks", false);
  options.add_all_frames_to_correct_as_cond = sequence["options"].value("add_all_frames_to_correct_as_cond", false);
  Result<VideoPredictor> predictor = VideoPredictor::create(module.value(), options);
  ASSERT_TRUE(predictor.is_ok()) << predictor.status().to_string();
  const auto clip = ImageClip::read(kData + sequence["clip"].get<std::string>(), sequence["frames"]);
  ASSERT_TRUE(clip.is_ok()) << clip.status().to_string();
  const Status started = predictor.value().init_state(clip.value());
  ASSERT_TRUE(started.is_ok()) << started.to_string();

  Replay replay(predictor.value(), *index.value(), *values.value());
  for (const json& call : sequence["calls"]) {
    SCOPED_TRACE(call.dump());
    replay.run(call);
    if (HasFailure()) return;
  }
  replay.expect_end();
}

std::string test_name(const testing::TestParamInfo<size_t>& sequence) {
  std::string name = recordings()["sequences"][sequence.param]["name"];
  std::ranges::replace(name, '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(recorded, VideoReplay, testing::Range(size_t{0}, recordings()["sequences"].size()), test_name);

}  // namespace
}  // namespace samc::test
