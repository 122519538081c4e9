// config.json of Hugging Face's transformers. The files are what its save_pretrained() wrote
// (tests/data/transformers/make_names.py).

#include "model/transformers_config.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "model/recognise.h"

namespace samc {
namespace {

const std::string kData = SAMC_SOURCE_DIR "/tests/data/";

std::string text_of(const std::string& file) { return read_text_file(kData + "transformers/" + file, 1 << 20).value(); }

void expect_error(const std::string& text, const std::string& part) {
  const Status status = parse_transformers_config(text, "x").status();
  EXPECT_NE(status.to_string().find(part), std::string::npos) << part << ": " << status.to_string();
}
void expect_error_with(const std::string& from, const std::string& to, const std::string& part) {
  std::string text = text_of("pico_config.json");
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  expect_error(text.replace(at, from.size(), to), part);
}

TEST(TransformersConfig, says_what_the_official_yaml_says) {
  ModelConfig pico = read_config(kData + "pico/pico.yaml").value();
  // What the self-attention's keys are repeated for is nothing; transformers names no such key.
  const Result<ModelConfig> found = parse_transformers_config(text_of("pico_config.json"), "pico");
  ASSERT_TRUE(found.is_ok()) << found.status().to_string();
  EXPECT_EQ(found.value(), pico);
  EXPECT_EQ(parse_transformers_config(text_of("large_config.json"), "x").value(),
            *find_official_config("sam2.1_hiera_large"));
  const ModelConfig empty = parse_transformers_config(R"({"model_type": "sam2_video"})", "x").value();
  EXPECT_EQ(empty, *find_official_config("sam2.1_hiera_tiny"));
}

TEST(TransformersConfig, memories_are_projected_whatever_their_dim) {
  const auto has_projection = [](const ModelConfig& config) {
    for (const TensorSpec& tensor : expected_tensors(config))
      if (tensor.name == "memory_encoder.out_proj.weight") return true;
    return false;
  };
  std::string text = text_of("pico_config.json");
  const std::string dim = "\"memory_encoder_output_channels\": 16";
  text.replace(text.find(dim), dim.size(), "\"memory_encoder_output_channels\": 64");
  EXPECT_TRUE(has_projection(parse_transformers_config(text, "pico").value()));
  ModelConfig official = read_config(kData + "pico/pico.yaml").value();
  EXPECT_TRUE(has_projection(official));
  official.memory_encoder.out_dim = 64;
  EXPECT_FALSE(has_projection(official));
}

TEST(TransformersConfig, of_the_image_model) {
  const Result<ModelConfig> found = parse_transformers_config(text_of("pico_image_config.json"), "pico");
  ASSERT_TRUE(found.is_ok()) << found.status().to_string();
  const ModelConfig pico = read_config(kData + "pico/pico.yaml").value();
  EXPECT_EQ(found.value().trunk, pico.trunk);
  EXPECT_EQ(found.value().neck, pico.neck);
  EXPECT_EQ(found.value().mask_decoder, pico.mask_decoder);
  EXPECT_EQ(found.value().image_size, 256);
}

TEST(TransformersConfig, names_the_key_at_fault) {
  expect_error("{", "not valid JSON");
  expect_error("[]", "no \"model_type\"");
  expect_error("{}", "no \"model_type\"");
  expect_error(R"({"model_type": "sam3"})", "of type sam3");
  expect_error(R"({"model_type": "sam2", "model_type": "sam2"})", "model_type: given twice");
  expect_error(R"({"model_type": "sam2", "vision_config": 3})", "vision_config: must be an object");
  expect_error_with("\"num_maskmem\": 7", "\"num_maskmem\": \"7\"", "num_maskmem: must be an integer");
  expect_error_with("\"num_maskmem\": 7", "\"num_maskmem\": 7.5", "num_maskmem: must be an integer");
  expect_error_with("\"num_maskmem\": 7", "\"num_maskmem\": 1e300", "num_maskmem: must be an integer");
  expect_error_with("\"num_maskmem\": 7", "\"num_maskmem\": -1", "num_maskmem");
  expect_error_with("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\"", "hidden_act: relu given, only gelu");
  expect_error_with("\"fpn_kernel_size\": 1", "\"fpn_kernel_size\": 3", "vision_config.fpn_kernel_size: 3 given");
  expect_error_with("\"mask_input_channels\": 16", "\"mask_input_channels\": 8", "mask_input_channels: 8 given");
  expect_error_with("\"multimask_output_in_sam\": true", "\"multimask_output_in_sam\": 1", "must be true or false");
  expect_error_with("\"memory_fuser_intermediate_dim\": 256", "\"memory_fuser_intermediate_dim\": 255",
                    "memory_fuser_intermediate_dim: 255 given");
}

}  // namespace
}  // namespace samc
