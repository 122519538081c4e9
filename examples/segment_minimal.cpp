// Segments what lies at one point of a picture, with libsamc_runtime alone:
//   segment_minimal model.samc picture.jpg X Y mask.png

#include <cstdio>
#include <cstdlib>

#include "samc/media/image.h"
#include "samc/runtime/image_predictor.h"

int main(int argc, char** argv) {
  if (argc != 6) return std::fprintf(stderr, "usage: segment_minimal model.samc image.jpg X Y mask.png\n"), 2;
  const auto run = [&]() -> samc::Status {
    SAMC_ASSIGN(const samc::Image picture, samc::read_image(argv[2]));
    SAMC_ASSIGN(const auto module, samc::Module::load(argv[1]));
    SAMC_ASSIGN(auto predictor, samc::ImagePredictor::create(module));
    SAMC_TRY(predictor.set_image(picture));

    samc::ObjectPrompt prompt;
    prompt.points = {{std::strtof(argv[3], nullptr), std::strtof(argv[4], nullptr), 1}};
    SAMC_ASSIGN(samc::Prediction result, predictor.predict(prompt, {.multimask_output = false}));

    auto mask = result.masks.as<uint8_t>();  // (1, 1, height, width) of 0 and 1
    for (uint8_t& pixel : mask) pixel = pixel != 0 ? 255 : 0;
    std::printf("predicted IoU %.3f\n", static_cast<double>(result.iou_predictions.f32()[0]));
    return samc::write_png_grey(argv[5], picture.width, picture.height, mask);
  };
  const samc::Status status = run();
  if (!status.is_ok()) std::fprintf(stderr, "segment_minimal: %s\n", status.to_string().c_str());
  return status.is_ok() ? 0 : 1;
}
