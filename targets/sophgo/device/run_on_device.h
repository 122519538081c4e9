#pragma once
// A bmodel run on Sophgo's chip or in the simulator of one, by a child process of its own (samc-run-bmodel): the
// simulator's libraries find each other by one fixed name, so that a process can load those of one chip only.

#include <functional>
#include <optional>
#include <string>

#include "base/named_tensors.h"
#include "base/status.h"
#include "targets/sophgo/device/device.h"
#include "targets/sophgo/tools/deploy.h"
#include "targets/sophgo/tools/tpu_mlir.h"

namespace samc::sophgo {

// The program; given: its path, or "" for the one beside this program.
Result<std::string> find_bmodel_runner(const std::string& given);

struct SimulateOptions {
  std::string runner = {};             // samc-run-bmodel; empty: beside this program
  std::optional<double> seconds = {};  // that it may take
  std::function<void(double seconds)> waiting = {};
};

// Inputs by the bmodel's names (with or without "_raw"), f32, converted to what the bmodel takes; outputs as f32.
Result<NamedTensors> run_bmodel(const BmodelDevice& device, const std::string& bmodel, const NamedViews& inputs,
                                const SimulateOptions& options = {});

// The same in the simulator of a chip.
Result<NamedTensors> simulate(const TpuMlir& tools, const ChipEntry& chip, const std::string& bmodel,
                              const NamedViews& inputs, const SimulateOptions& options = {});

}  // namespace samc::sophgo
