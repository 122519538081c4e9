#pragma once
// How a whole file is read, and which one a fault is about.

namespace samc {

enum class FileAccess {
  // The pages are shared with the page cache and nothing is copied. Who shortens the file later (`cp new old`) makes
  // the next access to a lost page a SIGBUS, which ends the process: for large files that nobody rewrites in place.
  kMap,
  // Read once, into memory that counts (base/memory_budget.h). What happens to the file afterwards does not matter: for
  // all that is small or may change.
  kCopy,
};

// The path, for a terminal, of the mapped file whose pages hold this address; null when there is none. For handlers of
// SIGBUS: async-signal-safe. samc installs no handler in a host program; the command `samc` does (app/signals.h).
const char* mapped_file_at(const void* address) noexcept;

}  // namespace samc
