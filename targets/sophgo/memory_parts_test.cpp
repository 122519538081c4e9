// The memory attention in each of its forms and the memory encoder, in the interpreter, against the CPU target.

#include <gtest/gtest.h>

#include "base/files.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "targets/sophgo/device/similarity.h"
#include "targets/sophgo/video_fixture.h"

namespace samc::sophgo {
namespace {

constexpr double kTolerance = 1e-4;  // of values around 1

NamedViews views_of(const NamedTensors& tensors) {
  NamedViews views;
  for (const auto& [name, tensor] : tensors) views[name] = tensor.view();
  return views;
}

class MemoryParts : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TestFolder>();
    processor_ = pico_on_processor(folder_->path("pico.samc"));
  }
  static void TearDownTestSuite() {
    processor_.reset();
    folder_.reset();
  }

  static std::unique_ptr<TransformedModel> made(const TransformOptions& options) {
    auto model = TransformedModel::make(options);
    EXPECT_TRUE(model.is_ok()) << model.status().to_string();
    return model.is_ok() ? std::move(model).value() : nullptr;
  }

  static void expect_equal(const Tensor& wanted, const TransformedModel& model, const NamedTensors& inputs,
                           const std::string& output, const std::string& what) {
    const auto outputs = model.run(views_of(inputs), &processor_->pool());
    ASSERT_TRUE(outputs.is_ok()) << what << ": " << outputs.status().to_string();
    const Similarity similarity = compare(wanted.view(), outputs.value().at(output).view());
    EXPECT_LT(similarity.largest_difference, kTolerance) << what;
    EXPECT_GT(similarity.cosine, 1 - 1e-9) << what;
  }

  static inline std::unique_ptr<TestFolder> folder_;
  static inline std::unique_ptr<VideoModel> processor_;
};

TEST_F(MemoryParts, AttentionWithPlacesIsThatOfEachBank) {
  const FrameFeatures features = wave_features();
  for (const MemoryForm form : {MemoryForm::kPlain, MemoryForm::kMaximum, MemoryForm::kDealt}) {
    const auto model = made(pico_attention(form));
    ASSERT_NE(model, nullptr);
    for (const auto& [memories, pointers] : {std::pair<int64_t, int64_t>{1, 1}, {3, 2}, {2, 0}, {7, 16}}) {
      const WaveBank given(memories, pointers);
      Tensor wanted;
      ASSERT_TRUE(processor_->attend(features, given.bank, wanted).is_ok());
      const std::string what = fmt::format("{}, {} memories, {} pointers", memory_form_name(form), memories, pointers);
      NamedTensors inputs = attention_inputs(features, given.bank);
      expect_equal(wanted, *model, inputs, kImageEmbed, what);
      if (memories == 7) continue;
      // What stands in a place that is not used does not count.
      std::ranges::fill(inputs[kMemory].f32().subspan(static_cast<size_t>(memories * 256 * 16)), 0.75f);
      std::ranges::fill(inputs[kObjectPointers].f32().subspan(static_cast<size_t>(pointers * 64)), -0.5f);
      expect_equal(wanted, *model, inputs, kImageEmbed, what + ", others filled");
      // And is there when it is said to be.
      inputs[kMemoryPresent].f32()[6] = 1;
      const auto more = model->run(views_of(inputs), nullptr);
      ASSERT_TRUE(more.is_ok());
      EXPECT_GT(compare(wanted.view(), more.value().at(kImageEmbed).view()).largest_difference, 1e-3) << what;
    }
  }
}

TEST_F(MemoryParts, EncoderIsTheProcessors) {
  const auto model = made(pico_part(ModelPart::kMemoryEncoder));
  ASSERT_NE(model, nullptr);
  const FrameFeatures features = wave_features();
  Tensor mask = waves({1, 1, 256, 256}, 0.17);
  for (float& value : mask.f32()) value *= 8;
  for (const float number : {3.0f, -3.0f}) {
    const Tensor score = Tensor::copy_of({DType::kF32, {1, 1}, &number});
    Tensor wanted;
    ASSERT_TRUE(processor_->encode_memory(features, mask.view(), score.view(), wanted).is_ok());
    const auto outputs = model->run(
        {{kVisionFeatures, features.vision_features.view()}, {kMaskLogits, mask.view()}, {kObjectScore, score.view()}},
        nullptr);
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    Tensor rounded(wanted.shape());
    std::ranges::transform(wanted.as<uint16_t>(), rounded.f32().begin(), bf16_to_f32);
    const Similarity similarity = compare(rounded.view(), outputs.value().at(kMemory).view());
    EXPECT_GT(similarity.cosine, 1 - 1e-5) << number;
    const std::span<const float> given = outputs.value().at(kMemory).f32();
    for (size_t i = 0; i < given.size(); ++i)  // but for rounding to bf16
      ASSERT_NEAR(given[i], rounded.f32()[i], 1e-4 + std::abs(given[i]) / 256) << number << " at " << i;
  }
}

// The parts of an image model have outputs more for tracking, behind the same others.
TEST_F(MemoryParts, EncoderAndDecoderForVideoGiveMore) {
  for (const auto& [part, more] :
       {std::pair{ModelPart::kEncoder, kVisionFeatures}, {ModelPart::kDecoder, kMaskTokens}}) {
    TransformOptions options = pico_part(part);
    const auto without = made(options);
    options.for_video = true;
    const auto with = made(options);
    ASSERT_TRUE(without != nullptr && with != nullptr);
    std::vector<std::string> names, more_names;
    for (const NamedShape& output : without->outputs()) names.push_back(output.name);
    for (const NamedShape& output : with->outputs()) more_names.push_back(output.name);
    names.push_back(more);
    EXPECT_EQ(more_names, names);
    NamedTensors inputs;
    for (const NamedShape& input : without->inputs()) inputs[input.name] = waves(input.shape, 0.29);
    const auto a = without->run(views_of(inputs), nullptr);
    auto b = with->run(views_of(inputs), nullptr);
    ASSERT_TRUE(a.is_ok() && b.is_ok());
    EXPECT_EQ(b.value().at(more).count(), part == ModelPart::kEncoder ? 64 * 16 * 16 : 4 * 64);
    b.value().erase(more);
    const auto list = compare_outputs(a.value(), b.value());
    ASSERT_TRUE(list.is_ok()) << list.status().to_string();
    for (const auto& output : list.value()) EXPECT_LT(output.similarity.largest_difference, 1e-5) << output.name;
  }
}

// What an ordinary softmax needs is in 16 bits; exponentials without a shift are not, nor what is made of them.
TEST_F(MemoryParts, OnlyTheDealtFormNeedsOtherPrecisions) {
  EXPECT_TRUE(made(pico_attention(MemoryForm::kPlain))->quantize_lines().empty());
  EXPECT_TRUE(made(pico_attention(MemoryForm::kMaximum))->quantize_lines().empty());
  EXPECT_TRUE(made(pico_part(ModelPart::kMemoryEncoder))->quantize_lines().empty());
  const auto dealt = made(pico_attention(MemoryForm::kDealt));
  std::map<std::string, std::string> modes;
  for (const QuantizeLine& line : dealt->quantize_lines()) modes[line.name] = line.mode;
  mlir::func::FuncOp function = dealt->function();
  int exponentials = 0, sums = 0;
  function.walk([&](top::ExpOp op) {
    ++exponentials;
    EXPECT_EQ(modes[name_of(op.getOutput())], "F32");
    EXPECT_EQ(modes[name_of((*op.getOutput().getUsers().begin())->getResult(0))], "BF16");
  });
  function.walk([&](top::ReduceOp op) {
    ++sums;
    EXPECT_EQ(modes[name_of(op.getOutput())], "F32");
  });
  function.walk([&](top::ReciprocalOp op) { EXPECT_EQ(modes[name_of(op.getOutput())], "F32"); });
  function.walk([&](top::SoftmaxOp op) { EXPECT_EQ(modes.count(name_of(op.getOutput())), 0u); });
  EXPECT_EQ(exponentials, 4);
  EXPECT_EQ(sums, 4);
}

// The table goes where deploy() looks for it, and goes away with the form that needs it.
TEST_F(MemoryParts, TheTableLiesBesideTheModel) {
  const std::string path = folder_->path("attention.mlir");
  ASSERT_TRUE(made(pico_attention(MemoryForm::kDealt))->write(path).is_ok());
  EXPECT_TRUE(has_table_beside(path));
  const std::string text = read_text_file(table_beside(path), size_t{1} << 20).value();
  const auto table = parse_quantize_table(text, "table");
  ASSERT_TRUE(table.is_ok()) << table.status().to_string();
  const std::string mlir = read_text_file(path, size_t{1} << 26).value();
  EXPECT_TRUE(check_quantize_table(table.value(), read_named_ops(mlir), "table").is_ok());
  const auto again = TransformedModel::read(path);
  ASSERT_TRUE(again.is_ok()) << again.status().to_string();
  ASSERT_TRUE(again.value()->write(path).is_ok());
  EXPECT_EQ(read_text_file(table_beside(path), size_t{1} << 20).value(), text);
  ASSERT_TRUE(made(pico_attention(MemoryForm::kMaximum))->write(path).is_ok());
  EXPECT_FALSE(has_table_beside(path));
  // One that somebody else put there stays, and is not taken.
  ASSERT_TRUE(write_file(table_beside(path), "a F16\n").is_ok());
  EXPECT_FALSE(has_table_beside(path));
  ASSERT_TRUE(made(pico_attention(MemoryForm::kMaximum))->write(path).is_ok());
  EXPECT_EQ(read_text_file(table_beside(path), 100).value(), "a F16\n");
}

TEST_F(MemoryParts, MistakesAreNamed) {
  TransformOptions options = pico_attention(MemoryForm::kDealt);
  options.memory.memories = 0;
  EXPECT_NE(TransformedModel::make(options).status().to_string().find("7 and 16 are what tracking"), std::string::npos);
  options.memory.memories = 1;
  options.memory.pointers = 1;
  EXPECT_TRUE(TransformedModel::make(options).is_ok());
  options.part = ModelPart::kMemoryEncoder;
  options.model = folder_->path("decoder.onnx");
  EXPECT_NE(TransformedModel::make(options).status().to_string().find("give the checkpoint"), std::string::npos);
  EXPECT_EQ(find_part("memory").status().code(), StatusCode::kUsage);
  EXPECT_EQ(find_part("memory_encoder").value(), ModelPart::kMemoryEncoder);
  EXPECT_EQ(find_memory_form("late").status().code(), StatusCode::kUsage);
}

}  // namespace
}  // namespace samc::sophgo
