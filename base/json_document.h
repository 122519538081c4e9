#pragma once
// JSON as users' files hold it. A key that stands twice in one object is found, where the library would
// keep the last; and names of files may be no UTF-8.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"

namespace samc {

// Not the JSON library's own: to end, that one takes memory, and ends the process where there is none.
class JsonValue {
 public:
  using List = std::vector<JsonValue>;
  using Object = std::map<std::string, JsonValue>;

  JsonValue() noexcept;  // null
  explicit JsonValue(bool value) noexcept;
  explicit JsonValue(double value) noexcept;
  explicit JsonValue(std::string value);
  static JsonValue empty_list();
  static JsonValue empty_object();
  JsonValue(JsonValue&&) noexcept;
  JsonValue& operator=(JsonValue&&) noexcept;
  ~JsonValue();

  bool is_null() const noexcept;
  // Null where it is another kind of value.
  const bool* boolean() const noexcept;
  const double* number() const noexcept;
  const std::string* string() const noexcept;
  const List* list() const noexcept;
  List* list() noexcept;
  const Object* object() const noexcept;
  Object* object() noexcept;
  // The member of this name. Null where there is none, and where it is no object.
  const JsonValue* member(const std::string& key) const noexcept;

 private:
  struct Members;  // holds an Object, which is not yet a whole type here
  std::variant<std::monostate, bool, double, std::unique_ptr<std::string>, std::unique_ptr<List>,
               std::unique_ptr<Members>>
      value_;
};

struct RepeatedKey {
  std::vector<std::string> path;  // of the object: keys, and places in lists as "[3]"
  std::string key;
};

struct JsonDocument {
  JsonValue value;  // where a key stands twice: the last
  std::vector<RepeatedKey> repeated;
};

// A byte that is no UTF-8, and what Python's json writes for one (a lone "\udcXX"), does not end the reading: the text
// that holds it goes through file_name().
Result<JsonDocument> parse_json(std::string_view text);

// The bytes that a text of such a document means. An error when it holds a lone surrogate that stands for no byte.
Result<std::string> file_name(std::string_view text);

}  // namespace samc
