#pragma once
// The same operations by oneDNN, with weights already in the layout that it likes best.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "base/status.h"
#include "bench/shapes.h"

namespace samc {

// One operation, ready to run as often as one likes. Owns its operands.
struct OneDnnOperation {
  std::function<void()> run;
  std::vector<float> dst;      // of the last run, row-major like ours
  std::string implementation;  // what oneDNN says it chose
  std::shared_ptr<void> keep_alive;
};

// Holds oneDNN to the given set and number of threads. Before anything else.
Status limit_onednn(const Isa& isa, int threads);
Result<std::unique_ptr<OneDnnOperation>> make_onednn(const BenchShape& shape, const BenchData& data);

}  // namespace samc
