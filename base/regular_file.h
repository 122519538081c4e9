#pragma once
// What is no regular file cannot be read as one: a folder has no bytes, a pipe or a device has no size and may never
// end.

#include <cstdint>
#include <string>

#include "base/status.h"

namespace samc {

// The bytes of an open file; an error, that says what to do, when it is no regular one. path: for messages.
Result<uint64_t> size_of_regular_file(int descriptor, const std::string& path);

}  // namespace samc
