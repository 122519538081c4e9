#pragma once
// What an object is tracked with, as a memory attention of fixed shapes takes it: memories and pointers in the first
// places, the others not counting.

#include <cstdint>

#include "base/named_tensors.h"
#include "runtime/video_model.h"

namespace samc::sophgo {

struct BankPlaces {
  int64_t memories = 0, pointers = 0;  // places
  int64_t positions = 0;               // h w
  int64_t memory_channels = 0;         // M
  int64_t channels = 0;                // C
  bool has_pointer_times = true;
};

// memory (1, memories h w, M), memory_times, memory_present (1, memories), object_pointers (1, pointers, C),
// pointer_times, pointer_present (1, pointers), all f32. The bank has at least one memory, and fits.
NamedTensors place_bank(const MemoryBank& bank, const BankPlaces& places);

}  // namespace samc::sophgo
