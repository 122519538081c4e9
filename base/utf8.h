#pragma once
// UTF-8, as strictly as Python reads it.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace samc {

struct Utf8Character {
  uint32_t code = 0;
  size_t bytes = 0;  // 0: not UTF-8
};

// The character that text begins with; not UTF-8 is what is cut off, longer than need be, a surrogate, or beyond
// U+10FFFF.
Utf8Character first_utf8_character(std::string_view text);
// Its bytes; 0 when it is no UTF-8.
size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace samc
