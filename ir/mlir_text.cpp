#include "ir/mlir_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/quote.h"

namespace samc {
namespace {

constexpr const char* kHint = "samc transform and TPU-MLIR write none such";

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || c == '_' ||
         c == '$' || c == '.';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Status run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
        ++at_;
      } else if (c == '"') {
        skip_string();
      } else if (c == '/' && text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '#' || c == '!') {
        SAMC_TRY(alias());
      } else if (is_word(c)) {
        const std::string_view found = word();
        // The parser takes time by the square of the digits, and of the dimensions.
        if (found.size() > kLongestMlirWord)
          return bad(fmt::format("a number or name of {} characters, more than {}", found.size(), kLongestMlirWord));
        if (found == "affine_map" || found == "affine_set")
          return bad("an " + std::string(found), "the Top dialect has none");
      } else {
        SAMC_TRY(bracket(c));
        ++at_;
      }
    }
    return Status::ok();
  }

 private:
  // What a location alias stands for.
  struct Extent {
    size_t locations = 1;
    size_t depth = 1;
  };

  Status bad(const std::string& what, const char* hint = kHint) const {
    return invalid_input(fmt::format("line {}: {}", line_, what), hint);
  }

  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\n') return;  // no string of MLIR's: the parser will say so
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  std::string_view word() {
    const size_t start = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  Status bracket(char c) {
    if (c == '(' || c == '[' || c == '{' || c == '<') {
      open_ += c;
      if (open_.size() > kDeepestMlirNesting)
        return bad(fmt::format("brackets nested more than {} deep", kDeepestMlirNesting));
      return Status::ok();
    }
    const bool arrow = c == '>' && at_ > 0 && text_[at_ - 1] == '-';
    const char wanted = c == ')' ? '(' : c == ']' ? '[' : c == '}' ? '{' : c == '>' && !arrow ? '<' : '\0';
    // One that closes nothing is the end of the parse: it does no harm here.
    if (wanted == '\0' || open_.empty() || open_.back() != wanted) return Status::ok();
    open_.pop_back();
    if (open_.empty()) defining_ = {};
    return Status::ok();
  }

  // #name or !name, as the start of a definition or as a reference.
  Status alias() {
    const char kind = text_[at_++];
    const std::string_view name = word();
    const size_t next = text_.find_first_not_of(" \t", at_);
    const bool defines = open_.empty() && next < text_.size() && text_[next] == '=';
    if (!defines) return refer(kind, name);
    if (kind == '!' || !name.starts_with("loc"))
      return bad(fmt::format("the alias {}{}", kind, quote(name)),
                 "write the type or attribute itself where it is used");
    defining_ = name;
    aliases_[name] = {};
    return Status::ok();
  }

  Status refer(char kind, std::string_view name) {
    if (defining_.empty() || kind != '#') return Status::ok();
    const auto found = aliases_.find(name);
    const Extent named = found == aliases_.end() ? Extent{} : found->second;
    Extent& extent = aliases_[defining_];
    extent.locations += named.locations;
    extent.depth = std::max(extent.depth, named.depth + 1);
    if (extent.locations > kMostMlirLocations || extent.depth > kDeepestMlirNesting)
      return bad(fmt::format("the location #{} stands for too many others", quote(defining_)));
    return Status::ok();
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
  std::string open_;           // brackets
  std::string_view defining_;  // the alias whose definition is being read
  std::unordered_map<std::string_view, Extent> aliases_;
};

}  // namespace

Status check_mlir_text(std::string_view text) { return Scanner(text).run(); }

}  // namespace samc
