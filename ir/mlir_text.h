#pragma once
// What a .mlir file must keep to before MLIR's parser sees it. That parser calls itself for every bracket, for every
// operator of an affine expression and for every alias that an alias names, so a small file can use up the stack; and
// what a few lines of aliases name may be astronomically large when it is printed.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace samc {

constexpr size_t kMostMlirBytes = size_t{64} << 20;
constexpr size_t kDeepestMlirNesting = 100;             // brackets; also aliases within aliases
constexpr size_t kLongestMlirWord = 1024;               // a number, a list of dimensions, a name without quotes
constexpr size_t kMostMlirLocations = size_t{1} << 16;  // that one location alias stands for

// The whole text, in linear time. Errors say the line. What is no MLIR at all passes: the parser's message is better.
Status check_mlir_text(std::string_view text);

// What the parsed text takes, about: an operation is a hundred bytes and may be written in fifteen.
inline int64_t mlir_cost(std::string_view text) { return 16 * static_cast<int64_t>(text.size()); }

}  // namespace samc
