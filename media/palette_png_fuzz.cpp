#include <cstddef>
#include <cstdint>
#include <span>

#include "media/palette_png.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int64_t kMostPixels = 1 << 20;  // the fuzzer's memory and time are short
  const auto image = samc::decode_palette_png(std::as_bytes(std::span(data, size)), kMostPixels);
  if (image.is_ok())
    SAMC_CHECK(image.value().indices.size() ==
                   static_cast<size_t>(image.value().width) * static_cast<size_t>(image.value().height),
               "indices that do not fill the image");
  return 0;
}
