// Automatic masks against those of the official generator (tests/data/everything/README.md).
//   everything_replay_test --gtest_filter='*mini_truck*'

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/test_folder.h"
#include "media/image.h"
#include "media/rle.h"
#include "runtime/automatic_masks.h"
#include "targets/cpu/compile_model.h"

namespace samc::test {
namespace {

using nlohmann::json;

const std::string kRoot = SAMC_SOURCE_DIR "/";

const json& recordings() {
  static const json file = [] {
    Result<std::string> text = read_text_file(kRoot + "tests/data/everything/recordings.json", size_t{16} << 20);
    SAMC_CHECK(text.is_ok(), "{}", text.status().to_string());
    return json::parse(text.value());
  }();
  return file;
}

// Each compiled once.
class Models {
 public:
  Result<std::shared_ptr<const Module>> module(const std::string& name) {
    if (const auto known = modules_.find(name); known != modules_.end()) return known->second;
    const json& model = recordings()["models"][name];
    CompileOptions options;
    options.model = kRoot + model["checkpoint"].get<std::string>();
    options.config = kRoot + model["config"].get<std::string>();
    SAMC_ASSIGN(const CompileReport report, compile_model(options, folder_.path(name + ".samc")));
    SAMC_ASSIGN(std::shared_ptr<const Module> module, Module::load(folder_.path(name + ".samc")));
    modules_[name] = module;
    return module;
  }

 private:
  TestFolder folder_;
  std::map<std::string, std::shared_ptr<const Module>> modules_;
};

AutomaticMaskOptions options_of(const json& given) {
  AutomaticMaskOptions options;
  options.output_mode = MaskForm::kUncompressedRle;
  options.threads = 2;
  const std::map<std::string, std::function<void(const json&)>> keys = {
      {"points_per_side",
       [&](const json& v) {
         options.points_per_side = v.is_null() ? std::optional<int64_t>() : std::optional(v.get<int64_t>());
       }},
      {"points_per_batch", [&](const json& v) { options.points_per_batch = v; }},
      {"pred_iou_thresh", [&](const json& v) { options.pred_iou_thresh = v; }},
      {"stability_score_thresh", [&](const json& v) { options.stability_score_thresh = v; }},
      {"stability_score_offset", [&](const json& v) { options.stability_score_offset = v; }},
      {"mask_threshold", [&](const json& v) { options.mask_threshold = v; }},
      {"box_nms_thresh", [&](const json& v) { options.box_nms_thresh = v; }},
      {"crop_n_layers", [&](const json& v) { options.crop_n_layers = v; }},
      {"crop_nms_thresh", [&](const json& v) { options.crop_nms_thresh = v; }},
      {"crop_overlap_ratio", [&](const json& v) { options.crop_overlap_ratio = v; }},
      {"crop_n_points_downscale_factor", [&](const json& v) { options.crop_n_points_downscale_factor = v; }},
      {"point_grids", [&](const json& v) { options.point_grids = v.get<std::vector<PointGrid>>(); }},
      {"min_mask_region_area", [&](const json& v) { options.min_mask_region_area = v; }},
      {"use_m2m", [&](const json& v) { options.use_m2m = v; }},
      {"multimask_output", [&](const json& v) { options.multimask_output = v; }}};
  for (const auto& [key, value] : given.items()) keys.at(key)(value);
  return options;
}

double iou_of(const Rle& a, const Rle& b) {
  const std::vector<uint8_t> left = decode_rle(a), right = decode_rle(b);
  int64_t common = 0, either = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    common += left[i] & right[i];
    either += left[i] | right[i];
  }
  return either == 0 ? 1.0 : static_cast<double>(common) / static_cast<double>(either);
}

void expect_near(const json& expected, std::span<const float> have, double tolerance, const char* what) {
  ASSERT_EQ(expected.size(), have.size());
  for (size_t i = 0; i < have.size(); ++i)
    EXPECT_NEAR(static_cast<double>(have[i]), expected[i].get<double>(), tolerance) << what << " " << i;
}

class Recording : public testing::TestWithParam<size_t> {};

TEST_P(Recording, IsWhatOursGives) {
  static Models models;
  const json& recording = recordings()["recordings"][GetParam()];
  const std::shared_ptr<const Module> module = models.module(recording["model"]).value();
  const Image image = read_image(kRoot + recording["image"].get<std::string>()).value();
  AutomaticMaskGenerator generator = AutomaticMaskGenerator::create(module, options_of(recording["options"])).value();
  const std::vector<AutomaticMask> masks = generator.generate(image).value();
  const json& records = recording["records"];
  ASSERT_EQ(masks.size(), records.size());
  for (size_t i = 0; i < masks.size(); ++i) {
    SCOPED_TRACE(fmt::format("mask {}", i));
    const json& record = records[i];
    const Rle& have = std::get<Rle>(masks[i].segmentation);
    const Rle wanted = decompress_rle(record["counts"].get<std::string>(), image.height, image.width).value();
    EXPECT_GE(iou_of(have, wanted), 0.999);
    EXPECT_NEAR(static_cast<double>(masks[i].area), record["area"].get<double>(), 1e-3 * record["area"].get<double>());
    expect_near(record["bbox"], masks[i].bbox, 0, "bbox");
    expect_near(record["crop_box"], masks[i].crop_box, 0, "crop_box");
    expect_near(record["point_coords"], masks[i].point_coords, 1e-4, "point_coords");
    EXPECT_NEAR(static_cast<double>(masks[i].predicted_iou), record["predicted_iou"].get<double>(), 1e-4);
    EXPECT_NEAR(static_cast<double>(masks[i].stability_score), record["stability_score"].get<double>(), 1e-3);
  }
}

std::string name_of(const testing::TestParamInfo<size_t>& recording) {
  return recordings()["recordings"][recording.param]["name"];
}

INSTANTIATE_TEST_SUITE_P(Official, Recording, testing::Range(size_t{0}, recordings()["recordings"].size()), name_of);

TEST(Recordings, HoldMasks) {
  size_t masks = 0;
  for (const json& recording : recordings()["recordings"]) masks += recording["records"].size();
  EXPECT_GE(masks, 150U);
}

}  // namespace
}  // namespace samc::test
