#pragma once

#include <string_view>

namespace samc {

// Names as people count: numbers in them by their value, so frame2 comes before frame10, else byte by byte.
bool comes_before(std::string_view left, std::string_view right);

}  // namespace samc
