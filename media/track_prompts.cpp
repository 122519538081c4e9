#include "media/track_prompts.h"

#include <cmath>
#include <filesystem>

#include "base/files.h"
#include "base/guard.h"
#include "base/json_document.h"
#include "base/memory_budget.h"
#include "media/prompt_json.h"

namespace samc {
namespace {

constexpr size_t kMostPrompts = 100'000;
constexpr const char* kExample = R"(write [{"frame": 0, "object": 1, "points": [[x, y, 1]]}])";

Result<int64_t> whole_number(const JsonValue& json, const char* key, int64_t most) {
  const JsonValue* value = json.member(key);
  if (value == nullptr) return invalid_input(fmt::format("no \"{}\"", key), kExample);
  const double* found = value->number();
  if (found == nullptr || !(*found >= 0 && *found <= static_cast<double>(most)) || *found != std::floor(*found))
    return invalid_input(fmt::format("{}: not a whole number from 0 to {}", key, most));
  return static_cast<int64_t>(*found);
}

Result<TrackPrompt> parse(const JsonValue& json) {
  if (json.object() == nullptr) return invalid_input("not an object", kExample);
  SAMC_TRY(check_keys(json, {"frame", "object", "points", "labels", "box", "mask", "clear_old_points"}));
  TrackPrompt prompt;
  SAMC_ASSIGN(prompt.frame, whole_number(json, "frame", kMostTrackedFrame));
  SAMC_ASSIGN(prompt.object, whole_number(json, "object", kMostObjectNumber));
  std::vector<PromptPoint>& points = prompt.prompt.points;
  if (const JsonValue* given = json.member("points"))
    SAMC_TRY(parse_points(*given, PointForm::kPairsOrLabelled, points));
  if (const JsonValue* labels = json.member("labels")) SAMC_TRY(parse_labels(*labels, points));
  if (const JsonValue* corners = json.member("box")) {
    SAMC_ASSIGN(prompt.prompt.box, parse_box_corners(*corners));
  }
  SAMC_TRY(check_point_count(points, prompt.prompt.box.has_value()));
  if (const JsonValue* mask = json.member("mask")) {
    Result<std::string> path = path_of(*mask);
    if (!path.is_ok()) return path.status().at("mask");
    prompt.mask = std::move(path).value();
  }
  if (const JsonValue* clear = json.member("clear_old_points")) {
    Result<bool> value = boolean(*clear);
    if (!value.is_ok()) return value.status().at("clear_old_points");
    prompt.clear_old_points = value.value();
  }
  const bool has_points = !points.empty() || prompt.prompt.box;
  if (!has_points && prompt.mask.empty()) return invalid_input("an empty prompt", "give points, a box or a mask");
  if (has_points && !prompt.mask.empty())
    return invalid_input("a mask beside points or a box", "make two prompts of them: each takes the other's place");
  return prompt;
}

Result<std::vector<TrackPrompt>> parse_unguarded(std::string_view text) {
  constexpr int64_t kTreeBytes = 32;  // of a byte of text such as [1,1]
  const MemoryClaim claim(kTreeBytes * static_cast<int64_t>(text.size()), "the JSON of prompts");
  SAMC_ASSIGN(const JsonDocument document, parse_json(text));
  if (!document.repeated.empty()) return repeated_key_error(document.repeated[0], 0);
  const JsonValue::List* list = document.value.list();
  if (list == nullptr) return invalid_input("not a list of prompts", kExample);
  if (list->empty() || list->size() > kMostPrompts)
    return invalid_input(fmt::format("{} prompts, not 1 to {}", list->size(), kMostPrompts));
  std::vector<TrackPrompt> prompts;
  for (size_t i = 0; i < list->size(); ++i) {
    Result<TrackPrompt> prompt = parse((*list)[i]);
    const std::string where = fmt::format("[{}]", i);
    if (!prompt.is_ok()) return prompt.status().at(where);
    prompt.value().where = where;
    prompts.push_back(std::move(prompt).value());
  }
  return prompts;
}

}  // namespace

Result<std::vector<TrackPrompt>> parse_track_prompts(std::string_view json) {
  return guarded([&] { return parse_unguarded(json); });
}

Result<std::vector<TrackPrompt>> read_track_prompts(const std::string& path) {
  return guarded([&]() -> Result<std::vector<TrackPrompt>> {
    SAMC_ASSIGN(const std::string text, read_text_file(path, kLargestPromptFile));
    Result<std::vector<TrackPrompt>> prompts = parse_unguarded(text);
    if (!prompts.is_ok()) return prompts.status().at(path);
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    for (TrackPrompt& prompt : prompts.value()) {
      prompt.where = fmt::format("{}: {}", path, prompt.where);
      if (!prompt.mask.empty()) prompt.mask = (folder / prompt.mask).string();
    }
    return prompts;
  });
}

}  // namespace samc
