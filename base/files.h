#pragma once
// Files whole: read, written.

#include <cstddef>
#include <string>

#include "base/file_writer.h"
#include "base/mapped_file.h"
#include "base/temporary.h"

namespace samc {

bool is_folder(const std::string& path);

// A copy of the file's bytes. largest_size: an error names a file of more bytes.
Result<std::string> read_text_file(const std::string& path, size_t largest_size);
Status write_file(const std::string& path, const void* data, size_t size);
inline Status write_file(const std::string& path, const std::string& text) {
  return write_file(path, text.data(), text.size());
}

}  // namespace samc
