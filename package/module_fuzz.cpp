// Any bytes as a .samc file. Checksums would stop nearly all of them at the door, so the input's checksums are made
// right first when its first byte is odd.

#include <cstdlib>
#include <cstring>
#include <memory>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "package/arena.h"
#include "package/format.h"
#include "package/reader.h"

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
  const auto module = samc::read_module_bytes({bytes, size}, memory, "input", {!repair, nullptr});
  if (!module.is_ok()) return 0;
  for (const samc::PlanFunction& function : module.value().functions) {
    samc::plan_arena(function, function.least_points);
    samc::plan_arena(function, function.greatest_points);
  }
  return 0;
}
