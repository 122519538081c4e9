#pragma once
// What a message repeats of its input: a name from a file may be as long as the file and hold anything.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace samc {

// text, its middle left out where it is longer than `most` bytes: "aaa ... (9,000 bytes) ... zzz". No UTF-8 character
// is cut in two.
std::string shortened(std::string_view text, size_t most);

// A name or value for a message: at most kLongestQuote bytes of it, control characters as '?'.
std::string quote(std::string_view text);

}  // namespace samc
