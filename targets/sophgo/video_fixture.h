#pragma once
// For the tests of the parts that tracking needs: pico on the CPU target, and banks and features for it from formulas.

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "base/test_folder.h"
#include "base/test_waves.h"
#include "package/model_names.h"
#include "runtime/module_video_model.h"
#include "targets/cpu/compile_model.h"
#include "targets/sophgo/device/placed_bank.h"
#include "targets/sophgo/transform.h"

namespace samc::sophgo {

inline const std::string kPicoCheckpoint = std::string(SAMC_SOURCE_DIR) + "/tests/data/pico/pico.pt";
// Of pico: S = 256.
inline constexpr BankPlaces kPicoPlaces = {7, 16, 256, 16, 64, true};

inline TransformOptions pico_part(ModelPart part) {
  TransformOptions options;
  options.model_name = std::string("pico_") + part_name(part);
  options.model = kPicoCheckpoint;
  options.part = part;
  return options;
}

inline TransformOptions pico_attention(MemoryForm form) {
  TransformOptions options = pico_part(ModelPart::kMemoryAttention);
  options.memory.form = form;
  options.model_name += std::string("_") + memory_form_name(form);
  return options;
}

inline std::unique_ptr<VideoModel> pico_on_processor(const std::string& module_path) {
  CompileOptions options;
  options.model = kPicoCheckpoint;
  const auto compiled = compile_model(options, module_path);
  EXPECT_TRUE(compiled.is_ok()) << compiled.status().to_string();
  auto module = Module::load(module_path);
  EXPECT_TRUE(module.is_ok()) << module.status().to_string();
  auto model = make_video_model(std::shared_ptr<const Module>(module.value()), 0);
  EXPECT_TRUE(model.is_ok()) << model.status().to_string();
  return std::move(model).value();
}

// Memories and pointers of waves, in the order and with the times that tracking gives them.
class WaveBank {
 public:
  WaveBank(int64_t memories, int64_t pointers) {
    for (int64_t i = 0; i < memories; ++i) {
      const Tensor exact = waves({1, kPicoPlaces.positions, kPicoPlaces.memory_channels}, 0.13 + 0.07 * i);
      Tensor rounded(DType::kBF16, exact.shape());
      std::ranges::transform(exact.f32(), rounded.as<uint16_t>().begin(), f32_to_bf16);
      memories_.push_back(std::move(rounded));
    }
    for (int64_t i = 0; i < pointers; ++i) pointers_.push_back(waves({1, kPicoPlaces.channels}, 0.31 + 0.11 * i));
    for (size_t i = 0; i < memories_.size(); ++i)
      bank.memories.push_back({&memories_[i], static_cast<int64_t>(i == 0 ? 0 : 7 - i)});
    for (size_t i = 0; i < pointers_.size(); ++i)
      bank.pointers.push_back({&pointers_[i], static_cast<float>(i) / 15.0f});
  }
  WaveBank(const WaveBank&) = delete;
  WaveBank& operator=(const WaveBank&) = delete;

  MemoryBank bank;

 private:
  std::vector<Tensor> memories_, pointers_;
};

inline FrameFeatures wave_features() {
  FrameFeatures features;
  features.vision_features = waves({1, kPicoPlaces.channels, 16, 16}, 0.21);
  return features;
}

// What an attention of fixed shapes is given for them.
inline NamedTensors attention_inputs(const FrameFeatures& features, const MemoryBank& bank,
                                     const BankPlaces& places = kPicoPlaces) {
  NamedTensors inputs = place_bank(bank, places);
  inputs[kVisionFeatures] = Tensor::copy_of(features.vision_features.view());
  return inputs;
}

}  // namespace samc::sophgo
