#pragma once
// A file that holds a list in JSON, written entry by entry, so that memory does not go with its length.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/file_writer.h"
#include "base/status.h"

namespace samc {

class JsonList {
 public:
  // "-" is standard output. The list alone, one entry a line: COCO's results, a trace's events.
  static Result<JsonList> open(const std::string& path) { return open(path, "[", "]\n", "\n"); }
  // As the member of this name, which is null in the document, all in one line.
  static Result<JsonList> open_member(const std::string& path, const nlohmann::ordered_json& document,
                                      const char* member);
  Status add(const nlohmann::ordered_json& entry);
  // The file is there when this is done, and not before.
  Status finish();

 private:
  static Result<JsonList> open(const std::string& path, std::string head, std::string tail, const char* line_break);
  Status write(const std::string& text);
  std::optional<FileWriter> file_;  // empty: standard output
  std::string head_, tail_;
  const char* line_break_ = "";
  bool is_empty_ = true;
};

}  // namespace samc
