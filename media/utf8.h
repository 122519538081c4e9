#pragma once
// UTF-8, as strictly as Python reads it.

#include <cstddef>
#include <string_view>

namespace samc {

// Bytes of the character that text begins with; 0 when those bytes are no UTF-8: cut off, longer than need be, a
// surrogate, or beyond U+10FFFF.
size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace samc
