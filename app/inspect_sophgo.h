#pragma once
// What `samc inspect` says about the files of Sophgo's chips.

#include <string>

#include "base/status.h"

namespace samc {

Status inspect_bmodel(const std::string& path);

}  // namespace samc
