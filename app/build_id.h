#pragma once
// Which samc this is.

#include <string>

namespace samc {

const char* version();
// The linker's hash of the executable or library that holds this code, in hexadecimal: another compiler, another id, so
// that cached modules of an older one are not taken.
const std::string& build_id();
// What --version prints.
std::string version_line(const std::string& program);

}  // namespace samc
