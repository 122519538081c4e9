#pragma once
// For fuzz targets: a folder of this process, for what takes files by name.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/check.h"

namespace samc {

class FuzzFolder {
 public:
  FuzzFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "samc_fuzz_XXXXXX").string();
    SAMC_CHECK(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
    path_ = pattern;
  }
  ~FuzzFolder() { std::filesystem::remove_all(path_); }
  FuzzFolder(const FuzzFolder&) = delete;
  FuzzFolder& operator=(const FuzzFolder&) = delete;
  std::string file(const char* name) const { return path_ + "/" + name; }
  // Not by write_file(), which waits for the disk.
  std::string put(const char* name, const void* data, size_t size) const {
    std::ofstream stream(file(name), std::ios::binary);
    stream.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
    SAMC_CHECK(stream.flush().good(), "cannot write {}", file(name));
    return file(name);
  }

 private:
  std::string path_;
};

}  // namespace samc
