#pragma once
// What `samc inspect` says about IR in text: Top-dialect MLIR of ours or TPU-MLIR's with its weights beside it, or what
// `samc compile --until` prints.

#include <string>

#include "base/status.h"

namespace samc {

Status inspect_mlir(const std::string& path, bool summary);

}  // namespace samc
