#include "targets/sophgo/device/bmodel.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto model = samc::sophgo::Bmodel::parse({reinterpret_cast<const std::byte*>(data), size});
  if (model.is_ok())
    for (const auto& network : model.value().networks) samc::sophgo::bmodel_address_mode_name(network.address_mode);
  return 0;
}
