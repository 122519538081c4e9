#pragma once
// What a call reads and what it will write, looked at before the work begins: no output may be an input or another
// output, and each must be writable. Every command that writes a file asks it.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace samc {

class OutputGuard {
 public:
  // Files that the call reads. A file is the same by whatever name: links are followed, device and inode compared.
  void add_input(const std::string& path) { inputs_.push_back(path); }
  // The same for a list that takes time to make. Only made when an output exists already, since nothing else could be
  // lost.
  void add_inputs(std::function<std::vector<std::string>()> list) { lists_.push_back(std::move(list)); }
  // A file that the call writes, "" for none. option: as the user gave it, for messages.
  void add_output(const std::string& option, const std::string& path);
  // A folder that is made where it is missing, "" for none. The files in it are outputs of their own.
  void add_output_folder(const std::string& option, const std::string& path);

  // Of code kUsage when an output is an input or another output, of code kIo when one cannot be written: its folder is
  // missing and no output folder, or it may not be written. Nothing is made or changed.
  Status check() const;

 private:
  struct Output {
    std::string option;
    std::string path;
  };
  Status check_folders() const;
  std::vector<std::string> inputs_;
  std::vector<std::function<std::vector<std::string>()>> lists_;
  std::vector<Output> outputs_;
  std::vector<Output> folders_;
};

}  // namespace samc
