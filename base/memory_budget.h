#pragma once
// One limit of memory for the process. What is large says so before it is allocated: tensors, the arenas of functions,
// kernels' scratch memory, results, what readers hold of a file. Not counted: mapped files, code, small objects, and
// what the compiler's IR takes.
//
//   const MemoryClaim claim(pixels * 3, "the image's pixels");   // throws OutOfMemory; guard.h makes a Status of it
//   SAMC_ASSIGN(MemoryClaim claim, MemoryClaim::take(pixels * 3, "the image's pixels"));   // or gives it at once
//
// Every function may be called from any thread.

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace samc {

// Nine tenths of the least of: the machine's memory, the container's limit (cgroup v1 or v2), RLIMIT_AS.
int64_t default_memory_limit();
// The default until one is set. 0 sets the default again.
void set_memory_limit(int64_t bytes);
int64_t memory_limit() noexcept;
int64_t memory_taken() noexcept;
// "500M", "2G", "1.5GiB", "100000": K, M, G and T are powers of 1024; nothing means bytes. At least 1 MB.
Result<int64_t> parse_memory_size(std::string_view text);

// Whether so much more fits now. For work that takes its memory piece by piece: it had better not begin.
Status check_memory(int64_t bytes, std::string_view what);

// A part of the limit, given back when the object goes. what completes "... takes 4.2 GB".
class MemoryClaim {
 public:
  MemoryClaim() = default;
  MemoryClaim(int64_t bytes, std::string_view what);
  static Result<MemoryClaim> take(int64_t bytes, std::string_view what);
  MemoryClaim(MemoryClaim&& other) noexcept : bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryClaim& operator=(MemoryClaim&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MemoryClaim() { release(); }

  // Claims so many bytes more: for what grows while it is read. Throws OutOfMemory; the claim is as it was then.
  void grow(int64_t more, std::string_view what);
  void release() noexcept;
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
};

}  // namespace samc
