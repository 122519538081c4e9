// Bmodels on a chip, with a stand-in for Sophgo's runtime: what is loaded, launched and copied, each call failing in
// turn, a chip that stops answering. The test needs no bmodels of tpuc-opt: the stand-in computes something of its own.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <condition_variable>
#include <thread>

#include "base/test_folder.h"
#include "media/image.h"
#include "runtime/image_model.h"
#include "runtime/image_predictor.h"
#include "targets/sophgo/device/bmodel_model.h"
#include "targets/sophgo/device/bmrt_api.h"
#include "targets/sophgo/device/stand_in/stand_in_fixture.h"
#include "targets/sophgo/device/stand_in/write_bmodel.h"

namespace samc::sophgo {
namespace {

constexpr int64_t kSize = 64;

Image picture_of(uint8_t shade) {
  Image image;
  image.width = 40;
  image.height = 30;
  image.rgb.assign(40 * 30 * 3, shade);
  for (size_t i = 0; i < image.rgb.size(); i += 5) image.rgb[i] = static_cast<uint8_t>(i);
  return image;
}

const ObjectPrompt kPoint{{{10, 10, 1}}, {}, {}};
const ObjectPrompt kBox{{}, BoxPrompt{4, 5, 30, 25}, {}};

class ChipTest : public StandInTest {
 protected:
  void SetUp() override {
    StandInTest::SetUp();
    write("BM1688", kBmF32);
  }

  // taken: the type in which the decoder takes what the encoder gives in f32.
  void write(const std::string& chip, uint32_t taken) {
    const auto parts = [](const std::string& ending, uint32_t type) {
      return std::vector<BmodelTensor>{{"high_res_feats_0" + ending, type, {1, 4, 16, 16}},
                                       {"high_res_feats_1" + ending, type, {1, 8, 8, 8}},
                                       {"image_embed" + ending, type, {1, 32, 4, 4}}};
    };
    ASSERT_TRUE(write_bmodel(folder_.path("encoder.bmodel"), chip, "net", {{"image", kBmF32, {1, 3, kSize, kSize}}},
                             parts("_f32", kBmF32))
                    .is_ok());
    std::vector<BmodelTensor> inputs = parts("", taken);
    inputs.push_back({"point_coords", kBmF32, {1, 8, 2}});
    inputs.push_back({"point_labels", kBmF32, {1, 8}});
    inputs.push_back({"mask_input", kBmF32, {1, 1, 16, 16}});
    inputs.push_back({"has_mask_input", kBmF32, {1}});
    ASSERT_TRUE(write_bmodel(folder_.path("decoder.bmodel"), chip, "net", inputs,
                             {{"low_res_logits_f32", kBmF32, {1, 4, 16, 16}},
                              {"iou_predictions_f32", kBmF32, {1, 4}},
                              {"object_score", kBmF32, {1, 1}}})
                    .is_ok());
  }

  Result<std::unique_ptr<ImageModel>> open(std::optional<double> seconds = {}) {
    BmodelModelOptions options;
    options.encoder = folder_.path("encoder.bmodel");
    options.decoder = folder_.path("decoder.bmodel");
    options.device = "chip";
    options.threads = 1;
    options.seconds = seconds;
    return make_bmodel_model(options, &device_);
  }
  Result<ImagePredictor> predictor(std::optional<double> seconds = {}) {
    SAMC_ASSIGN(auto model, open(seconds));
    return ImagePredictor::create(std::move(model));
  }

  static std::vector<float> logits(const Prediction& prediction) {
    const auto values = prediction.low_res_logits.f32();
    return {values.begin(), values.end()};
  }

  // Two pictures, prompts of each; all logits.
  Result<std::vector<float>> two_pictures() {
    SAMC_ASSIGN(ImagePredictor made, predictor());
    std::vector<float> all;
    for (const uint8_t shade : {uint8_t{40}, uint8_t{200}}) {
      SAMC_TRY(made.set_image(picture_of(shade)));
      for (const ObjectPrompt& prompt : {kPoint, kBox}) {
        SAMC_ASSIGN(const Prediction prediction, made.predict(prompt));
        const std::vector<float> values = logits(prediction);
        all.insert(all.end(), values.begin(), values.end());
      }
    }
    return all;
  }

  TestFolder folder_;
  BmodelDevice device_;
};

TEST_F(ChipTest, BmodelsAreLoadedOnceAndOnlyWhatChangesIsCopied) {
  auto made = predictor();
  ASSERT_TRUE(made.is_ok()) << made.status().to_string();
  EXPECT_EQ(device_.description, "BM1688, by " SAMC_STAND_IN "/lib");
  ASSERT_TRUE(made.value().set_image(picture_of(10)).is_ok());
  EXPECT_EQ(calls_since(), (Calls{1, 1, 3})) << "the picture goes up, its embedding comes down for the caller";
  ASSERT_TRUE(made.value().predict(kPoint).is_ok());
  EXPECT_EQ(calls_since(), (Calls{1, 4, 2})) << "the first prompt: points, labels, no mask; of the embedding nothing";
  ASSERT_TRUE(made.value().predict(kBox).is_ok());
  EXPECT_EQ(calls_since(), (Calls{1, 2, 2})) << "the second prompt: points and labels";
  const int buffers = stand_in_->count("bm_malloc_device_byte");
  for (const uint8_t shade : {uint8_t{20}, uint8_t{30}, uint8_t{40}}) {
    ASSERT_TRUE(made.value().set_image(picture_of(shade)).is_ok());
    ASSERT_TRUE(made.value().predict(kPoint).is_ok());
    EXPECT_EQ(calls_since(), (Calls{2, 3, 5})) << "a picture and a prompt";
  }
  EXPECT_EQ(stand_in_->count("bm_malloc_device_byte"), buffers);
  EXPECT_EQ(stand_in_->count("bmrt_load_bmodel"), 2);
  EXPECT_EQ(stand_in_->count("bm_dev_request"), 1);
}

TEST_F(ChipTest, MemoryThatIsMappedIsNotCopied) {
  const auto copied = two_pictures();
  ASSERT_TRUE(copied.is_ok());
  stand_in_->reset();
  stand_in_->can_map = true;
  const auto mapped = two_pictures();
  ASSERT_TRUE(mapped.is_ok()) << mapped.status().to_string();
  EXPECT_EQ(mapped.value(), copied.value());
  EXPECT_EQ(stand_in_->count("bm_memcpy_s2d") + stand_in_->count("bm_memcpy_d2s"), 0);
  EXPECT_GT(stand_in_->count("bm_mem_flush_device_mem"), 0);
}

// Where the embedding comes from elsewhere, or in another type, it goes up once and gives the same.
TEST_F(ChipTest, AnEmbeddingFromElsewhereGoesUpOnce) {
  auto made = predictor(), other = predictor();
  ASSERT_TRUE(made.is_ok() && other.is_ok());
  ASSERT_TRUE(made.value().set_image(picture_of(90)).is_ok());
  const ImageEmbedding& from = *made.value().embedding().value();
  EXPECT_NE(from.on_device, nullptr);
  const auto here = made.value().predict(kBox);
  ASSERT_TRUE(here.is_ok());
  for (const bool names_device : {false, true}) {
    ImageEmbedding given{Tensor::copy_of(from.high_res_feats_0.view()), Tensor::copy_of(from.high_res_feats_1.view()),
                         Tensor::copy_of(from.image_embed.view()), from.width, from.height};
    if (names_device) given.on_device = from.on_device;  // which is another model's
    ASSERT_TRUE(other.value().set_embedding(std::move(given)).is_ok());
    stand_in_->calls.clear();
    for (int times = 0; times < 2; ++times) {
      const auto there = other.value().predict(kBox);
      ASSERT_TRUE(there.is_ok()) << there.status().to_string();
      EXPECT_EQ(logits(there.value()), logits(here.value()));
    }
    EXPECT_EQ(stand_in_->count("bm_memcpy_s2d"), names_device ? 3 + 2 * 2 : 3 + 4 + 2);
  }
}

TEST_F(ChipTest, SeveralPicturesStayOnTheChip) {
  auto made = predictor();
  ASSERT_TRUE(made.is_ok());
  const Image first = picture_of(10), second = picture_of(250);
  const RgbView views[] = {first, second};
  ASSERT_TRUE(made.value().set_images(views).is_ok());
  const auto a = made.value().predict(kPoint, {}, 0), b = made.value().predict(kPoint, {}, 1);
  const auto again = made.value().predict(kPoint, {}, 0);
  ASSERT_TRUE(a.is_ok() && b.is_ok() && again.is_ok());
  EXPECT_NE(logits(a.value()), logits(b.value()));
  EXPECT_EQ(logits(a.value()), logits(again.value()));
}

TEST_F(ChipTest, ADecoderMayTakeAnotherTypeThanTheEncoderGives) {
  const auto same = two_pictures();
  write("BM1688", kBmF16);
  const auto rounded = two_pictures();
  ASSERT_TRUE(same.is_ok() && rounded.is_ok()) << rounded.status().to_string();
  ASSERT_EQ(same.value().size(), rounded.value().size());
  for (size_t i = 0; i < same.value().size(); ++i) EXPECT_NEAR(same.value()[i], rounded.value()[i], 0.02f);
}

// The decoder of one picture waits for the encoder of the next to begin, and the other way round.
TEST_F(ChipTest, TheNextPicturesEncoderRunsBesideThisOnesDecoder) {
  auto first = open();
  ASSERT_TRUE(first.is_ok()) << first.status().to_string();
  EXPECT_GE(first.value()->most_lanes(), 2);
  auto second = first.value()->another(1);
  ASSERT_TRUE(second.is_ok()) << second.status().to_string();
  EXPECT_EQ(stand_in_->count("bmrt_load_bmodel"), 2);
  auto one = ImagePredictor::create(std::move(first).value()), two = ImagePredictor::create(std::move(second).value());
  ASSERT_TRUE(one.is_ok() && two.is_ok());
  ASSERT_TRUE(one.value().set_image(picture_of(60)).is_ok());
  const auto alone = one.value().predict(kPoint);
  ASSERT_TRUE(alone.is_ok());

  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  bool met = true;
  stand_in_->watch = [&](const std::string&, bool begins) {
    if (!begins) return;
    std::unique_lock lock(mutex);
    ++begun;
    changed.notify_all();
    met = changed.wait_for(lock, std::chrono::seconds(20), [&] { return begun >= 2; }) && met;
  };
  Status encoded;
  std::thread encoding([&] { encoded = two.value().set_image(picture_of(61)); });
  const auto beside = one.value().predict(kPoint);
  encoding.join();
  stand_in_->watch = {};
  ASSERT_TRUE(encoded.is_ok() && beside.is_ok());
  EXPECT_TRUE(met);
  EXPECT_EQ(stand_in_->most_running, 2);
  EXPECT_EQ(logits(beside.value()), logits(alone.value()));
}

TEST_F(ChipTest, EachCallThatFailsIsOneLineAndNothingIsKept) {
  expect_each_failure_to_be_one_line([this] { return two_pictures(); }, 30);
}
TEST_F(ChipTest, EachCallThatFailsIsOneLineAndNothingIsKeptWhereMemoryIsMapped) {
  stand_in_->can_map = true;
  expect_each_failure_to_be_one_line([this] { return two_pictures(); }, 30);
}

TEST_F(ChipTest, AnotherChip) {
  stand_in_->chip_id = 0x1686;
  const std::string refused = open().status().to_string();
  EXPECT_NE(refused.find("is for BM1688, and the chip here is a BM1684X"), std::string::npos) << refused;
  EXPECT_NE(refused.find("samc deploy-all --chip bm1684x"), std::string::npos) << refused;
  EXPECT_EQ(stand_in_->count("bmrt_load_bmodel"), 0);
  // One that samc does not know is the runtime's affair.
  stand_in_->chip_id = 0x4711;
  EXPECT_TRUE(open().is_ok());
}

TEST_F(ChipTest, NoDriver) {
  stand_in_->fails = "bm_dev_request";
  const std::string refused = open().status().to_string();
  EXPECT_NE(refused.find("no chip: bm_dev_request gave 5"), std::string::npos) << refused;
  EXPECT_NE(refused.find("driver"), std::string::npos) << refused;
}

TEST_F(ChipTest, NoRuntime) {
  ASSERT_EQ(::setenv("SAMC_LIBSOPHON", folder_.path("none").c_str(), 1), 0);
  const std::string refused = open().status().to_string();
  EXPECT_NE(refused.find("no runtime of Sophgo's: there is no "), std::string::npos) << refused;
  EXPECT_NE(refused.find("SAMC_LIBSOPHON"), std::string::npos) << refused;
}

TEST_F(ChipTest, ARuntimeThatIsNoLibrary) {
  std::filesystem::create_directories(folder_.path("broken/lib"));
  for (const char* name : {"libbmrt.so", "libbmlib.so"})
    ASSERT_TRUE(write_file(folder_.path("broken/lib/" + std::string(name)), "no library").is_ok());
  ASSERT_EQ(::setenv("SAMC_LIBSOPHON", folder_.path("broken").c_str(), 1), 0);
  const std::string refused = open().status().to_string();
  EXPECT_NE(refused.find("cannot load Sophgo's runtime"), std::string::npos) << refused;
  EXPECT_EQ(refused.find('\n'), std::string::npos) << refused;
}

TEST_F(ChipTest, NoMemoryLeftOnTheChip) {
  stand_in_->memory_mb = 0;
  stand_in_->fails = "bm_get_stat";
  EXPECT_FALSE(two_pictures().is_ok());
  stand_in_->fails.clear();
  stand_in_->memory_mb = 1;
  auto made = predictor();
  ASSERT_TRUE(made.is_ok()) << made.status().to_string();
  stand_in_->memory_used += 1'040'000;
  const std::string refused = made.value().set_image(picture_of(1)).to_string();
  stand_in_->memory_used -= 1'040'000;
  EXPECT_NE(refused.find("MB of the chip's memory: bm_malloc_device_byte gave 5; 1 of 1 MB"), std::string::npos)
      << refused;
  EXPECT_NE(refused.find("end other programs"), std::string::npos) << refused;
  EXPECT_TRUE(made.value().set_image(picture_of(1)).is_ok());
}

TEST_F(ChipTest, AChipThatStopsAnsweringIsGivenUp) {
  auto made = predictor(0.2);
  ASSERT_TRUE(made.is_ok());
  ASSERT_TRUE(made.value().set_image(picture_of(5)).is_ok());
  {
    const std::lock_guard lock(stand_in_->mutex);
    stand_in_->hangs = "bm_thread_sync";
  }
  const std::string refused = made.value().predict(kPoint).status().to_string();
  EXPECT_NE(refused.find("decoder.bmodel: no answer of the chip within 0.2 s"), std::string::npos) << refused;
  EXPECT_NE(refused.find("--device-timeout"), std::string::npos) << refused;
  const std::string later = made.value().set_image(picture_of(6)).to_string();
  EXPECT_NE(later.find("the chip has stopped answering"), std::string::npos) << later;
  // What was left behind ends when it wants to; nothing that it touches is gone. The chip's things stay its own.
  made = unsupported("gone");
  stand_in_->reset();
  for (int i = 0; i < 200 && stand_in_->count("bm_memcpy_d2s") < 2; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(stand_in_->count("bm_memcpy_d2s"), 2);
  EXPECT_EQ(stand_in_->devices, 1);
  stand_in_->devices = stand_in_->runtimes = 0;
  stand_in_->memory_used = 0;
}

TEST_F(ChipTest, OpeningMayHangToo) {
  stand_in_->hangs = "bm_dev_request";
  const std::string refused = open(0.2).status().to_string();
  EXPECT_NE(refused.find("opening the chip: no answer of the chip within 0.2 s"), std::string::npos) << refused;
  stand_in_->reset();
  for (int i = 0; i < 200 && stand_in_->count("bm_get_chipid") < 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  stand_in_->devices = 0;
  stand_in_->memory_used = 0;
}

}  // namespace
}  // namespace samc::sophgo
