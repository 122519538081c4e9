// Any bytes as a .samc file: read, bound, and, where that takes little memory and time, run. Checksums would stop
// nearly all inputs at the door, so they are made right first when the first byte is odd (as that of a module is).

#include <cstdlib>
#include <cstring>
#include <memory>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "package/format.h"
#include "package/reader.h"
#include "runtime/testing_models.h"

namespace {

void make_checksums_right(std::byte* bytes, size_t size) {
  using namespace samc;
  constexpr size_t kStart = sizeof(ModuleHeader) + sizeof(SectionEntry) * kSectionOrder.size();
  if (size < kStart) return;
  ModuleHeader header;
  std::memcpy(&header, bytes, sizeof(header));
  header.magic = kModuleMagic;
  header.version = kModuleVersion;
  header.section_count = kSectionOrder.size();
  header.file_bytes = size;
  header.checksum = 0;
  std::memcpy(bytes, &header, sizeof(header));
  for (size_t index = 0; index < kSectionOrder.size(); ++index) {
    std::byte* place = bytes + sizeof(header) + index * sizeof(SectionEntry);
    SectionEntry entry;
    std::memcpy(&entry, place, sizeof(entry));
    if (entry.offset > size || entry.bytes > size - entry.offset) return;
    entry.checksum = kSectionOrder[index] == SectionKind::kWeights ? 0 : XXH3_64bits(bytes + entry.offset, entry.bytes);
    std::memcpy(place, &entry, sizeof(entry));
  }
  header.checksum = XXH3_64bits(bytes, kStart);
  std::memcpy(bytes, &header, sizeof(header));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const bool repair = (data[0] & 1) != 0;
  std::shared_ptr<void> memory(std::aligned_alloc(64, (size / 64 + 1) * 64), std::free);
  auto* bytes = static_cast<std::byte*>(memory.get());
  std::memcpy(bytes, data, size);
  if (repair) make_checksums_right(bytes, size);
  auto plan = samc::read_module_bytes({bytes, size}, memory, "input", {!repair, nullptr});
  if (!plan.is_ok()) return 0;
  const auto module = samc::Module::from_plan(std::move(plan).value());
  if (!module.is_ok()) return 0;
  samc::run_what_is_small(module.value());
  return 0;
}
