#pragma once
// What every kernel gets beside its parameters and pointers: the threads to run on and memory of its own.

#include <cstddef>
#include <memory>
#include <vector>

#include "base/cpu_features.h"
#include "base/tensor.h"
#include "base/thread_pool.h"

namespace samc {

// Scratch memory, one block a worker, grown on demand and kept from call to call. 64-byte aligned.
class Scratch {
 public:
  explicit Scratch(int workers) : blocks_(static_cast<size_t>(workers)) {}

  float* floats(int worker, size_t count) {
    Tensor& block = blocks_[static_cast<size_t>(worker)];
    if (block.empty() || static_cast<size_t>(block.count()) < count) block = Tensor({static_cast<int64_t>(count)});
    return block.f32().data();
  }
  size_t bytes() const {
    size_t total = 0;
    for (const Tensor& block : blocks_) total += block.empty() ? 0 : static_cast<size_t>(block.bytes());
    return total;
  }

 private:
  std::vector<Tensor> blocks_;
};

struct KernelContext {
  ThreadPool& pool;
  Scratch& scratch;  // one block for each of pool's workers
  Isa isa;           // the best set that kernels may use; choose_isa() gives it
};

}  // namespace samc
