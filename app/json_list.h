#pragma once
// A file that is a list in JSON, written entry by entry.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/file_writer.h"
#include "base/status.h"

namespace samc {

// A JSON array, one entry a line: COCO's results, a trace's events.
class JsonList {
 public:
  // "-" is standard output.
  static Result<JsonList> open(const std::string& path);
  Status add(const nlohmann::ordered_json& entry);
  // The file is there when this is done, and not before.
  Status finish();

 private:
  Status write(const std::string& text);
  std::optional<FileWriter> file_;  // empty: standard output
  bool is_empty_ = true;
};

}  // namespace samc
