#include "base/tensor.h"

#include <fmt/ranges.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

namespace samc {

int64_t element_count(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

std::string shape_to_string(std::span<const int64_t> shape) { return fmt::format("({})", fmt::join(shape, ", ")); }

void Tensor::Free::operator()(void* pointer) const { std::free(pointer); }

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  constexpr size_t kAlignment = 64;
  // Large buffers on 2 MB pages: matrix products over them gain several percent from fewer TLB misses.
  constexpr size_t kHugePage = size_t{2} << 20;
  constexpr size_t kLarge = 4 * kHugePage;
  const size_t needed = static_cast<size_t>(bytes());
  const size_t alignment = needed >= kLarge ? kHugePage : kAlignment;
  const size_t rounded = (needed / alignment + 1) * alignment;
  data_.reset(std::aligned_alloc(alignment, rounded));
  SAMC_CHECK(data_ != nullptr, "out of memory: {} bytes for a tensor {}", needed, shape_to_string(shape_));
  // A wish, not a need: where the kernel has no huge pages, nothing changes.
  if (alignment == kHugePage) (void)::madvise(data_.get(), rounded, MADV_HUGEPAGE);
}

Tensor Tensor::zeros(Shape shape) {
  Tensor tensor(std::move(shape));
  std::memset(tensor.data(), 0, static_cast<size_t>(tensor.bytes()));
  return tensor;
}

Tensor Tensor::copy_of(const TensorView& view) {
  Tensor tensor(view.dtype, view.shape);
  if (view.bytes() > 0) std::memcpy(tensor.data(), view.data, static_cast<size_t>(view.bytes()));
  return tensor;
}

void Tensor::reshape(Shape shape) {
  SAMC_CHECK(element_count(shape) == count(), "reshape {} to {}", shape_to_string(shape_), shape_to_string(shape));
  shape_ = std::move(shape);
}

}  // namespace samc
