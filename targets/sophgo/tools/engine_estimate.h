#pragma once
// The compiler's own estimate of a bmodel's speed: the end of the compiler_profile_*.txt that tpuc-opt leaves.

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace samc::sophgo {

// bm1684x's profile has neither the engines' own cycles nor the size of the traffic: 0 then.
struct EngineEstimate {
  double total_cycles = 0;
  double compute_cycles = 0;  // in which the compute engine is busy
  double dma_cycles = 0;      // in which the DMA engine is busy
  double ddr_megabytes = 0;
  double ddr_usage_percent = 0;
  double flops = 0;
  double milliseconds = 0;
};

// The whole file may be 70 MB; its last kilobytes are enough.
Result<EngineEstimate> parse_engine_estimate(std::string_view text);
// One for each core: compiler_profile_0.txt, compiler_profile_1.txt ... of the folder. None is an error.
Result<std::vector<EngineEstimate>> read_engine_estimates(const std::string& folder);

}  // namespace samc::sophgo
