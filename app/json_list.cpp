#include "app/json_list.h"

#include "app/console.h"
#include "base/check.h"

namespace samc {
namespace {

// Paths may hold bytes that are no UTF-8, which JSON cannot.
std::string text_of(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Result<JsonList> JsonList::open(const std::string& path, std::string head, std::string tail, const char* line_break) {
  JsonList list;
  list.head_ = std::move(head);
  list.tail_ = std::move(tail);
  list.line_break_ = line_break;
  if (path != "-") {
    SAMC_ASSIGN(FileWriter file, FileWriter::create(path));
    list.file_.emplace(std::move(file));
  }
  return list;
}

Result<JsonList> JsonList::open_member(const std::string& path, const nlohmann::ordered_json& document,
                                       const char* member) {
  const std::string text = text_of(document), name = fmt::format("\"{}\":", member);
  const size_t place = text.find(name + "null");
  SAMC_CHECK(place != std::string::npos, "no null named {} in {}", member, text);
  const size_t end = place + name.size();
  return open(path, text.substr(0, end) + "[", "]" + text.substr(end + 4) + "\n", "");
}

Status JsonList::write(const std::string& text) {
  if (file_.has_value()) return file_->write(text);
  print_text(text);
  return Status::ok();
}

Status JsonList::add(const nlohmann::ordered_json& entry) {
  const std::string before = (is_empty_ ? head_ : ",") + line_break_;
  is_empty_ = false;
  return write(before + text_of(entry));
}

Status JsonList::finish() {
  SAMC_TRY(write((is_empty_ ? head_ : line_break_) + tail_));
  return file_.has_value() ? file_->commit() : Status::ok();
}

}  // namespace samc
