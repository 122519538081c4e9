#pragma once
// How the memory attention is to be written for a chip: options of transform and deploy-all.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "base/status.h"
#include "targets/sophgo/transform.h"

namespace samc {

struct MemoryArguments {
  std::string form, exponentials;      // empty: chosen
  int64_t memories = 0, pointers = 0;  // 0: what tracking from one prompted frame needs
  int cores = 1;

  // All but --num_core, which deploy-all has for other reasons.
  void add_to(CLI::App& command);
  void add_cores_to(CLI::App& command);
  bool is_given() const;
  Result<sophgo::MemoryTransform> options() const;
};

}  // namespace samc
