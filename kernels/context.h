#pragma once
// What every kernel gets beside its parameters and pointers: the threads to run on and memory of its own.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/cpu_features.h"
#include "base/tensor.h"
#include "base/thread_pool.h"

namespace samc {

// Scratch memory, counted against the limit of memory (floats() and shared_floats() throw std::bad_alloc), one block a
// worker and one that they share, grown on demand and kept from call to call. 64-byte aligned.
class Scratch {
 public:
  explicit Scratch(int workers) : blocks_(static_cast<size_t>(workers) + 1) {}

  float* floats(int worker, size_t count) { return grown(blocks_[static_cast<size_t>(worker)], count); }
  // For what all workers read or fill in one kernel call. To be asked for before they begin.
  float* shared_floats(size_t count) { return grown(blocks_.back(), count); }
  size_t bytes() const {
    size_t total = 0;
    for (const Tensor& block : blocks_) total += block.empty() ? 0 : static_cast<size_t>(block.bytes());
    return total;
  }

 private:
  static float* grown(Tensor& block, size_t count) {
    if (block.empty() || static_cast<size_t>(block.count()) < count) {
      block = Tensor();  // given back first: both at once would be more than either
      block = Tensor({static_cast<int64_t>(count)});
    }
    return block.f32().data();
  }
  std::vector<Tensor> blocks_;
};

// What a product is cut into: rows of one operand, columns of the other, and how much of what is summed at a time.
struct Blocking {
  int64_t rows = 0, columns = 0, k = 0;
};

struct KernelContext {
  ThreadPool& pool;
  Scratch& scratch;  // made for as many workers as pool has
  Isa isa;           // what kernels may use; choose_isa() gives it
  // What the variants need that KernelVariants::choose() has given since this was emptied: what a kernel ran with.
  // Written by the thread that calls the kernel.
  CpuFeatures ran = {};
  Blocking blocking = {};  // of its products, noted in the same way
};

}  // namespace samc
