#include "tests/support/calibration_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace samc::test {

Image cropped(const Image& whole, double left, double top, double part) {
  const int x = static_cast<int>(left * whole.width), y = static_cast<int>(top * whole.height);
  Image crop(static_cast<int>(part * whole.width), static_cast<int>(part * whole.height));
  for (int row = 0; row < crop.height; ++row) std::copy_n(whole.row(y + row) + 3 * x, 3 * crop.width, crop.row(row));
  return crop;
}

Status write_calibration_images(const std::string& folder) {
  namespace fs = std::filesystem;
  const std::string images = SAMC_SOURCE_DIR "/tests/data/images/";
  std::error_code error;
  for (int i = 0; i < 10 && !error; ++i)
    fs::copy_file(fmt::format("{}bedroom/{:05}.jpg", images, i), fmt::format("{}/bedroom_{}.jpg", folder, i), error);
  if (error) return io_error(fmt::format("cannot copy images to {}: {}", folder, error.message()));
  SAMC_ASSIGN(const Image truck, read_image(images + "truck.jpg"));
  int number = 0;
  for (const auto& [left, top, part] : {std::array{0.0, 0.0, 1.0},
                                        {0.0, 0.0, 0.6},
                                        {0.4, 0.0, 0.6},
                                        {0.0, 0.4, 0.6},
                                        {0.4, 0.4, 0.6},
                                        {0.25, 0.25, 0.5}})
    SAMC_TRY(write_png(fmt::format("{}/truck_{}.png", folder, number++), cropped(truck, left, top, part)));
  return Status::ok();
}

}  // namespace samc::test
