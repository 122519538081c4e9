#pragma once
// Compiled modules, kept between calls: one file KEY.samc each in $XDG_CACHE_HOME/samc (or ~/.cache/samc). Several
// processes may use it at once; the modules used longest ago go when it grows beyond its limit. Folder and files are
// the owner's alone (0700, 0600), and what is not is not used.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/mapped_file.h"
#include "base/status.h"

namespace samc {

class ModuleCache {
 public:
  static constexpr std::chrono::milliseconds kDefaultWait{60'000};

  // The user's cache, of at most SAMC_CACHE_LIMIT_MB megabytes (unset: 4000), where a module that another process is
  // making is waited for SAMC_CACHE_WAIT_S seconds (unset: 60). An error when there is no place for it; of code kUsage
  // for a variable that is no number.
  static Result<ModuleCache> of_user();
  static Result<ModuleCache> in_folder(const std::string& folder, uint64_t limit_bytes,
                                       std::chrono::milliseconds longest_wait = kDefaultWait);

  struct Entry {
    MappedFile file;    // open: who evicts it now does not take it away
    bool made = false;  // by this call
  };
  // The entry of this key, made by make(path) when it is not there: then others who want it wait, so that it is made
  // once. make must write so that a file is whole or absent (FileWriter). Marks the entry as used and then trims the
  // cache. waiting() is called some times a second while another process is making it. Errors: what make says; of code
  // kIo when the cache cannot be used for this key (a folder in the entry's place, another user's file, a lock held for
  // too long): the caller does without it. Whether the file holds what its name says is the caller's to check.
  Result<Entry> get(const std::string& key, const std::function<Status(const std::string& path)>& make,
                    const std::function<void(double seconds)>& waiting) const;
  // For an entry that turned out to be damaged. An error when it is still there afterwards.
  Status remove(const std::string& key) const;

  const std::string& folder() const { return folder_; }

 private:
  ModuleCache(std::string folder, uint64_t limit, std::chrono::milliseconds longest_wait)
      : folder_(std::move(folder)), limit_(limit), longest_wait_(longest_wait) {}
  std::string path_of(const std::string& key) const { return folder_ + "/" + key + ".samc"; }
  // Nothing: it is not there. An error: what is there is no entry.
  Result<std::optional<MappedFile>> find(const std::string& key) const;
  // Removes the modules used longest ago until the rest fits, and what interrupted processes left behind.
  void trim(const std::string& keep) const;

  std::string folder_;
  uint64_t limit_ = 0;
  std::chrono::milliseconds longest_wait_;
};

}  // namespace samc
