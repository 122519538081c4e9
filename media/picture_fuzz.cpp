#include <cstddef>
#include <cstdint>
#include <span>

#include "media/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMostPixels = 1 << 20;  // the fuzzer's memory and time are short
  samc::ImageSource source;
  const auto image = samc::decode_image(std::as_bytes(std::span(data, size)), &source, kMostPixels);
  if (image.is_ok()) SAMC_CHECK(!image.value().rgb.empty(), "an image without pixels");
  return 0;
}
