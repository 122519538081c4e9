#include "package/sizes.h"

#include <fmt/format.h>

#include "base/quote.h"

namespace samc {

Result<Sizes> choose_sizes(const PlanFunction& function, const std::vector<NamedSize>& given) {
  Sizes chosen{};
  for (size_t i = 0; i < function.sizes.size(); ++i) {
    const FreeSize& size = function.sizes[i];
    size_t found = 0;
    for (const NamedSize& candidate : given) {
      if (candidate.name != size.name) continue;
      chosen[i] = candidate.value;
      ++found;
    }
    if (found != 1)
      return invalid_input(
          fmt::format("{} needs its number of {} once, not {} times", function.name, size.name, found));
    if (chosen[i] < size.least || chosen[i] > size.greatest)
      return invalid_input(
          fmt::format("{} takes {} to {} {}, not {}", function.name, size.least, size.greatest, size.name, chosen[i]));
  }
  for (const NamedSize& candidate : given) {
    bool known = false;
    for (const FreeSize& size : function.sizes) known = known || size.name == candidate.name;
    if (!known)
      return invalid_input(fmt::format("{} has no size {}", function.name, quote(std::string(candidate.name))));
  }
  return chosen;
}

std::vector<Sizes> witnesses(const PlanFunction& function) {
  std::vector<Sizes> result{function.least()};
  for (size_t i = 0; i < function.sizes.size(); ++i) {
    if (function.sizes[i].least == function.sizes[i].greatest) continue;
    result.push_back(function.least());
    ++result.back()[i];
  }
  result.push_back(function.greatest());
  return result;
}

std::vector<NamedSize> name_sizes(const PlanFunction& function, const Sizes& sizes) {
  std::vector<NamedSize> named;
  for (size_t i = 0; i < function.sizes.size(); ++i) named.push_back({function.sizes[i].name, sizes[i]});
  return named;
}

bool in_range(const PlanFunction& function, const Sizes& sizes) {
  for (size_t i = 0; i < kMostSizes; ++i) {
    const int64_t least = i < function.sizes.size() ? function.sizes[i].least : 0;
    const int64_t greatest = i < function.sizes.size() ? function.sizes[i].greatest : 0;
    if (sizes[i] < least || sizes[i] > greatest) return false;
  }
  return true;
}

std::string sizes_to_string(const PlanFunction& function, const Sizes& sizes) {
  if (function.sizes.empty()) return "its one size";
  std::string text;
  for (size_t i = 0; i < function.sizes.size(); ++i)
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", sizes[i], function.sizes[i].name);
  return text;
}

std::string extent_to_string(const PlanFunction& function, const Extent& extent) {
  std::string text;
  for (size_t i = 0; i < function.sizes.size(); ++i) {
    if (extent.steps[i] == 0) continue;
    if (!text.empty()) text += " + ";
    if (extent.steps[i] != 1) text += fmt::format("{} ", extent.steps[i]);
    text += function.sizes[i].name;
  }
  if (text.empty()) return fmt::format("{}", extent.base);
  return extent.base == 0 ? text : fmt::format("{} + {}", text, extent.base);
}

}  // namespace samc
