#include "base/files.h"

#include <filesystem>

namespace samc {

bool is_folder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

Result<std::string> read_text_file(const std::string& path, size_t largest_size) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path, FileAccess::kCopy, largest_size));
  return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
}

Status write_file(const std::string& path, const void* data, size_t size) {
  SAMC_ASSIGN(FileWriter writer, FileWriter::create(path));
  SAMC_TRY(writer.write(data, size));
  return writer.commit();
}

}  // namespace samc
