#pragma once
// Text in quotes as MLIR prints it.

#include <charconv>
#include <string>

namespace samc::sophgo {

// MLIR writes what is not printable as \XX, and a backslash as two.
inline std::string unescaped(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "\\\\") == 0) {
      out += text[i++];
      continue;
    }
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '\\' && i + 2 < text.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace samc::sophgo
