#pragma once
// For fuzz targets: a folder of this process, for what takes files by name.

#include <fstream>
#include <string>

#include "base/temporary.h"

namespace samc {

class FuzzFolder {
 public:
  std::string file(const char* name) const { return folder_.file(name); }
  // Not by write_file(), which waits for the disk.
  std::string put(const char* name, const void* data, size_t size) const {
    std::ofstream stream(file(name), std::ios::binary);
    stream.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
    SAMC_CHECK(stream.flush().good(), "cannot write {}", file(name));
    return file(name);
  }

 private:
  TemporaryFolder folder_ = TemporaryFolder::create("samc_fuzz").value();
};

}  // namespace samc
