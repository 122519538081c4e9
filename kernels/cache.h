#pragma once
// The caches that blocks of work are cut for: the smallest of processors that people run samc on. Fixed, not asked of
// the machine, so that work is cut, and sums are taken, in the same way everywhere.

#include <cstdint>

namespace samc {

constexpr int64_t kL1Bytes = 32 * 1024;
constexpr int64_t kL1WayBytes = 4 * 1024;  // addresses that lie multiples of this apart share a set
constexpr int64_t kL2Bytes = 512 * 1024;

}  // namespace samc
