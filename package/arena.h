#pragma once
// Places the arena values of a function in one block of memory. The compiler prints the result; the runtime asks again
// for each choice of sizes, so the file holds no offsets.

#include <cstdint>
#include <vector>

#include "package/plan.h"

namespace samc {

constexpr int64_t kArenaAlignment = 64;

struct ArenaPlan {
  std::vector<int64_t> offsets;  // for each value of the function; -1 for what is not in the arena or never written
  int64_t bytes = 0;             // size of the block
  int64_t values = 0;            // how many values (aliases not counted) are placed
  int64_t in_place = 0;          // how many of them stand where an operand of theirs stood
  int64_t bytes_without_reuse = 0;
};

// function must have passed check_function() (package/check.h) and sizes lie in its range. A value lives from the
// operation that writes it to the last one that reads it or an alias of it. Aliases get the offset of their storage.
ArenaPlan plan_arena(const PlanFunction& function, const Sizes& sizes);

// Positions of the operands over which the kernel may write its result: each element of the result depends on only the
// same element of them. Whether such an operand dies there and has the result's size is for the caller to see.
std::vector<int32_t> in_place_operands(const Operation& operation);

}  // namespace samc
