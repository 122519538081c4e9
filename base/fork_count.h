#pragma once
// Threads do not come along when a process forks: who holds some asks whether they are still there. A ThreadPool does
// all its work on the calling thread then.

#include <cstdint>

namespace samc {

// How often the processes that led to this one have forked since this was asked first. Another number than before:
// this process is a child, and the threads of its parent are not here.
int64_t fork_count() noexcept;

}  // namespace samc
