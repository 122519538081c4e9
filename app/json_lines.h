#pragma once
// A file of lines that others may read while it grows.

#include <cstdint>
#include <string>

#include "base/status.h"

namespace samc {

// Each line is in the file when write() returns, and the file never ends inside of one: where the disk is full, the
// torn line is taken back. Unlike other outputs it is written in its place.
class LineWriter {
 public:
  // "-" is standard output. Nothing is made or changed before the first line.
  explicit LineWriter(std::string path) : path_(std::move(path)) {}
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // text: without its line break.
  Status write(std::string text);
  // Forces the lines to the disk.
  Status finish();

 private:
  Status open();
  Status error(int code) const;
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace samc
