#pragma once
// Text for a terminal: names from files and from the file system may hold anything, and a terminal must not obey them.

#include <string>
#include <string_view>

namespace samc {

// The same text without what a terminal acts on: control characters (C0, DEL, C1) become spaces, marks that turn the
// direction of writing and bytes that are no UTF-8 become U+FFFD. One line: line breaks become spaces too.
std::string printable(std::string_view text);
// The same, but line breaks stay.
std::string printable_lines(std::string_view text);

}  // namespace samc
