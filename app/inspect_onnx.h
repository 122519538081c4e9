#pragma once
// What `samc inspect` says about ONNX models.

#include <string>

#include "base/status.h"

namespace samc {

Status inspect_onnx(const std::string& path, bool summary);

}  // namespace samc
