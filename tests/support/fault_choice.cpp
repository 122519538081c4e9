#include "tests/support/fault_choice.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace samc::test {

bool is_every_fault() { return ::getenv("SAMC_EVERY_FAULT") != nullptr; }

Shard::Shard() {
  const char* text = ::getenv("SAMC_TEST_FAULT_SHARD");
  if (text == nullptr) return;
  long long index = 0, count = 1;
  if (std::sscanf(text, "%lld/%lld", &index, &count) != 2 || index < 0 || index >= count) std::abort();
  index_ = index;
  count_ = count;
}

std::vector<int64_t> calls_between(int64_t first, int64_t last) {
  const Shard shard;
  std::vector<int64_t> list;
  for (int64_t n = first; n <= last; ++n)
    if (shard.has(n)) list.push_back(n);
  return list;
}

std::vector<int64_t> sample_of_calls(int64_t count, int64_t all_up_to, int64_t by_chance) {
  std::vector<int64_t> list;
  for (int64_t n = 1; n <= std::min(count, all_up_to); ++n) list.push_back(n);
  std::mt19937_64 random(7);
  for (int64_t i = 0; i < by_chance && count > all_up_to; ++i)
    list.push_back(all_up_to + 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(count - all_up_to)));
  return list;
}

}  // namespace samc::test
