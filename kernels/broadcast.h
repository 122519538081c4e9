#pragma once
// numpy's broadcasting, brought to rows: axes that all operands walk alike are merged, and the last one left is a row.

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>

#include "base/tensor.h"
#include "kernels/context.h"

namespace samc {

constexpr size_t kLargestRank = 6;
constexpr size_t kLargestOperands = 3;

class Broadcast {
 public:
  explicit Broadcast(std::initializer_list<const Shape*> operands);

  // Part of a row: where it begins in each operand, and in the dense result.
  struct Row {
    std::array<int64_t, kLargestOperands> offsets;
    int64_t dst_offset;
    int64_t count;
  };
  // 1, or 0 where one element of this operand meets the whole row.
  int64_t step(size_t operand) const { return strides_[operand][rank_ - 1]; }
  // Calls body for all rows, cut in pieces for the pool.
  void run(KernelContext& context, const std::function<void(const Row&)>& body) const;

 private:
  size_t rank_ = 0;
  size_t operands_ = 0;
  int64_t count_ = 1;
  std::array<int64_t, kLargestRank> extents_{};
  std::array<std::array<int64_t, kLargestRank>, kLargestOperands> strides_{};
};

}  // namespace samc
