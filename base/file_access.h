#pragma once
// How a whole file is read.

namespace samc {

enum class FileAccess {
  // The pages are shared with the page cache and nothing is copied. Who shortens the file later (`cp new old`) makes
  // the next access to a lost page a SIGBUS, which ends the process: for large files that nobody rewrites in place.
  kMap,
  // Read once, into memory that counts (base/memory_budget.h). What happens to the file afterwards does not matter: for
  // all that is small or may change.
  kCopy,
};

}  // namespace samc
