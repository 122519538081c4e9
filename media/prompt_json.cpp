#include "media/prompt_json.h"

#include <cmath>
#include <span>

#include "base/limits.h"
#include "base/quote.h"

namespace samc {
namespace {

constexpr auto kMostPoints = static_cast<size_t>(kMostPromptPoints);

Result<bool> parse_label(const JsonValue& value) {
  const double* label = value.number();
  if (label == nullptr || (*label != 0 && *label != 1))
    return invalid_input("a label neither 0 nor 1", "1 belongs to the object, 0 does not");
  return *label == 1;
}

}  // namespace

Status check_keys(const JsonValue& json, const std::set<std::string>& known) {
  for (const auto& [key, value] : *json.object())
    if (!known.contains(key)) {
      std::string names;
      for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
      return invalid_input(fmt::format("unknown key \"{}\"", quote(key)), "known here: " + names);
    }
  return Status::ok();
}

Result<double> number(const JsonValue& value) {
  if (value.number() == nullptr) return invalid_input("not a number");
  if (!std::isfinite(*value.number())) return invalid_input("not a finite number");
  return *value.number();
}

Result<std::string> path_of(const JsonValue& value) {
  if (value.string() == nullptr) return invalid_input("not a string");
  SAMC_ASSIGN(std::string out, file_name(*value.string()));
  if (out.empty() || out.find('\0') != std::string::npos) return invalid_input("not a path");
  return out;
}

Result<bool> boolean(const JsonValue& value) {
  if (value.boolean() == nullptr) return invalid_input("neither true nor false");
  return *value.boolean();
}

Status parse_points(const JsonValue& json, PointForm form, std::vector<PromptPoint>& points) {
  const JsonValue::List* list = json.list();
  if (list == nullptr) return invalid_input("points: not a list", "write [[x, y], ...]");
  if (list->size() > kMostPoints) return invalid_input(fmt::format("points: more than {}", kMostPoints));
  for (size_t i = 0; i < list->size(); ++i) {
    const JsonValue::List* pair = (*list)[i].list();
    const std::string where = fmt::format("points[{}]", i);
    const bool has_label = form == PointForm::kPairsOrLabelled && pair != nullptr && pair->size() == 3;
    if (pair == nullptr || (pair->size() != 2 && !has_label))
      return form == PointForm::kPairs ? invalid_input(where + ": not a pair", "write [x, y]")
                                       : invalid_input(where + ": not two or three numbers", "write [x, y, 1]");
    PromptPoint point;
    for (const size_t axis : {0, 1}) {
      Result<double> value = number((*pair)[axis]);
      if (!value.is_ok()) return value.status().at(where);
      (axis == 0 ? point.x : point.y) = value.value();
    }
    if (has_label) {
      Result<bool> label = parse_label((*pair)[2]);
      if (!label.is_ok()) return label.status().at(where);
      point.positive = label.value();
    }
    points.push_back(point);
  }
  return Status::ok();
}

Status parse_labels(const JsonValue& json, std::vector<PromptPoint>& points) {
  const JsonValue::List* list = json.list();
  if (list == nullptr) return invalid_input("labels: not a list", "write one 0 or 1 for each point");
  if (list->size() != points.size())
    return invalid_input(fmt::format("labels: {} for {} points", list->size(), points.size()),
                         "give one for each point");
  for (size_t i = 0; i < list->size(); ++i) {
    Result<bool> label = parse_label((*list)[i]);
    if (!label.is_ok()) return invalid_input(fmt::format("labels[{}]: neither 0 nor 1", i), label.status().hint());
    points[i].positive = label.value();
  }
  return Status::ok();
}

Result<std::array<double, 4>> parse_box_corners(const JsonValue& json) {
  const JsonValue::List* corners = json.list();
  if (corners == nullptr || corners->size() != 4)
    return invalid_input("box: not four numbers", "write [x0, y0, x1, y1]");
  std::array<double, 4> box{};
  for (size_t i = 0; i < 4; ++i) {
    Result<double> value = number((*corners)[i]);
    if (!value.is_ok()) return value.status().at(fmt::format("box[{}]", i));
    box[i] = value.value();
  }
  return box;
}

Status check_point_count(const std::vector<PromptPoint>& points, bool has_box) {
  if (has_box && points.size() + 2 > kMostPoints)
    return invalid_input(
        fmt::format("{} points and a box: more than {}, where a box counts as two", points.size(), kMostPoints));
  return Status::ok();
}

Status repeated_key_error(const RepeatedKey& repeated, size_t steps) {
  std::string where;
  for (const std::string& step : std::span(repeated.path).subspan(steps))
    where += fmt::format("{}{}", where.empty() || step.starts_with('[') ? "" : ".", quote(step));
  const Status status =
      invalid_input(fmt::format("the key \"{}\" stands twice", quote(repeated.key)), "keep one of the two");
  return where.empty() ? status : status.at(where);
}

}  // namespace samc
