// samc everything: what it writes of an image and of a folder, and what it says to wrong input.

#include <nlohmann/json.hpp>

#include "media/image.h"
#include "media/rle.h"
#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Everything : public CommandLine {
 protected:
  // With options that leave several masks of pico.
  ProcessResult everything(std::vector<std::string> arguments, ProcessOptions options = {}) const {
    arguments.insert(arguments.begin(),
                     {"everything", "--model", module(), "--threads", "2", "--points-per-side", "3",
                      "--pred-iou-thresh", "0", "--stability-score-thresh", "0", "--box-nms-thresh", "0.98"});
    return samc(std::move(arguments), std::move(options));
  }
  const std::string bedroom_ = kData + "video/bedroom/00000.jpg";
};

TEST_F(Everything, writes_overlay_masks_and_json) {
  const ProcessResult result =
      everything({bedroom_, "-o", path("o.png"), "--masks-dir", path("masks"), "--json", path("m.json")});
  expect_done(result);
  const json list = json::parse(bytes_of(path("m.json")));
  ASSERT_GT(list.size(), 1U);
  EXPECT_EQ(result.out, bedroom_ + ": 160 x 90, " + std::to_string(list.size()) + " masks\n");
  for (size_t i = 0; i < list.size(); ++i) {
    const json& entry = list[i];
    EXPECT_EQ(entry["image_id"], 0);  // of 00000.jpg
    EXPECT_EQ(entry["category_id"], 1);
    EXPECT_EQ(entry["segmentation"]["size"], json({90, 160}));
    const Rle rle = decompress_rle(entry["segmentation"]["counts"].get<std::string>(), 90, 160).value();
    EXPECT_EQ(entry["area"], rle_area(rle));
    EXPECT_EQ(entry["bbox"], json(rle_box(rle)));
    EXPECT_EQ(entry["crop_box"], json({0.0, 0.0, 160.0, 90.0}));
    EXPECT_EQ(entry["point_coords"].size(), 1U);
    EXPECT_TRUE(entry["score"].is_number());
    EXPECT_TRUE(entry["stability_score"].is_number());
    const Image mask = read_image(path("masks/00000_mask" + std::to_string(i) + ".png")).value();
    const std::vector<uint8_t> pixels = decode_rle(rle);
    for (size_t pixel = 0; pixel < pixels.size(); ++pixel)
      ASSERT_EQ(mask.rgb[3 * pixel], pixels[pixel] != 0 ? 255 : 0) << "mask " << i << " pixel " << pixel;
  }
  EXPECT_FALSE(fs::exists(path("masks/00000_mask" + std::to_string(list.size()) + ".png")));
  const Image before = read_image(bedroom_).value(), after = read_image(path("o.png")).value();
  EXPECT_EQ(after.width, before.width);
  EXPECT_NE(after.rgb, before.rgb);
}

TEST_F(Everything, options_change_what_is_found) {
  const auto count = [&](const std::vector<std::string>& options) {
    std::vector<std::string> call = {bedroom_, "--json", "-"};
    call.insert(call.end(), options.begin(), options.end());
    const ProcessResult result = everything(call);
    expect_done(result);
    return json::parse(result.out).size();
  };
  const size_t all = count({});
  EXPECT_LT(count({"--single"}), all);
  EXPECT_EQ(count({"--points-per-batch", "2"}), all);
  EXPECT_EQ(samc({"everything", bedroom_, "--model", module(), "--json", "-", "--pred-iou-thresh", "2"}).out, "[]\n");
  const ProcessResult none =
      samc({"everything", bedroom_, "--model", module(), "-o", path("o.png"), "--pred-iou-thresh", "2"});
  EXPECT_EQ(none.out, bedroom_ + ": 160 x 90, 0 masks; lower --pred-iou-thresh or --stability-score-thresh\n");
}

TEST_F(Everything, a_folder_is_done_but_for_what_cannot_be_read) {
  fs::create_directory(path("in"));
  fs::copy(bedroom_, path("in/first.jpg"));
  put_bytes(path("in/broken.jpg"), "no image");
  fs::copy(kData + "video/bedroom/00009.jpg", path("in/second.jpg"));
  const ProcessResult result = everything({path("in"), "-o", path("out"), "--json", path("m.json")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find(path("in/broken.jpg")), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("1 of 3 images failed"), std::string::npos) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 2) << result.err;
  EXPECT_TRUE(fs::exists(path("out/first.png")));
  EXPECT_TRUE(fs::exists(path("out/second.png")));
  EXPECT_FALSE(fs::exists(path("out/broken.png")));
  const json list = json::parse(bytes_of(path("m.json")));
  ASSERT_GT(list.size(), 1U);
  EXPECT_EQ(list.front()["image_id"], "first");
  EXPECT_EQ(list.back()["image_id"], "second");
  EXPECT_EQ(count_torn_files(), 0U);
}

TEST_F(Everything, wrong_calls_are_one_line) {
  expect_error(everything({path("none.jpg"), "--json", path("m.json")}), 1, {"cannot open", "none.jpg"});
  expect_error(everything({bedroom_}), 2, {"nothing to write", "-o, --masks-dir or --json"});
  expect_error(everything({bedroom_, "-o", path("o.jpg")}), 2, {"written as a PNG", "o.png"});
  expect_error(everything({bedroom_, "--json", path("m.json"), "--crop-n-layers", "9"}), 2, {"--crop-n-layers"});
  expect_error(everything({bedroom_, "--json", path("none/m.json")}), 1, {"none/m.json"});
  expect_error(
      samc({"everything", bedroom_, "--model", module(), "--json", path("m.json"), "--pred-iou-thresh", "nan"}), 1,
      {"pred_iou_thresh is out of its range", "give a finite number"});
  const std::vector<std::pair<std::string, std::string>> ranges = {{"--min-mask-region-area", "0 to 178956970"},
                                                                   {"--points-per-batch", "1 to 1000000"}};
  for (const auto& [option, range] : ranges)
    expect_error(everything({bedroom_, "--json", path("m.json"), option, "-1"}), 2,
                 {fmt::format("{}: Value -1 not in range {};", option, range)});
  expect_error(samc({"everything", bedroom_, "--model", path("none.samc"), "--json", path("m.json")}), 1,
               {"none.samc"});
  EXPECT_FALSE(fs::exists(path("m.json")));
  fs::create_directory(path("empty"));
  expect_error(everything({path("empty"), "-o", path("out")}), 1, {"no .jpg, .jpeg or .png in the folder"});
}

TEST_F(Everything, never_over_an_image_that_is_read) {
  fs::create_directory(path("in"));
  fs::copy(bedroom_, path("in/a.jpg"));
  ASSERT_TRUE(write_png(path("in/a_mask1.png"), read_image(bedroom_).value()).is_ok());
  const std::string before = bytes_of(path("in/a_mask1.png"));
  const ProcessResult result = everything({path("in/a.jpg"), path("in/a_mask1.png"), "--masks-dir", path("in")});
  EXPECT_NE(result.exit_code, 0);
  EXPECT_NE(result.err.find("which is read"), std::string::npos) << result.err;
  EXPECT_EQ(bytes_of(path("in/a_mask1.png")), before);
  expect_error(everything({path("in/a_mask1.png"), "-o", path("in/a_mask1.png")}), 2, {"which is read"});
}

}  // namespace
}  // namespace samc::test
