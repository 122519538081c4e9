#include "targets/sophgo/device/placed_bank.h"

#include <algorithm>

#include "base/check.h"
#include "package/model_names.h"

namespace samc::sophgo {

NamedTensors place_bank(const MemoryBank& bank, const BankPlaces& places) {
  const auto memories = static_cast<int64_t>(bank.memories.size());
  const auto pointers = static_cast<int64_t>(bank.pointers.size());
  SAMC_CHECK(memories > 0 && memories <= places.memories && pointers <= places.pointers, "{} memories, {} pointers",
             memories, pointers);
  Tensor memory = Tensor::zeros({1, places.memories * places.positions, places.memory_channels});
  Tensor memory_times = Tensor::zeros({1, places.memories}), memory_present = Tensor::zeros({1, places.memories});
  auto to = memory.f32().begin();
  for (size_t i = 0; i < bank.memories.size(); ++i) {
    to = std::ranges::transform(bank.memories[i].features->as<uint16_t>(), to, bf16_to_f32).out;
    memory_times.f32()[i] = static_cast<float>(bank.memories[i].time);
    memory_present.f32()[i] = 1;
  }
  Tensor object_pointers = Tensor::zeros({1, places.pointers, places.channels});
  Tensor pointer_times = Tensor::zeros({1, places.pointers}), pointer_present = Tensor::zeros({1, places.pointers});
  to = object_pointers.f32().begin();
  for (size_t i = 0; i < bank.pointers.size(); ++i) {
    to = std::ranges::copy(bank.pointers[i].pointer->f32(), to).out;
    pointer_times.f32()[i] = bank.pointers[i].time;
    pointer_present.f32()[i] = 1;
  }
  NamedTensors inputs;
  inputs[kMemory] = std::move(memory);
  inputs[kMemoryTimes] = std::move(memory_times);
  inputs[kMemoryPresent] = std::move(memory_present);
  inputs[kObjectPointers] = std::move(object_pointers);
  inputs[kPointerPresent] = std::move(pointer_present);
  if (places.has_pointer_times) inputs[kPointerTimes] = std::move(pointer_times);
  return inputs;
}

}  // namespace samc::sophgo
