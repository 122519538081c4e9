#pragma once
// What `samc inspect` says about the files of Sophgo's chips.

#include <string>

#include "base/status.h"

namespace samc {

Status inspect_bmodel(const std::string& path);
// Top-dialect MLIR of ours or TPU-MLIR's.
Status inspect_mlir(const std::string& path, bool summary);

}  // namespace samc
