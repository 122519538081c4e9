#pragma once
// Compiled modules, kept between calls: one file KEY.samc each in $XDG_CACHE_HOME/samc (or ~/.cache/samc). Several
// processes may use it at once; the modules used longest ago go when it grows beyond its limit.

#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"

namespace samc {

class ModuleCache {
 public:
  // The user's cache, of at most SAMC_CACHE_LIMIT_MB megabytes (unset: 4000). An error when there is no place for it.
  static Result<ModuleCache> of_user();
  static Result<ModuleCache> in_folder(const std::string& folder, uint64_t limit_bytes);

  struct Entry {
    std::string path;
    bool made = false;  // by this call
  };
  // The entry of this key, made by make(path) when it is not there: then others who want it wait, so that it is made
  // once. make must write so that a file is whole or absent (FileWriter). Marks the entry as used and then trims the
  // cache. waiting() is called when another process is making it.
  Result<Entry> get(const std::string& key, const std::function<Status(const std::string& path)>& make,
                    const std::function<void()>& waiting) const;
  // For an entry that turned out to be damaged.
  void remove(const std::string& key) const;

  const std::string& folder() const { return folder_; }

 private:
  ModuleCache(std::string folder, uint64_t limit) : folder_(std::move(folder)), limit_(limit) {}
  std::string path_of(const std::string& key) const { return folder_ + "/" + key + ".samc"; }
  // Removes the modules used longest ago until the rest fits, and what interrupted processes left behind.
  void trim(const std::string& keep) const;

  std::string folder_;
  uint64_t limit_ = 0;
};

}  // namespace samc
