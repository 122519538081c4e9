#pragma once
// Lets one chosen call of a kind fail: the nth allocation, write, fsync, and so on. A shared library, because only what
// is found before libc can stand in for it. A test links it and uses the functions below; a program that a test runs
// gets it by LD_PRELOAD and is told by the environment:
//   SAMC_TEST_FAULT=KIND:N:once|onwards    which call fails, and whether all that follow fail too; N 0: none
//   SAMC_TEST_FAULT=KIND:each              each call fails, in a fork of the program at that call (fault_forks.h)
//   SAMC_TEST_FAULT_COUNT=FILE             where the numbers of calls go when the program ends, of each kind a line
// Counting begins with main().

#include <cstdint>

namespace samc::test {

enum class Fault { kMemory, kWrite, kSync, kRename, kMap, kOpen, kRead, kClose, kThread };
constexpr int kFaultKinds = 9;
// As in SAMC_TEST_FAULT.
constexpr const char* kFaultNames[kFaultKinds] = {"memory", "write", "sync",  "rename", "map",
                                                  "open",   "read",  "close", "thread"};

// Whether the call at hand is the one to fail. Async-signal-safe, takes no memory.
bool fails_now(Fault kind);

// From now on the nth call of this kind fails, and with onwards all after it. 0: none. Counts anew.
void fail_call(Fault kind, int64_t n, bool onwards = false);
// Since fail_call(): how many there were, how many of them failed.
int64_t calls(Fault kind);
int64_t failures(Fault kind);

// While one lives, in any thread, no call fails and none counts: for what a test does in the midst of it.
class FaultsPause {
 public:
  FaultsPause();
  ~FaultsPause();
  FaultsPause(const FaultsPause&) = delete;
  FaultsPause& operator=(const FaultsPause&) = delete;
};

// Pieces of memory that were allocated and not freed; 0 where a sanitizer has the allocator.
int64_t live_allocations();

}  // namespace samc::test
