#pragma once
// One bmodel after the other as functions of all their inputs: on the chip, in this process, where each is loaded once;
// or in its simulator, in a process for each call, which loads it anew.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/named_tensors.h"
#include "base/status.h"
#include "runtime/image_model.h"
#include "targets/sophgo/device/chip.h"
#include "targets/sophgo/device/device.h"

namespace samc::sophgo {

inline constexpr double kUsualChipSeconds = 60;

struct PartRunnerOptions {
  std::string runner = {};  // samc-run-bmodel; empty: beside this program
  std::optional<double> seconds =
      {};  // that a call may take; nothing: kUsualChipSeconds, and any time in the simulator
  std::function<void(const std::string& what, double seconds)> waiting = {};
};

class PartRunner {
 public:
  virtual ~PartRunner() = default;
  // Every input by the model's names, f32; every output by the bmodel's. kept: of run_and_keep() of another part, or
  // null. An input that is one of the tensors which that gave is read where it lies on the chip.
  virtual Result<NamedTensors> run(const NamedViews& inputs, const DeviceEmbedding* kept) = 0;
  // The outputs stay on the chip too as long as `kept` does; null where nothing stays.
  virtual Result<NamedTensors> run_and_keep(const NamedViews& inputs, std::shared_ptr<const DeviceEmbedding>& kept) = 0;
};

// The chip of this machine, which must be the one that the bmodel is for. The device's description gets its name.
Result<std::shared_ptr<Chip>> open_chip(const std::string& bmodel, const std::string& bmodels_chip,
                                        std::optional<double> seconds, BmodelDevice& device);

// what: "encoding", for options.waiting.
std::unique_ptr<PartRunner> make_simulated_part(const BmodelDevice& device, const std::string& bmodel,
                                                const std::string& what, const PartRunnerOptions& options);
// An input goes up when its bytes are others than in the call before; every output comes down.
Result<std::unique_ptr<PartRunner>> make_chip_part(const std::shared_ptr<Chip>& chip, const std::string& bmodel);

}  // namespace samc::sophgo
