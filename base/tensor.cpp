#include "base/tensor.h"

#include <fmt/ranges.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/out_of_memory.h"

namespace samc {

int64_t element_count(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

std::string shape_to_string(std::span<const int64_t> shape) { return fmt::format("({})", fmt::join(shape, ", ")); }

TensorView TensorView::with_shape(Shape other) const {
  SAMC_CHECK(element_count(other) == count(), "a view of {} read as {}", shape_to_string(shape),
             shape_to_string(other));
  return {dtype, std::move(other), data};
}

void AlignedMemory::Free::operator()(void* memory) const { std::free(memory); }

AlignedMemory::AlignedMemory(int64_t bytes, std::string_view what) {
  constexpr int64_t kAlignment = 64;
  // Large buffers on 2 MB pages: matrix products over them gain several percent from fewer TLB misses.
  constexpr int64_t kHugePage = int64_t{2} << 20;
  constexpr int64_t kLarge = 4 * kHugePage;
  claim_ = MemoryClaim(bytes, what);
  const int64_t alignment = bytes >= kLarge ? kHugePage : kAlignment;
  const auto rounded = static_cast<size_t>((bytes / alignment + 1) * alignment);
  memory_.reset(std::aligned_alloc(static_cast<size_t>(alignment), rounded));
  if (memory_ == nullptr) fail(OutOfMemory(what, static_cast<double>(bytes)));
  // A wish, not a need: where the kernel has no huge pages, nothing changes.
  if (alignment == kHugePage) (void)::madvise(memory_.get(), rounded, MADV_HUGEPAGE);
}

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  constexpr double kMostBytes = 1e18;  // above it int64_t may overflow
  auto size = static_cast<double>(dtype_size(dtype));
  for (const int64_t extent : shape_) {
    SAMC_CHECK(extent >= 0, "a tensor {}", shape_to_string(shape_));
    size *= static_cast<double>(extent);
    if (size > kMostBytes) fail(OutOfMemory("a tensor", size));
  }
  data_ = AlignedMemory(bytes(), "a tensor");
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

const char* first_non_finite(std::span<const float> values) {
  for (const float value : values)
    if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : "an infinite value";
  return nullptr;
}

bool is_finite(const TensorView& values) {
  if (values.dtype != DType::kBF16) return first_non_finite(values.f32()) == nullptr;
  const std::span<const uint16_t> bits(static_cast<const uint16_t*>(values.data), static_cast<size_t>(values.count()));
  return std::ranges::all_of(bits, [](uint16_t value) { return std::isfinite(bf16_to_f32(value)); });
}

}  // namespace samc
