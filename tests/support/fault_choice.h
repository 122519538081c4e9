#pragma once
// Which calls a test lets fail, of the many that there are.

#include <cstdint>
#include <vector>

namespace samc::test {

// SAMC_EVERY_FAULT is set: tests leave out no call (scripts/faults).
bool is_every_fault();

// Which of the calls belong to this process: SAMC_TEST_FAULT_SHARD=I/COUNT, those n with n mod COUNT = I; unset, all.
class Shard {
 public:
  Shard();
  bool has(int64_t n) const { return n % count_ == index_; }

 private:
  int64_t index_ = 0, count_ = 1;
};

// This process's calls from first to last.
std::vector<int64_t> calls_between(int64_t first, int64_t last);
// Of calls 1 to count: the first ones, and some of the others by chance, the same each time.
std::vector<int64_t> sample_of_calls(int64_t count, int64_t all_up_to, int64_t by_chance);

}  // namespace samc::test
