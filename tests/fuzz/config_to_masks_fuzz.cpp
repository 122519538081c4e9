// Any architecture from checkpoint to masks: the first bytes of the input are an official-format YAML, those after it
// change some of its numbers, some weights, and say what is segmented. The checkpoint is made to fit the config that
// was read, so that an unusual config goes all the way: recognised, built, compiled, loaded, run.

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "checkpoint/test_support.h"
#include "model/config.h"
#include "model/recognise.h"
#include "runtime/image_predictor.h"
#include "targets/cpu/compile_model.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/support/hash_weights.h"

namespace {

using samc::Shape;
using samc::Tensor;

// What fits in the fuzzer's time.
constexpr int64_t kLargestImage = 128;
constexpr int64_t kMostBlocks = 8;
constexpr int64_t kMostWeights = int64_t{1} << 21;

// Replaces the last number of one line: configs that still parse are what is wanted.
void change_a_number(std::string& yaml, FuzzedDataProvider& input) {
  std::vector<size_t> ends;  // one past the last digit of each line that has one
  for (size_t start = 0; start < yaml.size();) {
    const size_t line_end = std::min(yaml.find('\n', start), yaml.size());
    const size_t digit = yaml.find_last_of("0123456789", line_end);
    if (digit != std::string::npos && digit >= start && digit < line_end) ends.push_back(digit + 1);
    start = line_end + 1;
  }
  if (ends.empty()) return;
  const size_t end = ends[input.ConsumeIntegralInRange<size_t>(0, ends.size() - 1)];
  size_t start = end;
  while (start > 0 && yaml[start - 1] >= '0' && yaml[start - 1] <= '9') --start;
  const int value = input.ConsumeIntegralInRange(0, 40);
  yaml.replace(start, end - start, std::to_string(input.ConsumeBool() ? value : 8 * value));
}

bool is_small(const samc::ModelConfig& config, const std::vector<samc::TensorSpec>& tensors) {
  if (config.image_size > kLargestImage || config.trunk.depth() > kMostBlocks) return false;
  int64_t weights = 0;
  for (const samc::TensorSpec& tensor : tensors) {
    int64_t count = 1;
    for (const int64_t extent : tensor.shape) {
      if (extent > kMostWeights || count > kMostWeights) return false;
      count *= extent;
    }
    weights += count;
  }
  return weights <= kMostWeights;
}

std::vector<samc::test::NamedTensor> make_weights(const std::vector<samc::TensorSpec>& specs,
                                                  FuzzedDataProvider& input) {
  std::vector<samc::test::NamedTensor> tensors;
  for (const samc::TensorSpec& spec : specs)
    tensors.push_back({spec.name, samc::test::hash_weights(spec.name, spec.shape)});
  const int changes = input.ConsumeIntegralInRange(0, 8);
  for (int i = 0; i < changes && !tensors.empty(); ++i) {
    Tensor& tensor = tensors[input.ConsumeIntegralInRange<size_t>(0, tensors.size() - 1)].tensor;
    if (tensor.count() == 0) continue;
    const auto element = input.ConsumeIntegralInRange<size_t>(0, static_cast<size_t>(tensor.count()) - 1);
    tensor.f32()[element] = std::bit_cast<float>(input.ConsumeIntegral<uint32_t>());
  }
  return tensors;
}

void segment(const std::shared_ptr<samc::Module>& module, FuzzedDataProvider& input) {
  samc::PredictorOptions options;
  options.threads = 1;
  auto predictor = samc::ImagePredictor::create(module, options);
  SAMC_CHECK(predictor.is_ok(), "a module that was compiled is no image model: {}", predictor.status().to_string());
  constexpr int64_t kWidth = 9, kHeight = 7;
  std::vector<uint8_t> pixels(static_cast<size_t>(kWidth * kHeight * 3));
  for (uint8_t& value : pixels) value = input.ConsumeIntegral<uint8_t>();
  if (!predictor.value().set_image({pixels.data(), kWidth, kHeight, kWidth * 3}).is_ok()) return;
  samc::ObjectPrompt prompt;
  const int points = input.ConsumeIntegralInRange(0, 14);  // on both sides of where the decoder for few points ends
  for (int i = 0; i < points; ++i)
    prompt.points.push_back({static_cast<float>(input.ConsumeIntegralInRange(-2, 11)),
                             static_cast<float>(input.ConsumeIntegralInRange(-2, 9)),
                             input.ConsumeIntegralInRange(0, 1)});
  const auto prediction = predictor.value().predict(prompt);
  if (!prediction.is_ok()) return;
  SAMC_CHECK(prediction.value().masks.shape() == (Shape{1, 3, kHeight, kWidth}), "masks of {}",
             samc::shape_to_string(prediction.value().masks.shape()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const samc::FuzzFolder folder;
  // A zero byte ends the YAML.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\0'), size);
  std::string yaml(text.substr(0, end));
  FuzzedDataProvider input(data + end, size - end);
  const int changes = input.ConsumeIntegralInRange(0, 4);
  for (int i = 0; i < changes; ++i) change_a_number(yaml, input);

  const auto config = samc::parse_config(yaml, "fuzz");
  if (!config.is_ok()) return 0;
  const std::vector<samc::TensorSpec> specs = samc::expected_tensors(config.value());
  if (!is_small(config.value(), specs)) return 0;
  const std::string checkpoint = folder.file("fuzz.pt"), module_path = folder.file("fuzz.samc");
  folder.put("fuzz.yaml", yaml.data(), yaml.size());
  SAMC_CHECK(samc::test::write_test_checkpoint(checkpoint, make_weights(specs, input)).is_ok(), "cannot write");
  samc::CompileOptions options;
  options.model = checkpoint;
  options.config = folder.file("fuzz.yaml");
  const auto report = samc::compile_model(options, module_path);
  if (!report.is_ok()) return 0;
  const auto module = samc::Module::load(module_path);
  SAMC_CHECK(module.is_ok(), "a module that was compiled does not load: {}", module.status().to_string());
  segment(module.value(), input);
  return 0;
}
