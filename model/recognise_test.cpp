#include "model/recognise.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <limits>

#include "base/files.h"

namespace samc {
namespace {

// {"name": [extents], ...} in the state_dict's order; JSON is YAML.
std::vector<TensorSpec> read_state_dict(const std::string& model) {
  std::vector<TensorSpec> tensors;
  for (const auto& entry : YAML::LoadFile(SAMC_SOURCE_DIR "/tests/data/state_dicts/" + model + ".json"))
    tensors.push_back({entry.first.as<std::string>(), entry.second.as<Shape>()});
  return tensors;
}

ModelConfig pico() { return read_config(SAMC_SOURCE_DIR "/tests/data/pico/pico.yaml").value(); }

TEST(ExpectedTensors, EqualTheOfficialStateDicts) {
  EXPECT_EQ(expected_tensors(pico()), read_state_dict("pico"));
  for (const ModelConfig& config : official_configs())
    EXPECT_EQ(expected_tensors(config), read_state_dict(config.name)) << config.name;
}

TEST(Recognise, AllEight) {
  for (const ModelConfig& config : official_configs()) {
    std::vector<TensorSpec> tensors = expected_tensors(config);
    std::reverse(tensors.begin(), tensors.end());
    const auto result = recognise(tensors);
    ASSERT_TRUE(result.is_ok()) << result.status().to_string();
    EXPECT_EQ(result.value().config.name, config.name);
    EXPECT_NE(result.value().why.find(config.no_obj_embed_spatial ? "SAM 2.1" : "SAM 2.0"), std::string::npos);
  }
}

TEST(Recognise, AnotherArchitectureNeedsAConfig) {
  const auto result = recognise(expected_tensors(pico()));
  ASSERT_FALSE(result.is_ok());
  EXPECT_EQ(result.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(result.status().message().find("trunk of 6 blocks from 32 channels, d_model 64, SAM 2.1"),
            std::string::npos)
      << result.status().message();
  EXPECT_NE(result.status().hint().find("--config"), std::string::npos);
}

TEST(Recognise, NotSam2) {
  const std::vector<TensorSpec> tensors = {{"conv1.weight", {64, 3, 7, 7}}};
  const auto result = recognise(tensors);
  ASSERT_FALSE(result.is_ok());
  EXPECT_NE(result.status().message().find("conv1.weight"), std::string::npos);
  EXPECT_FALSE(recognise({}).is_ok());
}

TEST(Recognise, KnowsWhatLooksLikeSam2) {
  // EfficientTAM's trunk is a plain vision transformer.
  const std::vector<TensorSpec> efficient_tam = {{"image_encoder.trunk.pos_embed", {1, 197, 192}}};
  const Status other_trunk = recognise(efficient_tam).status();
  EXPECT_NE(other_trunk.message().find("image_encoder.trunk.pos_embed is (1, 197, 192)"), std::string::npos)
      << other_trunk.message();
  EXPECT_EQ(other_trunk.message().find("none of"), std::string::npos) << other_trunk.message();
}

TEST(Recognise, NamesWhatDoesNotFit) {
  std::vector<TensorSpec> tensors = expected_tensors(*find_official_config("sam2.1_hiera_tiny"));
  std::erase_if(tensors, [](const TensorSpec& tensor) { return tensor.name == "no_mem_pos_enc"; });
  tensors.push_back({"ema.decay", {1}});
  tensors[0].shape = {7, 1, 1, 32};
  const auto result = recognise(tensors);
  ASSERT_FALSE(result.is_ok());
  const std::string message = result.status().message();
  EXPECT_NE(message.find("sam2.1_hiera_tiny"), std::string::npos) << message;
  EXPECT_NE(message.find("1 missing (no_mem_pos_enc)"), std::string::npos) << message;
  EXPECT_NE(message.find("1 of another shape (maskmem_tpos_enc is (7, 1, 1, 32), not (7, 1, 1, 64))"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("1 unknown (ema.decay)"), std::string::npos) << message;

  tensors.resize(100);
  EXPECT_NE(check_tensors(*find_official_config("sam2.1_hiera_tiny"), tensors).message().find(" more)"),
            std::string::npos);
}

TEST(Recognise, HalfOf21) {
  std::vector<TensorSpec> tensors = expected_tensors(*find_official_config("sam2.1_hiera_tiny"));
  std::erase_if(tensors, [](const TensorSpec& tensor) { return tensor.name == "no_obj_embed_spatial"; });
  const auto result = recognise(tensors);
  ASSERT_FALSE(result.is_ok());
  EXPECT_NE(result.status().message().find("no_obj_embed_spatial is not"), std::string::npos)
      << result.status().message();
}

TEST(Recognise, TheImagePartsAlone) {
  for (const char* name : {"sam2_hiera_tiny", "sam2.1_hiera_tiny", "sam2.1_hiera_large"}) {
    std::vector<TensorSpec> tensors = expected_tensors(*find_official_config(name));
    std::erase_if(tensors, [](const TensorSpec& tensor) { return is_for_video(tensor.name); });
    const Recognition found = recognise(tensors).value();
    EXPECT_FALSE(found.config.has_memory);
    EXPECT_EQ(found.config.trunk, find_official_config(name)->trunk);
    EXPECT_NE(found.why.find("the image parts of SAM 2"), std::string::npos) << found.why;
    EXPECT_EQ(expected_tensors(found.config).size(), tensors.size());
    // One of the memory's tensors is not enough.
    tensors.push_back({"no_mem_pos_enc", {1, 1, 256}});
    EXPECT_FALSE(recognise(tensors).is_ok());
  }
}

TEST(FindModel, TakesTheConfigBesideTheCheckpoint) {
  const auto tensors = expected_tensors(pico());
  const auto beside = find_model(SAMC_SOURCE_DIR "/tests/data/pico/pico.pt", tensors, std::nullopt);
  ASSERT_TRUE(beside.is_ok()) << beside.status().to_string();
  EXPECT_EQ(beside.value().config.name, "pico");
  EXPECT_NE(beside.value().why.find("pico.yaml"), std::string::npos);

  EXPECT_FALSE(find_model("/nowhere/pico.pt", tensors, std::nullopt).is_ok());
  EXPECT_TRUE(find_model("/nowhere/pico.pt", tensors, SAMC_SOURCE_DIR "/tests/data/pico/pico.yaml").is_ok());

  // The image size: from the YAML, or by the caller, or by the official name; else it is assumed, which is said.
  const std::string yaml = SAMC_SOURCE_DIR "/tests/data/pico/pico.yaml";
  const auto official = expected_tensors(*find_official_config("sam2.1_hiera_tiny"));
  EXPECT_EQ(beside.value().assumed, "");
  EXPECT_EQ(find_model("/nowhere/sam2.1_hiera_tiny.pt", official, std::nullopt).value().assumed, "");
  const Recognition tuned = find_model("/nowhere/tuned.pt", official, std::nullopt).value();
  EXPECT_NE(tuned.assumed.find("image size of 1024 is assumed"), std::string::npos) << tuned.assumed;
  const Recognition sized = find_model("/nowhere/tuned.pt", official, std::nullopt, 512).value();
  EXPECT_EQ(sized.config.image_size, 512);
  EXPECT_EQ(sized.assumed, "");
  EXPECT_EQ(find_model("/nowhere/pico.pt", tensors, yaml, 512).value().config.image_size, 512);
  EXPECT_EQ(find_model("/nowhere/tuned.pt", official, std::nullopt, 1024).value().assumed, "");
  const Status unfit = find_model("/nowhere/tuned.pt", official, std::nullopt, 500).status();
  EXPECT_EQ(unfit.code(), StatusCode::kUsage);
  EXPECT_EQ(unfit.to_string(),
            "--image-size 500: sam2.1_hiera_tiny takes multiples of 32 from 32 to 4096; 480 and 512 are nearest");
  const auto hint_of = [&](int64_t size) {
    return find_model("/nowhere/tuned.pt", official, std::nullopt, size).status().hint();
  };
  EXPECT_EQ(hint_of(0), "32 and 64 are nearest");
  EXPECT_EQ(hint_of(-512), "32 and 64 are nearest");
  EXPECT_EQ(hint_of(16), "32 and 64 are nearest");
  EXPECT_EQ(hint_of(4128), "4096 is nearest");
  EXPECT_EQ(hint_of(std::numeric_limits<int64_t>::max()), "4096 is nearest");

  const auto wrong = find_model("/nowhere/tiny.pt", expected_tensors(official_configs()[0]),
                                SAMC_SOURCE_DIR "/tests/data/pico/pico.yaml");
  ASSERT_FALSE(wrong.is_ok());
  EXPECT_NE(wrong.status().message().find("/nowhere/tiny.pt: the tensors are not those of pico"), std::string::npos)
      << wrong.status().message();
}

}  // namespace
}  // namespace samc
