// Any bytes as an image file, then any prompts on it: an error or masks of the image's size. The last bytes of the
// input are the prompts, those before them the file, so that an image file as it is makes a seed.

#include <fuzzer/FuzzedDataProvider.h>

#include "media/image.h"
#include "tests/fuzz/tiny_predictor.h"

namespace {

samc::ObjectPrompt any_prompt(FuzzedDataProvider& input) {
  samc::ObjectPrompt prompt;
  const int points = input.ConsumeIntegralInRange(0, 6);
  for (int i = 0; i < points; ++i)
    prompt.points.push_back(
        {input.ConsumeFloatingPoint<float>(), input.ConsumeFloatingPoint<float>(), input.ConsumeIntegral<int8_t>()});
  if (input.ConsumeBool())
    prompt.box = samc::BoxPrompt{input.ConsumeFloatingPoint<float>(), input.ConsumeFloatingPoint<float>(),
                                 input.ConsumeFloatingPoint<float>(), input.ConsumeFloatingPoint<float>()};
  return prompt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMostPixels = 1 << 16;  // masks of every size are made: the fuzzer's time is short
  static samc::ImagePredictor predictor = samc::make_tiny_predictor({.max_hole_area = 2, .max_sprinkle_area = 2});
  FuzzedDataProvider input(data, size);
  const samc::ObjectPrompt prompt = any_prompt(input);
  samc::PredictOptions options;
  options.multimask_output = input.ConsumeBool();
  options.return_logits = input.ConsumeBool();
  options.normalize_coords = input.ConsumeBool();
  const std::vector<uint8_t> file = input.ConsumeRemainingBytes<uint8_t>();
  const auto image = samc::decode_image(std::as_bytes(std::span(file)), nullptr, kMostPixels);
  if (!image.is_ok()) return 0;
  const samc::Status set = predictor.set_image(image.value());
  SAMC_CHECK(set.is_ok(), "an image that was read is refused: {}", set.to_string());
  const auto prediction = predictor.predict(prompt, options);
  if (!prediction.is_ok()) return 0;
  const samc::Shape& shape = prediction.value().masks.shape();
  SAMC_CHECK(shape.size() == 4 && shape[2] == image.value().height && shape[3] == image.value().width,
             "masks of {} for {} x {}", samc::shape_to_string(shape), image.value().width, image.value().height);
  return 0;
}
