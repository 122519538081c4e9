// The limit of memory, and what becomes of exceptions at the borders of stages and in the threads of a pool.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/guard.h"
#include "base/memory_budget.h"
#include "base/out_of_memory.h"
#include "base/tensor.h"
#include "base/thread_pool.h"

namespace samc {
namespace {

constexpr int64_t kMegabyte = 1 << 20;

class MemoryLimit : public testing::Test {
 protected:
  void TearDown() override { set_memory_limit(0); }
};

TEST_F(MemoryLimit, a_claim_is_taken_and_given_back) {
  const int64_t before = memory_taken();
  set_memory_limit(before + 10 * kMegabyte);
  {
    MemoryClaim claim(6 * kMegabyte, "a first thing");
    EXPECT_EQ(memory_taken(), before + 6 * kMegabyte);
    EXPECT_FALSE(MemoryClaim::take(5 * kMegabyte, "a second thing").is_ok());
    EXPECT_FALSE(check_memory(5 * kMegabyte, "a second thing").is_ok());
    EXPECT_TRUE(check_memory(4 * kMegabyte, "a second thing").is_ok());
    EXPECT_THROW(claim.grow(5 * kMegabyte, "more of it"), OutOfMemory);
    EXPECT_EQ(memory_taken(), before + 6 * kMegabyte);
    claim.grow(4 * kMegabyte, "more of it");
    MemoryClaim moved = std::move(claim);
    EXPECT_EQ(moved.bytes(), 10 * kMegabyte);
    claim = std::move(moved);
    EXPECT_EQ(memory_taken(), before + 10 * kMegabyte);
  }
  EXPECT_EQ(memory_taken(), before);
  EXPECT_TRUE(MemoryClaim::take(10 * kMegabyte, "all").is_ok());
}

TEST_F(MemoryLimit, what_passes_it_says_what_wanted_how_much_of_how_much) {
  set_memory_limit(memory_taken() + 10 * kMegabyte);
  const Status status = MemoryClaim::take(int64_t{3} << 40, "what a function of the model computes").status();
  EXPECT_EQ(status.code(), StatusCode::kOutOfMemory);
  EXPECT_NE(status.message().find("what a function of the model computes takes 3.3 TB"), std::string::npos)
      << status.to_string();
  EXPECT_NE(status.message().find("limit of memory of 10.5 MB"), std::string::npos) << status.to_string();
  EXPECT_NE(status.hint().find("--memory-limit"), std::string::npos);
  // No sum overflows, and nothing negative passes.
  EXPECT_FALSE(check_memory(INT64_MAX, "all there is").is_ok());
  EXPECT_FALSE(check_memory(-1, "less than nothing").is_ok());
}

TEST_F(MemoryLimit, tensors_count) {
  const int64_t before = memory_taken();
  set_memory_limit(before + 10 * kMegabyte);
  Tensor kept({kMegabyte});
  EXPECT_GE(memory_taken(), before + 4 * kMegabyte);
  EXPECT_THROW(Tensor({2 * kMegabyte}), std::bad_alloc);
  const Tensor moved = std::move(kept);
  EXPECT_EQ(moved.f32().size(), static_cast<size_t>(kMegabyte));
  EXPECT_THROW(Tensor({int64_t{1} << 40, int64_t{1} << 40, int64_t{1} << 40}), std::bad_alloc);
  EXPECT_THROW(Tensor({int64_t{1} << 62, int64_t{1} << 62, 0}), std::bad_alloc);
}

TEST_F(MemoryLimit, the_default_is_below_what_the_machine_has) {
  set_memory_limit(0);
  EXPECT_EQ(memory_limit(), default_memory_limit());
  EXPECT_GT(memory_limit(), 64 * kMegabyte);
  EXPECT_LT(memory_limit(), int64_t{1} << 50);
}

TEST_F(MemoryLimit, sizes_are_read_as_people_write_them) {
  EXPECT_EQ(parse_memory_size("2G").value(), int64_t{2} << 30);
  EXPECT_EQ(parse_memory_size("500m").value(), 500 * kMegabyte);
  EXPECT_EQ(parse_memory_size("1.5GiB").value(), 3 * (int64_t{1} << 29));
  EXPECT_EQ(parse_memory_size("4096KB").value(), 4 * kMegabyte);
  EXPECT_EQ(parse_memory_size("3000000").value(), 3000000);
  for (const char* wrong : {"", "G", "-2G", "2X", "2GG", "nan", "inf", "1e30", "0", "1K", "2 G", "2G "})
    EXPECT_EQ(parse_memory_size(wrong).status().code(), StatusCode::kUsage) << wrong;
}

TEST(Guard, what_is_thrown_becomes_a_status) {
  const auto thrown = [](auto error) { return guarded([&]() -> Status { throw error; }); };
  EXPECT_EQ(thrown(std::bad_alloc()).code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(thrown(std::bad_alloc()).message(), "out of memory");
  EXPECT_NE(thrown(std::bad_alloc()).hint(), "");
  EXPECT_EQ(thrown(OutOfMemory("a tensor", 4.2e9)).message(), "out of memory: a tensor takes 4.2 GB");
  EXPECT_EQ(thrown(std::length_error("vector")).code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(thrown(std::system_error(EAGAIN, std::generic_category())).code(), StatusCode::kIo);
  EXPECT_EQ(thrown(std::runtime_error("odd")).code(), StatusCode::kIo);
  EXPECT_EQ(guarded([] { return invalid_input("as it is"); }).message(), "as it is");
  EXPECT_EQ(guarded([]() -> Result<int> { return 7; }).value(), 7);
}

TEST(Guard, a_long_text_is_cut) {
  const OutOfMemory error(std::string(5000, 'x'), 1e9);
  EXPECT_LT(std::string(error.what()).size(), 400u);
}

// The caller throws at once, and the closure and what it refers to would be gone while a worker still reads them: under
// AddressSanitizer that is a heap-use-after-free.
void throw_on_one_thread(ThreadPool& pool, bool on_caller) {
  const std::vector<int> data(100000, 1);
  std::atomic<bool> other_runs{false};
  std::atomic<int64_t> sum{0};
  pool.run(64, [&](int64_t, int worker) {
    if ((worker == 0) == on_caller) {
      while (!other_runs.load()) std::this_thread::yield();
      throw std::bad_alloc();
    }
    other_runs.store(true);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    for (const int value : data) sum.fetch_add(value, std::memory_order_relaxed);
  });
}

TEST(ThreadPoolExceptions, one_on_any_thread_is_thrown_on_the_caller_when_all_have_ended) {
  ThreadPool pool(3);
  for (int round = 0; round < 5; ++round)
    for (const bool on_caller : {true, false}) {
      EXPECT_THROW(throw_on_one_thread(pool, on_caller), std::bad_alloc);
      // The next job is whole, and knows nothing of the last.
      std::atomic<int> pieces{0};
      pool.run(100, [&](int64_t, int) { pieces.fetch_add(1); });
      EXPECT_EQ(pieces.load(), 100);
    }
}

TEST(ThreadPoolExceptions, all_threads_may_throw) {
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 100; ++round)
      EXPECT_THROW(pool.run(64, [](int64_t piece, int) { throw std::runtime_error(std::to_string(piece)); }),
                   std::runtime_error);
  }
}

}  // namespace
}  // namespace samc
