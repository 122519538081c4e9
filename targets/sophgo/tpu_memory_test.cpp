// The memory attention and the memory encoder as bmodels, in the simulators, against the CPU target. Skipped where
// there is no tpuc-opt.

#include "targets/sophgo/tpu_fixture.h"
#include "targets/sophgo/video_fixture.h"

namespace samc::sophgo {
namespace {

constexpr double kCosine = 0.999;  // in F16

class Memory : public TpuTest {
 protected:
  static void SetUpTestSuite() {
    TpuTest::SetUpTestSuite();
    if (has_tools()) processor_ = pico_on_processor(file("pico.samc"));
  }
  static void TearDownTestSuite() {
    processor_.reset();
    TpuTest::TearDownTestSuite();
  }

  // One, three and seven memories through the same bmodel.
  static void expect_attention(TransformOptions options, const std::string& chip, int cores = 1) {
    options.memory.cores = cores;
    options.model_name += fmt::format("_{}_{}", cores, options.memory.exponentials);
    ASSERT_NE(transformed(options), nullptr);
    const std::string bmodel = deployed(options.model_name, chip, "F16", cores);
    if (HasFailure()) return;
    const FrameFeatures features = wave_features();
    for (const auto& [memories, pointers] : {std::pair<int64_t, int64_t>{1, 1}, {3, 3}, {7, 16}}) {
      const WaveBank given(memories, pointers);
      NamedTensors wanted;
      ASSERT_TRUE(processor_->attend(features, given.bank, wanted[kImageEmbed]).is_ok());
      const auto outputs = simulated(bmodel, chip, views_of(attention_inputs(features, given.bank)));
      ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
      expect_near(wanted, outputs.value(), kCosine,
                  fmt::format("{} {} {} memories", options.model_name, chip, memories));
    }
  }

  static inline std::unique_ptr<VideoModel> processor_;
};

TEST_F(Memory, PlainAttention) { expect_attention(pico_attention(MemoryForm::kPlain), "bm1688"); }

TEST_F(Memory, AttentionByMaximum) {
  for (const char* chip : {"bm1688", "bm1684x"}) expect_attention(pico_attention(MemoryForm::kMaximum), chip);
}

TEST_F(Memory, DealtAttention) {
  for (const char* chip : {"bm1688", "bm1684x"}) expect_attention(pico_attention(MemoryForm::kDealt), chip);
  expect_attention(pico_attention(MemoryForm::kDealt), "bm1688", 2);
}

TEST_F(Memory, DealtAttentionWithExponentialsInBf16) {
  TransformOptions options = pico_attention(MemoryForm::kDealt);
  options.memory.exponentials = "BF16";
  expect_attention(options, "bm1688");
  // tpuc-opt 1.30.2 aborts at a cast from F16 to BF16 on the other chip.
  DeployOptions refused;
  refused.mlir = mlir(options.model_name + "_1_BF16");
  refused.output = file("refused.bmodel");
  refused.chip = "bm1684x";
  const Status status = deploy(refused).status();
  EXPECT_NE(status.to_string().find("--exponentials F32"), std::string::npos) << status.to_string();
}

TEST_F(Memory, Encoder) {
  const TransformOptions options = pico_part(ModelPart::kMemoryEncoder);
  ASSERT_NE(transformed(options), nullptr);
  const FrameFeatures features = wave_features();
  Tensor mask = waves({1, 1, 256, 256}, 0.17);
  for (const char* chip : {"bm1688", "bm1684x"}) {
    const std::string bmodel = deployed(options.model_name, chip, "F16");
    if (HasFailure()) return;
    // Logits of a tracked frame, and those of a prompted one, which are 1 or 0 behind the sigmoid.
    for (const auto& [scale, number] : {std::pair{8.0f, 3.0f}, {kCertainLogit, -3.0f}}) {
      Tensor logits = Tensor::copy_of(mask.view());
      for (float& value : logits.f32()) value = scale == kCertainLogit ? std::copysign(scale, value) : scale * value;
      const Tensor score = Tensor::copy_of({DType::kF32, {1, 1}, &number});
      Tensor rounded;
      ASSERT_TRUE(processor_->encode_memory(features, logits.view(), score.view(), rounded).is_ok());
      NamedTensors wanted;
      Tensor& memory = wanted[kMemory] = Tensor(rounded.shape());
      std::ranges::transform(rounded.as<uint16_t>(), memory.f32().begin(), bf16_to_f32);
      const auto outputs = simulated(bmodel, chip,
                                     {{kVisionFeatures, features.vision_features.view()},
                                      {kMaskLogits, logits.view()},
                                      {kObjectScore, score.view()}});
      ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
      expect_near(wanted, outputs.value(), kCosine, fmt::format("memory encoder {} {}", chip, scale));
    }
  }
}

}  // namespace
}  // namespace samc::sophgo
