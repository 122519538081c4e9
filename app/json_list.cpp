#include "app/json_list.h"

#include "app/console.h"

namespace samc {

Result<JsonList> JsonList::open(const std::string& path) {
  JsonList list;
  if (path != "-") {
    SAMC_ASSIGN(FileWriter file, FileWriter::create(path));
    list.file_.emplace(std::move(file));
  }
  return list;
}

Status JsonList::write(const std::string& text) {
  if (file_.has_value()) return file_->write(text);
  print_text(text);
  return Status::ok();
}

Status JsonList::add(const nlohmann::ordered_json& entry) {
  // Paths may hold bytes that are no UTF-8, which JSON cannot.
  const std::string text = entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const char* before = is_empty_ ? "[\n" : ",\n";
  is_empty_ = false;
  return write(before + text);
}

Status JsonList::finish() {
  SAMC_TRY(write(is_empty_ ? "[]\n" : "\n]\n"));
  return file_.has_value() ? file_->commit() : Status::ok();
}

}  // namespace samc
