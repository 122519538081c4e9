// libsamc.so as a program in C sees it: what is given back, and what becomes of every wrong call. This links the shared
// library, and the static one only to write a model into a file.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "base/test_folder.h"
#include "package/writer.h"
#include "runtime/image_predictor.h"
#include "runtime/testing_models.h"
#include "samc/samc.h"

namespace {

constexpr int64_t kWidth = 24, kHeight = 20, kLow = samc::kTinyModelLow;

struct Pixels {
  Pixels() : rgb(kWidth * kHeight * 3) {
    for (size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<uint8_t>(i * 7);
  }
  samc_image image() const { return {rgb.data(), kWidth, kHeight, 0}; }
  std::vector<uint8_t> rgb;
};

class CApi : public testing::Test {
 protected:
  void SetUp() override {
    path_ = folder_.path("tiny.samc");
    ASSERT_TRUE(samc::write_module(samc::tiny_model_in_parts(), path_).is_ok());
    ASSERT_EQ(samc_model_load(path_.c_str(), 1, &model_), SAMC_OK) << samc_last_error();
    samc_image_predictor_options options{};
    options.struct_size = sizeof options;
    options.threads = 1;
    ASSERT_EQ(samc_image_predictor_create(model_, &options, &predictor_), SAMC_OK) << samc_last_error();
  }
  void TearDown() override {
    samc_image_predictor_free(predictor_);
    samc_model_free(model_);
  }
  void set_image() {
    const samc_image image = pixels_.image();
    ASSERT_EQ(samc_image_predictor_set_image(predictor_, &image), SAMC_OK) << samc_last_error();
  }

  samc::TestFolder folder_;
  std::string path_;
  Pixels pixels_;
  samc_model* model_ = nullptr;
  samc_image_predictor* predictor_ = nullptr;
};

void expect_usage(samc_status status, const std::string& text) {
  EXPECT_EQ(status, SAMC_ERROR_USAGE);
  EXPECT_EQ(std::string(samc_last_error()), text);
}

TEST_F(CApi, AModelSaysWhatItIs) {
  samc_model_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(samc_model_get_info(model_, &info), SAMC_OK);
  EXPECT_STREQ(info.name, "by hand");
  EXPECT_EQ(info.image_size, samc::kTinyModelSize);
  EXPECT_EQ(info.low_size, kLow);
  EXPECT_EQ(info.has_video, 0);
  EXPECT_EQ(info.struct_size, sizeof info);
  EXPECT_STREQ(samc_version(), SAMC_TESTED_VERSION);
}

TEST_F(CApi, MasksAreThoseOfTheCppPredictor) {
  set_image();
  auto module = samc::Module::from_plan(samc::tiny_model_in_parts()).value();
  samc::PredictorOptions one_thread;
  one_thread.threads = 1;
  auto expected_predictor = samc::ImagePredictor::create(module, one_thread).value();
  ASSERT_TRUE(expected_predictor.set_image({pixels_.rgb.data(), kWidth, kHeight, kWidth * 3}).is_ok());
  const std::vector<float> mask(kLow * kLow, 0.5f);
  const std::array<samc_point, 2> points{{{3, 2, 1}, {9, 8, 0}}};
  const samc_box box{1, 2, 12, 13};
  const std::array<samc_prompt, 2> prompts{
      {{points.data(), 2, nullptr, mask.data()}, {points.data(), 1, &box, nullptr}}};
  std::vector<samc::ObjectPrompt> expected_prompts(2);
  expected_prompts[0].points = {{3, 2, 1}, {9, 8, 0}};
  expected_prompts[0].mask_input = {samc::DType::kF32, {kLow, kLow}, mask.data()};
  expected_prompts[1].points = {{3, 2, 1}};
  expected_prompts[1].box = samc::BoxPrompt{1, 2, 12, 13};
  for (const bool single : {false, true})
    for (const bool logits : {false, true}) {
      samc_predict_options options{};
      options.struct_size = sizeof options;
      options.single_mask = single ? 1 : 0;
      options.return_logits = logits ? 1 : 0;
      samc_masks* masks = nullptr;
      ASSERT_EQ(samc_image_predictor_predict(predictor_, prompts.data(), 2, &options, &masks), SAMC_OK);
      const samc::Prediction expected =
          expected_predictor.predict(expected_prompts, {.multimask_output = !single, .return_logits = logits}).value();
      samc_masks_view view{};
      view.struct_size = sizeof view;
      ASSERT_EQ(samc_masks_get(masks, &view), SAMC_OK);
      EXPECT_EQ(view.prompts, 2);
      EXPECT_EQ(view.masks, single ? 1 : 3);
      EXPECT_EQ(view.width, kWidth);
      EXPECT_EQ(view.height, kHeight);
      EXPECT_EQ(view.low_size, kLow);
      ASSERT_EQ(view.binary == nullptr, logits);
      ASSERT_EQ(view.logits == nullptr, !logits);
      const void* found = logits ? static_cast<const void*>(view.logits) : view.binary;
      EXPECT_EQ(std::memcmp(found, expected.masks.data(), static_cast<size_t>(expected.masks.bytes())), 0);
      EXPECT_EQ(std::memcmp(view.scores, expected.iou_predictions.data(),
                            static_cast<size_t>(expected.iou_predictions.bytes())),
                0);
      EXPECT_EQ(std::memcmp(view.low_res_logits, expected.low_res_logits.data(),
                            static_cast<size_t>(expected.low_res_logits.bytes())),
                0);
      samc_masks_free(masks);
    }
}

TEST_F(CApi, EmbeddingsGoOutAndIn) {
  set_image();
  const samc_point point{3, 2, 1};
  const samc_prompt prompt{&point, 1, nullptr, nullptr};
  const auto scores = [&] {
    samc_masks* masks = nullptr;
    EXPECT_EQ(samc_image_predictor_predict(predictor_, &prompt, 1, nullptr, &masks), SAMC_OK) << samc_last_error();
    samc_masks_view view{};
    view.struct_size = sizeof view;
    EXPECT_EQ(samc_masks_get(masks, &view), SAMC_OK);
    std::vector<float> result(view.low_res_logits, view.low_res_logits + 3 * kLow * kLow);
    samc_masks_free(masks);
    return result;
  };
  const std::vector<float> expected = scores();
  samc_embedding* embedding = nullptr;
  ASSERT_EQ(samc_image_predictor_get_embedding(predictor_, 0, &embedding), SAMC_OK);
  samc_embedding_view view{};
  view.struct_size = sizeof view;
  ASSERT_EQ(samc_embedding_get(embedding, &view), SAMC_OK);
  EXPECT_EQ(view.image_embed_shape[1], 4);
  EXPECT_EQ(view.width, kWidth);
  samc_embedding* copy = nullptr;
  ASSERT_EQ(samc_embedding_create(&view, &copy), SAMC_OK) << samc_last_error();
  samc_embedding_free(embedding);
  ASSERT_EQ(samc_image_predictor_reset(predictor_), SAMC_OK);
  samc_masks* masks = nullptr;
  EXPECT_EQ(samc_image_predictor_predict(predictor_, &prompt, 1, nullptr, &masks), SAMC_ERROR_INPUT);
  EXPECT_EQ(masks, nullptr);
  ASSERT_EQ(samc_image_predictor_set_embedding(predictor_, copy), SAMC_OK) << samc_last_error();
  EXPECT_EQ(scores(), expected);
  EXPECT_EQ(samc_image_predictor_get_embedding(predictor_, 1, &embedding), SAMC_ERROR_INPUT);
  EXPECT_EQ(embedding, nullptr);

  // One of another shape.
  view.image_embed_shape[1] = 2;
  samc_embedding_free(copy);
  ASSERT_EQ(samc_image_predictor_get_embedding(predictor_, 0, &embedding), SAMC_OK);
  ASSERT_EQ(samc_embedding_get(embedding, &view), SAMC_OK);
  view.image_embed_shape[1] = 2;
  ASSERT_EQ(samc_embedding_create(&view, &copy), SAMC_OK);
  EXPECT_EQ(samc_image_predictor_set_embedding(predictor_, copy), SAMC_ERROR_INPUT);
  samc_embedding_free(copy);
  view.image_embed_shape[1] = -2;
  expect_usage(samc_embedding_create(&view, &copy), "image_embed of the shape (1, -2, 4, 4)");
  view.image_embed = nullptr;
  expect_usage(samc_embedding_create(&view, &copy), "image_embed is NULL");
  samc_embedding_free(embedding);
}

// Every function with NULL for each pointer that it needs. What is freed may be NULL.
TEST_F(CApi, NullIsAnError) {
  samc_image image = pixels_.image();
  samc_model_info info{};
  samc_picture* picture = nullptr;
  samc_embedding* embedding = nullptr;
  samc_masks* masks = nullptr;
  samc_video_masks* frame = nullptr;
  samc_propagation* propagation = nullptr;
  samc_video_predictor* video = nullptr;
  samc_video_stream* stream = nullptr;
  samc_automatic_masks_generator* generator = nullptr;
  samc_automatic_masks* automatic = nullptr;
  samc_automatic_mask_view automatic_view{};
  samc_masks_view masks_view{};
  samc_embedding_view embedding_view{};
  samc_video_masks_view frame_view{};
  samc_object_view object_view{};
  samc_prompt prompt{};
  samc_video_prompt video_prompt{};
  samc_frame_source source{};
  uint8_t byte = 0;
  size_t count = 0;
  expect_usage(samc_picture_read(nullptr, &picture), "path is NULL");
  expect_usage(samc_picture_read("x", nullptr), "picture is NULL");
  expect_usage(samc_picture_get(nullptr, &image), "picture is NULL");
  expect_usage(samc_write_png(nullptr, &byte, 1, 1), "path is NULL");
  expect_usage(samc_write_png("x", nullptr, 1, 1), "mask is NULL");
  samc_model_free(model_);  // which the predictor outlives
  expect_usage(samc_model_load(nullptr, 0, &model_), "path is NULL");
  EXPECT_EQ(model_, nullptr);
  expect_usage(samc_model_load("x", 0, nullptr), "model is NULL");
  expect_usage(samc_model_get_info(nullptr, &info), "model is NULL");
  expect_usage(samc_compile(nullptr, nullptr, "x"), "model is NULL");
  expect_usage(samc_compile("x", nullptr, nullptr), "output is NULL");
  samc_image_predictor* predictor = nullptr;
  expect_usage(samc_image_predictor_create(nullptr, nullptr, &predictor), "model is NULL");
  expect_usage(samc_image_predictor_set_image(nullptr, &image), "predictor is NULL");
  expect_usage(samc_image_predictor_set_image(predictor_, nullptr), "images is NULL");
  image.rgb = nullptr;
  expect_usage(samc_image_predictor_set_image(predictor_, &image), "image.rgb is NULL");
  expect_usage(samc_image_predictor_reset(nullptr), "predictor is NULL");
  expect_usage(samc_image_predictor_predict(nullptr, &prompt, 1, nullptr, &masks), "predictor is NULL");
  expect_usage(samc_image_predictor_predict(predictor_, nullptr, 1, nullptr, &masks), "prompts is NULL");
  expect_usage(samc_image_predictor_predict(predictor_, &prompt, 1, nullptr, nullptr), "masks is NULL");
  set_image();
  prompt.point_count = 2;
  expect_usage(samc_image_predictor_predict(predictor_, &prompt, 1, nullptr, &masks), "prompt 0: points is NULL");
  expect_usage(samc_masks_get(nullptr, &masks_view), "masks is NULL");
  expect_usage(samc_image_predictor_get_embedding(predictor_, 0, nullptr), "embedding is NULL");
  expect_usage(samc_image_predictor_get_embedding(nullptr, 0, &embedding), "predictor is NULL");
  expect_usage(samc_embedding_create(nullptr, &embedding), "view is NULL");
  expect_usage(samc_embedding_create(&embedding_view, nullptr), "embedding is NULL");
  expect_usage(samc_embedding_get(nullptr, &embedding_view), "embedding is NULL");
  expect_usage(samc_image_predictor_set_embedding(predictor_, nullptr), "embedding is NULL");
  expect_usage(samc_automatic_masks_generator_create(nullptr, nullptr, &generator), "model is NULL");
  expect_usage(samc_automatic_masks_generate(nullptr, &image, nullptr, nullptr, &automatic), "generator is NULL");
  expect_usage(samc_automatic_masks_count(nullptr, &count), "masks is NULL");
  expect_usage(samc_automatic_masks_get(nullptr, 0, &automatic_view), "masks is NULL");
  expect_usage(samc_video_masks_get(nullptr, &frame_view), "masks is NULL");
  expect_usage(samc_video_masks_get_object(nullptr, 0, &object_view), "masks is NULL");
  expect_usage(samc_video_predictor_create(nullptr, nullptr, &video), "model is NULL");
  expect_usage(samc_video_predictor_init(nullptr, &source), "predictor is NULL");
  expect_usage(samc_video_predictor_init(nullptr, nullptr), "frames is NULL");
  expect_usage(samc_video_predictor_init_path(nullptr, "x"), "predictor is NULL");
  expect_usage(samc_video_predictor_add_points_or_box(nullptr, 0, 1, &video_prompt, &frame), "predictor is NULL");
  expect_usage(samc_video_predictor_add_mask(nullptr, 0, 1, &byte, 1, 1, &frame), "predictor is NULL");
  expect_usage(samc_video_predictor_clear_prompts_in_frame(nullptr, 0, 1, &frame), "predictor is NULL");
  expect_usage(samc_video_predictor_remove_object(nullptr, 1, 1), "predictor is NULL");
  expect_usage(samc_video_predictor_reset(nullptr), "predictor is NULL");
  expect_usage(samc_video_predictor_objects(nullptr, nullptr, 0, &count), "predictor is NULL");
  expect_usage(samc_video_predictor_propagate(nullptr, nullptr, &propagation), "predictor is NULL");
  expect_usage(samc_propagation_next(nullptr, &frame), "propagation is NULL");
  expect_usage(samc_video_stream_create(nullptr, nullptr, 0, &stream), "model is NULL");
  expect_usage(samc_video_stream_push(nullptr, &image, &frame), "stream is NULL");
  expect_usage(samc_video_stream_add_points_or_box(nullptr, 1, &video_prompt, &frame), "stream is NULL");
  expect_usage(samc_video_stream_add_mask(nullptr, 1, &byte, 1, 1, &frame), "stream is NULL");
  expect_usage(samc_video_stream_clear_prompts(nullptr, 1, &frame), "stream is NULL");
  expect_usage(samc_video_stream_remove_object(nullptr, 1, &frame), "stream is NULL");
  expect_usage(samc_video_stream_reset(nullptr), "stream is NULL");
  samc_picture_free(nullptr);
  samc_model_free(nullptr);
  samc_masks_free(nullptr);
  samc_embedding_free(nullptr);
  samc_image_predictor_free(nullptr);
  samc_automatic_masks_generator_free(nullptr);
  samc_automatic_masks_free(nullptr);
  samc_video_masks_free(nullptr);
  samc_video_predictor_free(nullptr);
  samc_propagation_free(nullptr);
  samc_video_stream_free(nullptr);
}

TEST_F(CApi, WrongNumbersAreErrors) {
  samc_masks* masks = nullptr;
  const auto predict = [&](const samc_prompt& prompt, size_t image = 0) {
    samc_predict_options options{};
    options.struct_size = sizeof options;
    options.image = image;
    const samc_status status = samc_image_predictor_predict(predictor_, &prompt, 1, &options, &masks);
    EXPECT_EQ(masks, nullptr);
    return status;
  };
  EXPECT_EQ(predict({}), SAMC_ERROR_INPUT);
  EXPECT_STREQ(samc_last_error(), "no image is set; call set_image first");
  set_image();
  EXPECT_EQ(predict({}, 1), SAMC_ERROR_INPUT);
  const samc_point nan{std::nanf(""), 0, 1}, label{0, 0, 9};
  EXPECT_EQ(predict({&nan, 1, nullptr, nullptr}), SAMC_ERROR_INPUT);
  EXPECT_EQ(predict({&label, 1, nullptr, nullptr}), SAMC_ERROR_INPUT);
  EXPECT_EQ(predict({&label, 5000, nullptr, nullptr}), SAMC_ERROR_INPUT);
  const samc_box infinite{0, 0, std::numeric_limits<float>::infinity(), 1};
  EXPECT_EQ(predict({nullptr, 0, &infinite, nullptr}), SAMC_ERROR_INPUT);
  EXPECT_EQ(samc_image_predictor_predict(predictor_, nullptr, 0, nullptr, &masks), SAMC_ERROR_USAGE);
  const samc_prompt none{};
  EXPECT_EQ(samc_image_predictor_predict(predictor_, &none, 0, nullptr, &masks), SAMC_ERROR_INPUT);

  for (const auto& [width, height, stride] :
       std::vector<std::array<int64_t, 3>>{{0, 1, 0},
                                           {1, -1, 0},
                                           {70'000, 1, 0},
                                           {kWidth, kHeight, kWidth * 3 - 1},
                                           {kWidth, kHeight, -100},
                                           {int64_t{1} << 62, int64_t{1} << 62, 0}}) {
    const samc_image image{pixels_.rgb.data(), width, height, stride};
    EXPECT_NE(samc_image_predictor_set_image(predictor_, &image), SAMC_OK) << width << " " << height << " " << stride;
  }
  EXPECT_EQ(predict({}), SAMC_ERROR_INPUT);  // what was set is gone
  uint8_t byte = 0;
  EXPECT_EQ(samc_write_png("x", &byte, 0, 1), SAMC_ERROR_INPUT);
  EXPECT_EQ(samc_set_memory_limit(-1), SAMC_ERROR_USAGE);
  samc_model* model = nullptr;
  EXPECT_EQ(samc_model_load(folder_.path("none.samc").c_str(), 0, &model), SAMC_ERROR_IO);
  EXPECT_NE(std::string(samc_last_error()).find("none.samc"), std::string::npos);
  expect_usage(samc_model_load(path_.c_str(), -1, &model), "-1 threads; 0: one for each core");
  samc_video_predictor* video = nullptr;
  EXPECT_NE(samc_video_predictor_create(model_, nullptr, &video), SAMC_OK);
  samc_video_stream* stream = nullptr;
  EXPECT_NE(samc_video_stream_create(model_, nullptr, 0, &stream), SAMC_OK);
  EXPECT_EQ(stream, nullptr);
}

// Callers with headers older and newer than the library.
TEST_F(CApi, StructsOfAnotherAge) {
  set_image();
  const samc_prompt prompt{};
  struct Newer {
    samc_predict_options known;
    size_t unknown;
  } newer{};
  samc_masks* masks = nullptr;
  newer.known.struct_size = sizeof newer;
  ASSERT_EQ(samc_image_predictor_predict(predictor_, &prompt, 1, &newer.known, &masks), SAMC_OK) << samc_last_error();
  newer.unknown = 1;
  samc_masks* none = nullptr;
  EXPECT_EQ(samc_image_predictor_predict(predictor_, &prompt, 1, &newer.known, &none), SAMC_ERROR_USAGE);
  samc_predict_options older{};
  older.struct_size = sizeof(size_t);
  older.single_mask = older.return_logits = 1;  // not there for who does not know them
  samc_masks* plain = nullptr;
  ASSERT_EQ(samc_image_predictor_predict(predictor_, &prompt, 1, &older, &plain), SAMC_OK);
  samc_masks_view view{};
  view.struct_size = sizeof view;
  ASSERT_EQ(samc_masks_get(plain, &view), SAMC_OK);
  EXPECT_EQ(view.masks, 3);
  EXPECT_NE(view.binary, nullptr);
  samc_masks_view part{};
  part.struct_size = offsetof(samc_masks_view, width);
  part.width = 77;
  ASSERT_EQ(samc_masks_get(masks, &part), SAMC_OK);
  EXPECT_EQ(part.masks, 3);
  EXPECT_EQ(part.width, 77);
  for (const size_t size : {size_t{0}, size_t{7}, size_t{12}, size_t{100'000}}) {
    part.struct_size = size;
    EXPECT_EQ(samc_masks_get(masks, &part), SAMC_ERROR_USAGE) << size;
    older.struct_size = size;
    EXPECT_EQ(samc_image_predictor_predict(predictor_, &prompt, 1, &older, &none), SAMC_ERROR_USAGE) << size;
  }
  samc_masks_free(plain);
  samc_masks_free(masks);
}

TEST_F(CApi, TextOfErrorsIsTheThreadsOwn) {
  EXPECT_EQ(samc_set_memory_limit(-1), SAMC_ERROR_USAGE);
  const std::string mine = samc_last_error();
  std::string before, other;
  std::thread([&] {
    before = samc_last_error();
    (void)samc_image_predictor_reset(nullptr);
    other = samc_last_error();
  }).join();
  EXPECT_EQ(before, "");
  EXPECT_EQ(other, "predictor is NULL");
  EXPECT_EQ(samc_last_error(), mine);
}

// Several threads at one predictor: each call is done whole, or refused.
TEST_F(CApi, OnePredictorFromSeveralThreads) {
  set_image();
  const samc_prompt prompt{};
  std::atomic<int> done{0}, refused{0};
  const auto work = [&] {
    for (int i = 0; i < 200; ++i) {
      samc_masks* masks = nullptr;
      const samc_status status = samc_image_predictor_predict(predictor_, &prompt, 1, nullptr, &masks);
      if (status == SAMC_OK)
        ++done;
      else if (status == SAMC_ERROR_USAGE && std::string(samc_last_error()).find("another thread") != std::string::npos)
        ++refused;
      samc_masks_free(masks);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done + refused, 800);
  EXPECT_GT(done, 0);
}

TEST_F(CApi, CompilesWhereTheCompilerIs) {
  const std::string pico = std::string(SAMC_SOURCE_DIR) + "/tests/data/pico/pico.pt",
                    output = folder_.path("pico.samc");
  const samc_status status = samc_compile(pico.c_str(), nullptr, output.c_str());
  if (samc_has_compiler() == 0) {
    EXPECT_EQ(status, SAMC_ERROR_UNSUPPORTED);
    EXPECT_STREQ(samc_last_error(), "this libsamc was built without the compiler; compile the model with samc compile");
    return;
  }
  ASSERT_EQ(status, SAMC_OK) << samc_last_error();
  samc_model* model = nullptr;
  ASSERT_EQ(samc_model_load(output.c_str(), 0, &model), SAMC_OK) << samc_last_error();
  samc_model_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(samc_model_get_info(model, &info), SAMC_OK);
  EXPECT_EQ(info.has_video, 1);
  samc_model_free(model);
  EXPECT_EQ(samc_compile(output.c_str(), nullptr, output.c_str()), SAMC_ERROR_USAGE);
  EXPECT_EQ(samc_compile(pico.c_str(), nullptr, folder_.path("no/where.samc").c_str()), SAMC_ERROR_IO);
  EXPECT_EQ(samc_compile(folder_.path("none.pt").c_str(), nullptr, output.c_str()), SAMC_ERROR_IO);
  samc_compile_options options{};
  options.struct_size = sizeof options;
  options.precision = "f64";
  EXPECT_NE(samc_compile(pico.c_str(), &options, output.c_str()), SAMC_OK);
}

}  // namespace
