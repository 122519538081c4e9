#include "app/sophgo_arguments.h"

#include <nlohmann/json.hpp>

namespace samc {
namespace {

// The text as JSON, within brackets when it has none of its own.
nlohmann::json as_list(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  const bool bare = first == std::string::npos || text[first] != '[';
  return nlohmann::json::parse(bare ? "[" + text + "]" : text, nullptr, false);
}

Status malformed(const std::string& option, const std::string& text, const std::string& example) {
  return usage_error(fmt::format("{} '{}' is not understood", option, text), "write it as " + example);
}

bool all_of_kind(const nlohmann::json& list, bool integers) {
  if (!list.is_array() || list.empty()) return false;
  for (const auto& item : list)
    if (integers ? !item.is_number_integer() : !item.is_number()) return false;
  return true;
}

}  // namespace

Result<std::vector<double>> parse_numbers(const std::string& option, const std::string& text) {
  const nlohmann::json list = as_list(text);
  if (!all_of_kind(list, false)) return malformed(option, text, "123.675,116.28,103.53");
  return list.get<std::vector<double>>();
}

Result<std::vector<int64_t>> parse_integers(const std::string& option, const std::string& text) {
  const nlohmann::json list = as_list(text);
  if (!all_of_kind(list, true)) return malformed(option, text, "1024,1024");
  return list.get<std::vector<int64_t>>();
}

Result<std::vector<Shape>> parse_shapes(const std::string& option, const std::string& text) {
  nlohmann::json list = as_list(text);
  if (all_of_kind(list, true)) list = nlohmann::json::array({list});  // a single shape without the outer brackets
  if (!list.is_array() || list.empty()) return malformed(option, text, "[[1,3,1024,1024]]");
  std::vector<Shape> shapes;
  for (const auto& item : list) {
    if (item.is_array() && item.empty()) {
      shapes.emplace_back();
      continue;
    }
    if (!all_of_kind(item, true)) return malformed(option, text, "[[1,3,1024,1024]]");
    shapes.push_back(item.get<Shape>());
    for (const int64_t extent : shapes.back())
      if (extent < 1) return usage_error(fmt::format("{}: an extent of {} in '{}'", option, extent, text));
  }
  return shapes;
}

std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> names;
  std::string name;
  for (const char c : text + ",") {
    if (c != ',') {
      if (c != ' ') name += c;
    } else if (!name.empty()) {
      names.push_back(std::move(name));
      name.clear();
    }
  }
  return names;
}

Result<std::pair<double, double>> parse_tolerance(const std::string& text) {
  const nlohmann::json list = as_list(text);
  if (!all_of_kind(list, false) || list.size() != 2) return malformed("--tolerance", text, "0.99,0.90");
  const std::pair<double, double> pair{list[0].get<double>(), list[1].get<double>()};
  for (const double value : {pair.first, pair.second})
    if (!(value <= 1.0)) return usage_error(fmt::format("--tolerance {} is above 1", value));
  return pair;
}

}  // namespace samc
