#include "media/prompts.h"

#include <charconv>
#include <cmath>
#include <map>

#include "base/files.h"
#include "base/guard.h"
#include "base/json_document.h"
#include "base/limits.h"
#include "base/memory_budget.h"
#include "base/quote.h"
#include "media/prompt_json.h"

namespace samc {
namespace {

constexpr size_t kMostPictures = 100'000, kMostPrompts = 10'000;

Result<Prompt> parse_prompt(const JsonValue& json) {
  if (json.object() == nullptr)
    return invalid_input("not an object", "write {\"points\": [[x, y]]} or {\"box\": [x0, y0, x1, y1]}");
  SAMC_TRY(check_keys(json, {"points", "labels", "box", "mask_input"}));
  Prompt prompt;
  if (const JsonValue* points = json.member("points"))
    SAMC_TRY(parse_points(*points, PointForm::kPairs, prompt.points));
  if (const JsonValue* labels = json.member("labels")) SAMC_TRY(parse_labels(*labels, prompt.points));
  if (const JsonValue* corners_json = json.member("box")) {
    SAMC_ASSIGN(prompt.box, parse_box_corners(*corners_json));
  }
  SAMC_TRY(check_point_count(prompt.points, prompt.box.has_value()));
  if (const JsonValue* mask = json.member("mask_input")) {
    Result<std::string> path = path_of(*mask);
    if (!path.is_ok()) return path.status().at("mask_input");
    prompt.mask_input = std::move(path).value();
  }
  return prompt;
}

// picture.image stays empty when it cannot be read.
Status parse_picture(const JsonValue& json, PicturePrompts& picture) {
  if (json.object() == nullptr)
    return invalid_input("not an object", "write {\"image\": \"a.jpg\", \"prompts\": [...]}");
  const JsonValue* name = json.member("image");
  if (name == nullptr) {
    SAMC_TRY(check_keys(json, {"image", "prompts", "multimask", "normalized"}));
    return invalid_input("no \"image\"", "name the image's file");
  }
  Result<std::string> image = path_of(*name);
  if (!image.is_ok()) return image.status().at("image");
  picture.image = std::move(image).value();
  SAMC_TRY(check_keys(json, {"image", "prompts", "multimask", "normalized"}));
  for (const char* key : {"multimask", "normalized"}) {
    const JsonValue* given = json.member(key);
    if (given == nullptr) continue;
    Result<bool> value = boolean(*given);
    if (!value.is_ok()) return value.status().at(key);
    (key[0] == 'm' ? picture.multimask : picture.normalized) = value.value();
  }
  const JsonValue* prompts = json.member("prompts");
  const JsonValue::List* list = prompts == nullptr ? nullptr : prompts->list();
  if (list == nullptr || list->empty()) return invalid_input("\"prompts\" is not a list with at least one prompt");
  if (list->size() > kMostPrompts) return invalid_input(fmt::format("prompts: more than {}", kMostPrompts));
  for (size_t i = 0; i < list->size(); ++i) {
    Result<Prompt> prompt = parse_prompt((*list)[i]);
    if (!prompt.is_ok()) return prompt.status().at(fmt::format("prompts[{}]", i));
    picture.prompts.push_back(std::move(prompt).value());
  }
  return Status::ok();
}

// By the entry of "pictures" that it is in: the first of each. An error for one that is in none.
Result<std::map<size_t, Status>> repeated_keys(const JsonDocument& document) {
  std::map<size_t, Status> by_picture;
  for (const RepeatedKey& repeated : document.repeated) {
    const std::vector<std::string>& path = repeated.path;
    if (path.size() < 2 || path[0] != "pictures" || !path[1].starts_with('[')) return repeated_key_error(repeated, 0);
    size_t index = 0;
    std::from_chars(path[1].data() + 1, path[1].data() + path[1].size(), index);
    by_picture.try_emplace(index, repeated_key_error(repeated, 2));
  }
  return by_picture;
}

}  // namespace

static Result<std::vector<PicturePrompts>> parse_prompts_unguarded(std::string_view text) {
  constexpr int64_t kTreeBytes = 32;  // of a byte of text such as [1,1]
  const MemoryClaim claim(kTreeBytes * static_cast<int64_t>(text.size()), "the JSON of prompts");
  SAMC_ASSIGN(const JsonDocument document, parse_json(text));
  const JsonValue& json = document.value;
  SAMC_ASSIGN(const auto repeated, repeated_keys(document));
  const JsonValue* pictures_json = json.member("pictures");
  if (pictures_json == nullptr || pictures_json->list() == nullptr)
    return invalid_input("no list \"pictures\"", "see docs/prompts_json.md");
  SAMC_TRY(check_keys(json, {"pictures"}));
  const JsonValue::List& list = *pictures_json->list();
  if (list.empty() || list.size() > kMostPictures)
    return invalid_input(fmt::format("pictures: {} of them, not 1 to {}", list.size(), kMostPictures));
  std::vector<PicturePrompts> pictures;
  for (size_t i = 0; i < list.size(); ++i) {
    PicturePrompts picture;
    Status status = parse_picture(list[i], picture);
    if (const auto found = repeated.find(i); found != repeated.end()) status = found->second;
    if (!status.is_ok()) picture.fault = status.at(fmt::format("pictures[{}]", i));
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

Result<std::vector<PicturePrompts>> parse_prompts(std::string_view text) {
  return guarded([&] { return parse_prompts_unguarded(text); });
}

static Result<std::vector<PicturePrompts>> read_prompts_unguarded(const std::string& path) {
  SAMC_ASSIGN(const std::string text, read_text_file(path, kLargestPromptFile));
  Result<std::vector<PicturePrompts>> pictures = parse_prompts(text);
  if (!pictures.is_ok()) return pictures.status().at(path);
  for (PicturePrompts& picture : pictures.value()) picture.fault = picture.fault.at(path);
  return pictures;
}

Result<std::vector<PicturePrompts>> read_prompts(const std::string& path) {
  return guarded([&] { return read_prompts_unguarded(path); });
}

Status check_prompt(const Prompt& prompt, double width, double height) {
  const bool is_normalized = width == 1 && height == 1;
  const std::string range =
      is_normalized ? "the image, which runs from 0 to 1" : fmt::format("the image of {} x {}", width, height);
  if (prompt.points.empty() && !prompt.box && prompt.mask_input.empty())
    return invalid_input("an empty prompt", "give a point, a box or a mask input");
  for (const PromptPoint& point : prompt.points)
    if (!(point.x >= 0 && point.x <= width && point.y >= 0 && point.y <= height))
      return invalid_input(fmt::format("point {},{} lies outside {}", point.x, point.y, range),
                           is_normalized ? "leave --normalized out for coordinates in pixels"
                                         : "x runs from 0 to the width, y from 0 to the height");
  if (prompt.box) {
    const auto& [x0, y0, x1, y1] = *prompt.box;
    const std::string text = fmt::format("box {},{},{},{}", x0, y0, x1, y1);
    if (!std::isfinite(x0) || !std::isfinite(y0) || !std::isfinite(x1) || !std::isfinite(y1))
      return invalid_input(text + " is not made of finite numbers");
    if (x0 > x1 || y0 > y1)
      return invalid_input(text + " has its corners swapped", "give x0,y0,x1,y1 with x0 < x1, y0 < y1");
    if (x0 == x1 || y0 == y1) return invalid_input(text + " is empty", "give x0,y0,x1,y1 with x0 < x1, y0 < y1");
    if (x1 <= 0 || y1 <= 0 || x0 >= width || y0 >= height)
      return invalid_input(fmt::format("{} lies outside {}", text, range));
  }
  return Status::ok();
}

}  // namespace samc
