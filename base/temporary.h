#pragma once
// What is on the disk for a while only: private folders, and the list of what must go when the process is ended.

#include <string>

#include "base/status.h"

namespace samc {

// A new folder of the owner alone (mode 0700) under a name that nobody can guess; it goes with all that is in it when
// this object does. What samc writes into one is not forced to the disk.
class TemporaryFolder {
 public:
  // In TMPDIR, else in /tmp: NAME.work-XXXXXX.
  static Result<TemporaryFolder> create(const std::string& name);
  // PATH.work-XXXXXX, beside PATH, so that a result can be renamed to it. Those that ended processes left there go too.
  static Result<TemporaryFolder> beside(const std::string& path);
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  const std::string& path() const { return path_; }  // absolute
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  TemporaryFolder() = default;
  std::string path_;
  int descriptor_ = -1;  // of the folder, locked: says to others that it is in use
};

// Whether path lies directly in a TemporaryFolder of this process.
bool is_in_temporary_folder(const std::string& path);

// The list of what is removed when a signal ends the process: files first, then folders, which must be empty by then.
// A fixed number of places; a path that finds none is not listed. Safe from any thread.
void list_unfinished(const std::string& path);
void unlist_unfinished(const std::string& path);

// Removes what is listed. Async-signal-safe: called from the command line's Ctrl-C handler.
void remove_unfinished_files() noexcept;

// Letters and digits that cannot be guessed, for a name.
std::string random_letters(size_t count);

}  // namespace samc
