#pragma once
// What an observer of a model's operations hears.

#include <functional>
#include <string>
#include <string_view>

#include "base/precision.h"

namespace samc {

// One operation that has run: for `samc bench`.
struct OperationTiming {
  std::string_view function;
  std::string_view name;    // "trunk.blocks.3.attn.qkv"
  std::string_view kernel;  // "matmul"
  Precision precision = Precision::kF32;
  std::string variant;  // the instructions of what ran: "avx512"
  double milliseconds = 0;
  double arithmetic = 0;  // multiplications and additions
};
using OperationObserver = std::function<void(const OperationTiming&)>;

}  // namespace samc
