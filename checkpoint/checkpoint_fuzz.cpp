// Any bytes as a checkpoint: either an error, or tensors that can all be read.

#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/files.h"
#include "checkpoint/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = "/tmp/samc_checkpoint_fuzz_" + std::to_string(::getpid()) + ".pt";
  if (!samc::write_file(path, data, size).is_ok()) return 0;
  const samc::Result<samc::Checkpoint> checkpoint = samc::Checkpoint::open(path);
  ::unlink(path.c_str());
  if (!checkpoint.is_ok()) return 0;
  for (const samc::CheckpointTensor& tensor : checkpoint.value().tensors()) {
    (void)checkpoint.value().read_f32(tensor);
    (void)checkpoint.value().read(tensor);
  }
  (void)checkpoint.value().find_non_finite(8);
  return 0;
}
