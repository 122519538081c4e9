// Any bytes as a .safetensors file, and as the index of several: either an error, or tensors that can all be read.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/guard.h"
#include "checkpoint/stored_tensors.h"

namespace {

samc::Status read(std::span<const std::byte> bytes) {
  SAMC_ASSIGN(const samc::StoredTensors stored, samc::read_safetensors(bytes));
  for (const samc::CheckpointTensor& tensor : stored.tensors) {
    samc::Tensor values(tensor.shape);
    samc::convert_to_f32(tensor, values.f32());
  }
  return samc::Status::ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  (void)samc::guarded([&] { return read(bytes); });
  (void)samc::guarded([&]() -> samc::Status {
    SAMC_ASSIGN(const samc::ShardIndex index, samc::parse_shard_index({reinterpret_cast<const char*>(data), size}));
    for (const auto& [name, part] : index.tensors) SAMC_CHECK(part < index.files.size(), "{} is in no file", name);
    return samc::Status::ok();
  });
  return 0;
}
