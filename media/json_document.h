#pragma once
// Inside media/: JSON as users' files hold it. A key that stands twice in one object is found, where the library would
// keep the last; and names of files may be no UTF-8.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace samc {

struct RepeatedKey {
  std::vector<std::string> path;  // of the object: keys, and places in lists as "[3]"
  std::string key;
};

struct JsonDocument {
  nlohmann::json value;
  std::vector<RepeatedKey> repeated;
};

// A byte that is no UTF-8, and what Python's json writes for one (a lone "\udcXX"), does not end the reading: the text
// that holds it goes through file_name().
Result<JsonDocument> parse_json(std::string_view text);

// The bytes that a text of such a document means. An error when it holds a lone surrogate that stands for no byte.
Result<std::string> file_name(std::string_view text);

}  // namespace samc
