#pragma once
// What an observer of a model's operations hears.

#include <chrono>
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
  double bytes = 0;       // of its operands and results, each once: the least that it moves
  std::string blocking;   // "252 x 384 x 96": rows, columns and k of a product's blocks; empty: it is not cut so
  std::chrono::steady_clock::time_point begin;
};
using OperationObserver = std::function<void(const OperationTiming&)>;

}  // namespace samc
