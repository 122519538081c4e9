#include <cstddef>
#include <cstdint>
#include <span>

#include "media/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  static_cast<void>(samc::Npz::parse(bytes));
  static_cast<void>(samc::parse_npy(bytes));
  return 0;
}
