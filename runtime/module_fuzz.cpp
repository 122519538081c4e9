// Any bytes as a .samc file: read, bound, and, where that takes little memory and time, run. Checksums would stop
// nearly all inputs at the door, so they are made right first when the first byte is odd (as that of a module is).

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "package/format.h"
#include "package/reader.h"
#include "runtime/bound_function.h"
#include "runtime/executor.h"

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

constexpr double kMostArithmetic = 1e6;
constexpr int64_t kMostBytes = 1 << 20;

bool small(const samc::BoundFunction& bound) {
  double arithmetic = 0;
  for (const samc::BoundOperation& operation : bound.operations) arithmetic += operation.arithmetic;
  int64_t largest = bound.arena.bytes;
  for (const samc::Value& value : bound.function->values) largest = std::max(largest, value.bytes(bound.points));
  return arithmetic <= kMostArithmetic && largest <= kMostBytes;
}

void run_function(const std::shared_ptr<samc::Module>& module, const samc::PlanFunction& function, int64_t points) {
  const auto bound = module->bind(function.name, points);
  if (!bound.is_ok() || !small(*bound.value())) return;
  std::deque<samc::Tensor> memory;
  std::vector<samc::NamedInput> inputs;
  for (const int32_t index : function.inputs) {
    const samc::Value& value = function.values[static_cast<size_t>(index)];
    samc::Tensor& tensor = memory.emplace_back(value.dtype, value.shape_at(points));
    std::memset(tensor.data(), 0, static_cast<size_t>(tensor.bytes()));
    inputs.push_back({value.name, tensor.view()});
  }
  auto executor = samc::Executor::create(module, 1);
  if (executor.is_ok()) (void)executor.value().run(function.name, points, inputs, {});
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
  for (const samc::PlanFunction& function : module.value()->plan().functions) {
    run_function(module.value(), function, function.least_points);
    run_function(module.value(), function, std::min<int64_t>(function.least_points + 7, function.greatest_points));
  }
  return 0;
}
