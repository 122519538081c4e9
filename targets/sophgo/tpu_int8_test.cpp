// INT8 with tables of our own through tpuc-opt and the simulator: the encoder's outputs against f32 on a picture that
// it was not calibrated on. Skipped where there is no tpuc-opt.

#include "base/files.h"
#include "media/image.h"
#include "runtime/preprocess.h"
#include "targets/sophgo/calibrate/calibrate.h"
#include "targets/sophgo/tpu_fixture.h"

namespace samc::sophgo {
namespace {

constexpr double kCosine = 0.9985;

class Int8 : public TpuTest {
 protected:
  static NamedTensors picture(const std::string& file, int64_t size, ThreadPool& pool) {
    const auto image = read_image(std::string(SAMC_SOURCE_DIR) + "/tests/data/images/" + file);
    EXPECT_TRUE(image.is_ok());
    constexpr float kMean[] = {0.485f, 0.456f, 0.406f}, kStd[] = {0.229f, 0.224f, 0.225f};
    NamedTensors inputs;
    Tensor& tensor = inputs["image"] = Tensor({1, 3, size, size});
    preprocess_image(RgbView(image.value()), size, kMean, kStd, pool, tensor.f32());
    return inputs;
  }
};

TEST_F(Int8, TablesOfOurOwnThroughTpucOptAndTheSimulator) {
  ThreadPool pool(2);
  TransformOptions options;
  options.model_name = "encoder";
  options.model = kPico + "pico.pt";
  options.part = ModelPart::kEncoder;
  ASSERT_NE(transformed(options), nullptr);
  const auto model = TransformedModel::read(mlir("encoder"));
  ASSERT_TRUE(model.is_ok());
  auto part = PartCalibration::make(*model.value(), pool);
  ASSERT_TRUE(part.is_ok());
  const int64_t size = model.value()->inputs()[0].shape.back();
  std::vector<NamedTensors> samples;
  for (const char* name : {"bedroom/00000.jpg", "groceries.jpg"}) {
    samples.push_back(picture(name, size, pool));
    ASSERT_TRUE(part.value()->add(samples.back()).is_ok());
  }
  const auto table = part.value()->table({});
  const auto mix = part.value()->find_mix(samples, table, 0.0008, [](const std::string&) {});
  ASSERT_TRUE(mix.is_ok());
  EXPECT_GT(mix.value().outputs.size(), 0u);
  ASSERT_TRUE(write_file(file("calibration"), print_calibration_table({table}, {})).is_ok());
  ASSERT_TRUE(write_file(file("modes"), print_quantize_table({mix.value().table}, {})).is_ok());

  const NamedTensors other = picture("truck.jpg", size, pool);
  const auto reference = model.value()->run(views_of(other), &pool);
  ASSERT_TRUE(reference.is_ok());
  for (const char* chip : {"bm1688", "bm1684x"}) {
    DeployOptions deploy;
    deploy.chip = chip;
    deploy.quantize = "INT8";
    deploy.calibration_table = file("calibration");
    deploy.quantize_table = file("modes");
    const auto outputs = simulated(deployed("encoder", deploy), chip, views_of(other));
    ASSERT_TRUE(outputs.is_ok()) << outputs.status().to_string();
    expect_near(reference.value(), outputs.value(), kCosine, chip);
  }
}

}  // namespace
}  // namespace samc::sophgo
