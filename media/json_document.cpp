#include "media/json_document.h"

#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "media/utf8.h"

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

// Hears a second reading and notes what stands twice, once for each object. (A callback of the first would do, but for
// each object the library then goes through all before it in the list.)
class KeyWatch : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return count_element(); }
  bool boolean(bool) override { return count_element(); }
  bool number_integer(number_integer_t) override { return count_element(); }
  bool number_unsigned(number_unsigned_t) override { return count_element(); }
  bool number_float(number_float_t, const string_t&) override { return count_element(); }
  bool string(string_t&) override { return count_element(); }
  bool binary(binary_t&) override { return count_element(); }
  bool start_object(size_t) override { return open(false); }
  bool start_array(size_t) override { return open(true); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& key) override {
    open_.back().key = key;
    if (!open_.back().keys.insert(key).second && !std::exchange(open_.back().is_noted, true)) note();
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }
  std::vector<RepeatedKey> take() { return std::move(repeated_); }

 private:
  struct Open {
    bool is_list = false;
    bool is_noted = false;
    size_t elements = 0;
    std::string key;
    std::set<std::string> keys;
  };

  bool count_element() {
    if (!open_.empty()) ++open_.back().elements;
    return true;
  }
  bool open(bool is_list) {
    count_element();
    open_.emplace_back();
    open_.back().is_list = is_list;
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  void note() {
    RepeatedKey found{{}, open_.back().key};
    for (size_t i = 0; i + 1 < open_.size(); ++i)
      found.path.push_back(open_[i].is_list ? fmt::format("[{}]", open_[i].elements - 1) : open_[i].key);
    repeated_.push_back(std::move(found));
  }

  std::vector<Open> open_;
  std::vector<RepeatedKey> repeated_;
};

}  // namespace

// The JSON library reports by exception; here they end.
Result<JsonDocument> parse_json(std::string_view text) {
  if (is_too_deep(text)) return invalid_input("lists in lists in lists, deeper than samc reads");
  try {
    JsonDocument document;
    const std::string readable = as_utf8(text);
    document.value = Json::parse(readable);
    KeyWatch watch;
    Json::sax_parse(readable, &watch);
    document.repeated = watch.take();
    return document;
  } catch (const Json::exception& error) {
    std::string reason = error.what();
    if (const size_t end = reason.find("] "); end != std::string::npos) reason.erase(0, end + 2);
    for (char& c : reason)
      if (c == '\n') c = ' ';
    return invalid_input("not valid JSON: " + reason.substr(0, 160));
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
