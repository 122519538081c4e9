#pragma once
// pico with some of its weights multiplied, for tests of what follows from how large they are.

#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/test_support.h"

namespace samc::test {

// Writes the checkpoint `from`, every tensor whose name holds `part` multiplied. An error where none does.
inline Status write_scaled_checkpoint(const std::string& from, const std::string& to, std::string_view part,
                                      float factor) {
  SAMC_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(from));
  std::vector<NamedTensor> tensors;
  bool found = false;
  for (const CheckpointTensor& tensor : checkpoint.tensors()) {
    SAMC_ASSIGN(Tensor values, checkpoint.read_f32(tensor));
    if (tensor.name.find(part) != std::string::npos) {
      found = true;
      for (float& value : values.f32()) value *= factor;
    }
    tensors.push_back({tensor.name, std::move(values)});
  }
  if (!found) return invalid_input("no tensor's name holds " + std::string(part));
  return write_test_checkpoint(to, tensors);
}

}  // namespace samc::test
