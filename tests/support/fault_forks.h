#pragma once
// Lets each call of a kind fail in one run of a program: at each call the program forks. In the fork that call fails,
// and it goes on to its end; the program itself waits for it, notes what became of it, and goes on as if nothing had
// happened. A compiler's 400,000 allocations take minutes this way, and days with a run for each.
//
// Forks see the files of the program: from the first file or temporary folder that it makes there are no more forks,
// and the calls that are left need runs of their own. So do calls in other threads, which a fork does not have.
//   SAMC_TEST_FAULT_LOG=FILE         where the notes go, as lines
//   SAMC_TEST_FAULT_FOLDER=FOLDER    files that a fork leaves there are hashed for the notes, and removed
//   SAMC_TEST_FAULT_SHARD=I/COUNT    only some calls: for several processes (fault_choice.h)

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/faults.h"

namespace samc::test {

// By the environment above. From now on calls of this kind fork.
void begin_forks(Fault kind);
// At the nth call of a kind: whether this is now the fork in which it fails.
bool is_fork_to_fail(Fault kind, int64_t n);
// The program makes a file or a temporary folder.
void stop_forks();

// A digest of all files under a folder, by their names within it and bytes. 0: there are none.
uint64_t digest_of_folder(const std::string& folder);

// What became of the forks of calls first to last, which all ended alike.
struct ForkNote {
  int64_t first = 0, last = 0;
  int exit_code = 0;    // 128 + signal when one ended it
  uint64_t digest = 0;  // of the folder
  std::string err;      // what it said on standard error
};
struct ForkNotes {
  std::vector<ForkNote> notes;
  std::vector<int64_t> in_threads;  // calls of other threads
  int64_t first_without = 0;        // from this call on there were no forks; 0: there were to the end
};
ForkNotes read_fork_notes(const std::string& file);

}  // namespace samc::test
