#pragma once
// Writing so that nothing torn is ever seen: a file is written beside its place and renamed.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/status.h"

namespace samc {

// Writes a file of a name that nobody can guess beside PATH; commit() forces it to the disk, renames it to PATH and
// forces the folder to the disk. Destroyed without commit(), or on Ctrl-C (remove_unfinished_files), it is removed and
// PATH is as it was.
//   - A new file has the permissions of the umask; one that replaces another keeps that one's. A file that the user may
//     not write is not replaced.
//   - A symbolic link stays: what it points to is replaced. In a folder where everyone may write (/tmp), a link that
//     another user put there is an error.
//   - A device, a pipe, and one's own descriptor (/dev/stdout) are written in place.
class FileWriter {
 public:
  static Result<FileWriter> create(const std::string& path);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();

  Status write(const void* data, size_t size);
  Status write(const std::string& text) { return write(text.data(), text.size()); }
  uint64_t position() const { return position_; }
  Status commit();

 private:
  FileWriter() = default;
  Status commit_steps();
  std::string path_;       // as given: for messages
  std::string place_;      // where it will be, links followed
  std::string temporary_;  // empty: in place
  int descriptor_ = -1;
  uint64_t position_ = 0;
};

// What FileWriter::create would check, without making anything: an error when path cannot be written as things are now.
Status check_writable(const std::string& path);

// Puts a file that another program made (whole, on the same disk or not) under the name path, as FileWriter would.
Status move_into_place(const std::string& made, const std::string& path);

// Where path leads when every symbolic link that it ends in is followed; what is not there yet counts. An error for a
// chain of links without end, and for another user's link in a folder where everyone may write.
Result<std::string> follow_links(const std::string& path);

}  // namespace samc
