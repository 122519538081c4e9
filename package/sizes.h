#pragma once
// The free sizes of a function by name.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "package/plan.h"

namespace samc {

struct NamedSize {
  std::string_view name;
  int64_t value = 0;
};

// Each free size of the function must be given once, within its range, and nothing else.
Result<Sizes> choose_sizes(const PlanFunction& function, const std::vector<NamedSize>& given);

// The least sizes, the greatest, and the least with each in turn greater by one: where what is affine in the sizes is
// looked at before any are chosen.
std::vector<Sizes> witnesses(const PlanFunction& function);

// The same by name, for choose_sizes().
std::vector<NamedSize> name_sizes(const PlanFunction& function, const Sizes& sizes);

bool in_range(const PlanFunction& function, const Sizes& sizes);

// "3 points", "2 points, 7168 memory_tokens"; "its one size" of a function without any.
std::string sizes_to_string(const PlanFunction& function, const Sizes& sizes);
// "points + 2", "64"
std::string extent_to_string(const PlanFunction& function, const Extent& extent);

}  // namespace samc
