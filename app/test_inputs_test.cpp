#include "app/test_inputs.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "media/npy.h"
#include "media/npz.h"

namespace samc {
namespace {

using sophgo::Preprocess;

// Every pixel red 10, green 20, blue 30.
Image plain(int width, int height) {
  Image image(width, height);
  for (size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = static_cast<uint8_t>(10 * (i % 3 + 1));
  return image;
}

class TestInputs : public testing::Test {
 protected:
  NamedTensors read(const Image& picture, const Shape& shape, const Preprocess& preprocess) {
    EXPECT_TRUE(write_png(folder_.path("p.png"), picture).is_ok());
    Result<NamedTensors> inputs = read_test_inputs(folder_.path("p.png"), {{"image", shape}}, preprocess, pool_);
    EXPECT_TRUE(inputs.is_ok()) << inputs.status().to_string();
    return inputs.is_ok() ? std::move(inputs).value() : NamedTensors();
  }
  std::string error(const std::string& path, const std::vector<NamedShape>& inputs, const Preprocess& preprocess = {}) {
    const Result<NamedTensors> read = read_test_inputs(path, inputs, preprocess, pool_);
    return read.is_ok() ? "" : read.status().to_string();
  }
  ThreadPool pool_{1};
  TestFolder folder_;
};

TEST_F(TestInputs, channels_are_ordered_and_normalised) {
  Preprocess preprocess;
  preprocess.mean = {1, 2, 3};
  preprocess.scale = {0.5, 0.25, 2};
  const Tensor bgr = std::move(read(plain(9, 7), {1, 3, 4, 5}, preprocess).at("image"));
  EXPECT_FLOAT_EQ(bgr.f32()[0], (30 - 1) * 0.5f);
  EXPECT_FLOAT_EQ(bgr.f32()[20], (20 - 2) * 0.25f);
  EXPECT_FLOAT_EQ(bgr.f32()[59], (10 - 3) * 2.0f);
  preprocess.pixel_format = "rgb";
  preprocess.channel_format = "nhwc";
  const Tensor rgb = std::move(read(plain(9, 7), {1, 4, 5, 3}, preprocess).at("image"));
  EXPECT_FLOAT_EQ(rgb.f32()[57], (10 - 1) * 0.5f);
  EXPECT_FLOAT_EQ(rgb.f32()[59], (30 - 3) * 2.0f);
}

TEST_F(TestInputs, a_picture_is_turned_upright_or_taken_as_stored) {
  const std::string turned = SAMC_SOURCE_DIR "/tests/data/images/formats/orientation6.png";
  for (const Orientation orientation : {Orientation::kUpright, Orientation::kAsStored}) {
    const Image image = read_image(turned, nullptr, kMostPixels, orientation).value();
    Preprocess preprocess;
    preprocess.pixel_format = "rgb";
    const NamedTensors inputs =
        read_test_inputs(turned, {{"image", {1, 3, image.height, image.width}}}, preprocess, pool_, orientation)
            .value();
    for (size_t i = 0; i < image.rgb.size() / 3; ++i)
      ASSERT_EQ(inputs.at("image").f32()[i], static_cast<float>(image.rgb[3 * i])) << i;
  }
}

TEST_F(TestInputs, the_aspect_ratio_is_kept_by_padding_or_cutting) {
  Preprocess preprocess;
  preprocess.keep_aspect_ratio = true;
  preprocess.pixel_format = "rgb";
  preprocess.pad_value = 99;
  // 8 x 4 becomes 4 x 2, one row of padding above and below.
  const Tensor centred = std::move(read(plain(8, 4), {1, 3, 4, 4}, preprocess).at("image"));
  for (size_t i = 0; i < 16; ++i) EXPECT_FLOAT_EQ(centred.f32()[i], i >= 4 && i < 12 ? 10.0f : 99.0f) << i;
  preprocess.pad_type = "normal";
  const Tensor normal = std::move(read(plain(8, 4), {1, 3, 4, 4}, preprocess).at("image"));
  for (size_t i = 0; i < 16; ++i) EXPECT_FLOAT_EQ(normal.f32()[i], i < 8 ? 10.0f : 99.0f) << i;
  preprocess.keep_ratio_mode = "short_side_scale";
  Image columns(8, 4);
  for (size_t i = 0; i < columns.rgb.size(); ++i) columns.rgb[i] = static_cast<uint8_t>(i / 3 % 8);
  const Tensor cut = std::move(read(columns, {1, 3, 4, 4}, preprocess).at("image"));
  for (size_t i = 0; i < 16; ++i) EXPECT_FLOAT_EQ(cut.f32()[i], static_cast<float>(2 + i % 4)) << i;
}

TEST_F(TestInputs, larger_resize_dims_are_cut_at_the_centre) {
  Preprocess preprocess;
  preprocess.pixel_format = "rgb";
  preprocess.resize_dims = {4, 8};
  Image columns(8, 4);
  for (size_t i = 0; i < columns.rgb.size(); ++i) columns.rgb[i] = static_cast<uint8_t>(i / 3 % 8);
  const Tensor cut = std::move(read(columns, {1, 3, 2, 4}, preprocess).at("image"));
  for (size_t i = 0; i < 8; ++i) EXPECT_FLOAT_EQ(cut.f32()[i], static_cast<float>(2 + i % 4)) << i;
}

TEST_F(TestInputs, arrays_are_checked_against_the_inputs) {
  const Tensor a = Tensor::zeros({2, 3});
  const std::vector<std::pair<std::string, TensorView>> arrays = {{"a", a.view()}};
  ASSERT_TRUE(write_npz(folder_.path("a.npz"), arrays).is_ok());
  EXPECT_EQ(error(folder_.path("a.npz"), {{"a", {2, 3}}}), "");
  EXPECT_NE(error(folder_.path("a.npz"), {{"a", {3, 3}}}).find("a is (2, 3), the model's input is (3, 3)"),
            std::string::npos);
  EXPECT_NE(error(folder_.path("a.npz"), {{"b", {2, 3}}}).find('b'), std::string::npos);
}

TEST_F(TestInputs, what_takes_no_picture_says_so) {
  ASSERT_TRUE(write_png(folder_.path("p.png"), plain(4, 4)).is_ok());
  const std::string path = folder_.path("p.png");
  EXPECT_NE(error(path, {{"a", {1, 3, 4, 4}}, {"b", {1}}}).find("are not one image"), std::string::npos);
  EXPECT_NE(error(path, {{"a", {1, 2, 4, 4}}}).find("takes no image"), std::string::npos);
  Preprocess small;
  small.resize_dims = {2, 2};
  EXPECT_NE(error(path, {{"a", {1, 3, 4, 4}}}, small).find("is less than"), std::string::npos);
  EXPECT_NE(error(folder_.path("absent.png"), {{"a", {1, 3, 4, 4}}}).find("absent.png"), std::string::npos);
}

TEST_F(TestInputs, one_npy_for_each_input) {
  const Tensor a = Tensor::zeros({2, 3}), b = Tensor::zeros({4});
  ASSERT_TRUE(write_npy(folder_.path("a.npy"), a.view()).is_ok());
  ASSERT_TRUE(write_npy(folder_.path("b.npy"), b.view()).is_ok());
  const std::string list = folder_.path("a.npy") + "," + folder_.path("b.npy");
  EXPECT_EQ(test_input_files(list).size(), 2u);
  const Result<NamedTensors> read = read_test_inputs(list, {{"x", {2, 3}}, {"y", {4}}}, {}, pool_);
  ASSERT_TRUE(read.is_ok()) << read.status().to_string();
  EXPECT_EQ(read.value().at("x").shape(), (Shape{2, 3}));
  EXPECT_EQ(read.value().at("y").shape(), (Shape{4}));
  EXPECT_NE(error(list, {{"x", {2, 3}}}).find("names 2 files and the model has 1 inputs"), std::string::npos);
  EXPECT_NE(error(list, {{"x", {2, 3}}, {"y", {5}}}).find("the model's input y is (5)"), std::string::npos);
  EXPECT_NE(error(folder_.path("a.png") + "," + folder_.path("b.npy"), {{"x", {1}}, {"y", {4}}}).find("is not an .npy"),
            std::string::npos);
}

}  // namespace
}  // namespace samc
