#include "base/json_document.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/utf8.h"

namespace samc {
namespace {

using Json = nlohmann::json;

// What the JSON library cannot hold travels through it as the last characters that Unicode has, which are for private
// use: U+10FF00 + b is the byte b, and U+10FE00 a lone surrogate. Where a file holds one of these itself, its bytes
// travel one by one.
constexpr uint32_t kFirstForeign = 0x10fe00, kFirstByte = 0x10ff00;
constexpr std::string_view kForeignStart = "\xf4\x8f";  // of UTF-8 from U+10F000 on

void append_utf8(std::string& out, uint32_t code) {  // code >= 0x10000
  out += static_cast<char>(0xf0 | (code >> 18));
  for (const int shift : {12, 6, 0}) out += static_cast<char>(0x80 | ((code >> shift) & 0x3f));
}

void append_byte(std::string& out, char byte) { append_utf8(out, kFirstByte + static_cast<uint8_t>(byte)); }

// Of a character of four bytes.
uint32_t code_of(std::string_view character) {
  uint32_t code = static_cast<uint8_t>(character[0]) & 7;
  for (const char c : character.substr(1)) code = (code << 6) | (static_cast<uint8_t>(c) & 0x3f);
  return code;
}

bool is_foreign(std::string_view character) {
  return character.size() == 4 && character.starts_with(kForeignStart) && code_of(character) >= kFirstForeign;
}

// The number of an escape such as \udc80 that text begins with.
std::optional<uint32_t> escaped_unit(std::string_view text) {
  uint32_t unit = 0;
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, unit, 16);
  if (error != std::errc{} || end != text.data() + 6) return std::nullopt;
  return unit;
}

// Bytes of the escape that text begins with; out gets what it becomes.
size_t copy_escape(std::string_view text, std::string& out) {
  const auto is_between = [](const std::optional<uint32_t>& unit, uint32_t first, uint32_t last) {
    return unit && *unit >= first && *unit <= last;
  };
  const std::optional<uint32_t> unit = escaped_unit(text);
  size_t length = unit ? 6 : std::min<size_t>(text.size(), 2);
  if (is_between(unit, 0xd800, 0xdbff)) {
    const std::optional<uint32_t> second = escaped_unit(text.substr(6));
    if (!is_between(second, 0xdc00, 0xdfff)) {
      append_utf8(out, kFirstForeign);
      return length;
    }
    length = 12;
    std::string character;
    append_utf8(character, 0x10000 + ((*unit - 0xd800) << 10) + (*second - 0xdc00));
    if (is_foreign(character)) {
      for (const char c : character) append_byte(out, c);
      return length;
    }
  } else if (is_between(unit, 0xdc80, 0xdcff)) {
    append_byte(out, static_cast<char>(*unit & 0xff));
    return length;
  } else if (is_between(unit, 0xdc00, 0xdfff)) {
    append_utf8(out, kFirstForeign);
    return length;
  }
  out += text.substr(0, length);
  return length;
}

// The same document for a library that takes UTF-8 alone.
std::string as_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    size_t length = 1;
    if (text.front() == '\\') {
      length = copy_escape(text, out);
    } else if (length = utf8_length(text); length == 0) {
      append_byte(out, text.front());
      length = 1;
    } else if (const std::string_view character = text.substr(0, length); is_foreign(character)) {
      for (const char c : character) append_byte(out, c);
    } else {
      out += character;
    }
    text.remove_prefix(length);
  }
  return out;
}

// Whether lists and objects stand in one another deeper than users' files have them: each level takes memory.
bool is_too_deep(std::string_view text) {
  constexpr int kDeepest = 64;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') ++i;
    if (c == '"') in_string = !in_string;
    if (in_string) continue;
    if ((c == '[' || c == '{') && ++depth > kDeepest) return true;
    if (c == ']' || c == '}') --depth;
  }
  return false;
}

// Hears what the library reads: builds the tree, and notes what stands twice, once for each object.
class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return put(JsonValue()); }
  bool boolean(bool value) override { return put(JsonValue(value)); }
  bool number_integer(number_integer_t value) override { return put(JsonValue(static_cast<double>(value))); }
  bool number_unsigned(number_unsigned_t value) override { return put(JsonValue(static_cast<double>(value))); }
  bool number_float(number_float_t value, const string_t&) override { return put(JsonValue(value)); }
  bool string(string_t& value) override { return put(JsonValue(std::move(value))); }
  bool binary(binary_t&) override { return false; }  // of binary formats alone
  bool start_object(size_t) override { return open(JsonValue::empty_object()); }
  bool start_array(size_t) override { return open(JsonValue::empty_list()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& key) override {
    Open& object = open_.back();
    if (object.value->object()->contains(key) && !std::exchange(object.is_noted, true)) note(key);
    object.key = std::move(key);
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    reason_ = error.what();
    return false;
  }

  JsonDocument take() { return {std::move(root_), std::move(repeated_)}; }
  const std::string& reason() const { return reason_; }

 private:
  struct Open {
    JsonValue* value = nullptr;  // stays in its place: what it stands in gets no other element before it is closed
    std::string key;             // in an object: that of the member being read
    bool is_noted = false;
  };

  bool put(JsonValue&& value) {
    place(std::move(value));
    return true;
  }
  JsonValue* place(JsonValue&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Open& parent = open_.back();
    if (JsonValue::List* list = parent.value->list()) return &list->emplace_back(std::move(value));
    JsonValue& member = (*parent.value->object())[parent.key];
    member = std::move(value);
    return &member;
  }
  bool open(JsonValue&& value) {
    JsonValue* placed = place(std::move(value));
    open_.emplace_back().value = placed;
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  void note(const std::string& key) {
    RepeatedKey found{{}, key};
    for (size_t i = 0; i + 1 < open_.size(); ++i) {
      const JsonValue::List* list = open_[i].value->list();
      found.path.push_back(list != nullptr ? fmt::format("[{}]", list->size() - 1) : open_[i].key);
    }
    repeated_.push_back(std::move(found));
  }

  JsonValue root_;
  std::vector<Open> open_;
  std::vector<RepeatedKey> repeated_;
  std::string reason_;
};

Status not_json(std::string reason) {
  if (const size_t end = reason.find("] "); end != std::string::npos) reason.erase(0, end + 2);
  for (char& c : reason)
    if (c == '\n') c = ' ';
  return invalid_input("not valid JSON: " + reason.substr(0, 160));
}

}  // namespace

struct JsonValue::Members {
  Object object;
};

JsonValue::JsonValue() noexcept = default;
JsonValue::JsonValue(bool value) noexcept : value_(value) {}
JsonValue::JsonValue(double value) noexcept : value_(value) {}
JsonValue::JsonValue(std::string value) : value_(std::make_unique<std::string>(std::move(value))) {}
JsonValue::JsonValue(JsonValue&&) noexcept = default;
JsonValue& JsonValue::operator=(JsonValue&&) noexcept = default;
// Calls itself for what it holds, which parse_json() lets be no deeper than is_too_deep() says.
JsonValue::~JsonValue() = default;

JsonValue JsonValue::empty_list() {
  JsonValue made;
  made.value_ = std::make_unique<List>();
  return made;
}
JsonValue JsonValue::empty_object() {
  JsonValue made;
  made.value_ = std::make_unique<Members>();
  return made;
}

bool JsonValue::is_null() const noexcept { return std::holds_alternative<std::monostate>(value_); }
const bool* JsonValue::boolean() const noexcept { return std::get_if<bool>(&value_); }
const double* JsonValue::number() const noexcept { return std::get_if<double>(&value_); }
const std::string* JsonValue::string() const noexcept {
  const auto* held = std::get_if<std::unique_ptr<std::string>>(&value_);
  return held == nullptr ? nullptr : held->get();
}
const JsonValue::List* JsonValue::list() const noexcept {
  const auto* held = std::get_if<std::unique_ptr<List>>(&value_);
  return held == nullptr ? nullptr : held->get();
}
JsonValue::List* JsonValue::list() noexcept { return const_cast<List*>(std::as_const(*this).list()); }
const JsonValue::Object* JsonValue::object() const noexcept {
  const auto* held = std::get_if<std::unique_ptr<Members>>(&value_);
  return held == nullptr ? nullptr : &(*held)->object;
}
JsonValue::Object* JsonValue::object() noexcept { return const_cast<Object*>(std::as_const(*this).object()); }
const JsonValue* JsonValue::member(const std::string& key) const noexcept {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  const auto found = members->find(key);
  return found == members->end() ? nullptr : &found->second;
}

// The JSON library reports by exception; here they end.
Result<JsonDocument> parse_json(std::string_view text) {
  if (is_too_deep(text)) return invalid_input("lists in lists in lists, deeper than samc reads");
  try {
    TreeBuilder builder;
    if (!Json::sax_parse(as_utf8(text), &builder)) return not_json(builder.reason());
    return builder.take();
  } catch (const Json::exception& error) {
    return not_json(error.what());
  }
}

Result<std::string> file_name(std::string_view text) {
  std::string name;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, utf8_length(text));
    if (!is_foreign(character)) {
      name += character;
    } else {
      const uint32_t code = code_of(character);
      if (code < kFirstByte) return invalid_input("a lone surrogate that stands for no byte of a file's name");
      name += static_cast<char>(code - kFirstByte);
    }
    text.remove_prefix(character.size());
  }
  return name;
}

}  // namespace samc
