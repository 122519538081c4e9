#include "targets/sophgo/device/part_runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "targets/sophgo/device/bmodel_runner.h"
#include "targets/sophgo/device/bmodel_values.h"
#include "targets/sophgo/device/run_on_device.h"

namespace samc::sophgo {
namespace {

class SimulatedPart : public PartRunner {
 public:
  SimulatedPart(BmodelDevice device, std::string bmodel, std::string what, PartRunnerOptions options)
      : device_(std::move(device)), bmodel_(std::move(bmodel)), what_(std::move(what)), options_(std::move(options)) {}

  Result<NamedTensors> run(const NamedViews& inputs) override {
    SimulateOptions options;
    options.runner = options_.runner;
    options.seconds = options_.seconds;
    if (options_.waiting) options.waiting = [&](double seconds) { options_.waiting(what_, seconds); };
    return run_bmodel(device_, bmodel_, inputs, options);
  }

 private:
  BmodelDevice device_;
  std::string bmodel_, what_;
  PartRunnerOptions options_;
};

class ChipPart : public PartRunner {
 public:
  ChipPart(std::shared_ptr<ChipNetwork> network, ChipBuffers inputs, ChipBuffers outputs)
      : network_(std::move(network)), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}

  Result<NamedTensors> run(const NamedViews& inputs) override {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const ChipTensor& taken = network_->inputs()[i];
      SAMC_ASSIGN(const TensorView value, value_for(taken, inputs, network_->path()));
      write_bmodel_values(value.f32(), taken.type, inputs_[i]->host());
    }
    SAMC_TRY(network_->run(inputs_, inputs_, outputs_, outputs_));
    NamedTensors results;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const ChipTensor& given = network_->outputs()[i];
      Tensor tensor(given.shape);
      read_bmodel_values(outputs_[i]->host(), given.type, tensor.f32());
      results[given.name] = std::move(tensor);
    }
    return results;
  }

 private:
  std::shared_ptr<ChipNetwork> network_;
  ChipBuffers inputs_, outputs_;
};

}  // namespace

Result<TensorView> value_for(const ChipTensor& input, const NamedViews& values, const std::string& bmodel) {
  for (const auto& [name, value] : values) {
    if (!is_bmodel_name(input.name, name)) continue;
    if (value.count() == element_count(input.shape)) return value;
    return invalid_input(fmt::format("{}: {} is {}, not {}", bmodel, input.name, shape_to_string(value.shape),
                                     shape_to_string(input.shape)));
  }
  return invalid_input(fmt::format("{} takes {}, which is not given", bmodel, input.name));
}

Result<std::shared_ptr<Chip>> open_chip(const std::string& bmodel, const std::string& bmodels_chip,
                                        std::optional<double> seconds, BmodelDevice& device) {
  ChipOptions options{device.libraries, false, seconds.value_or(kUsualChipSeconds)};
  SAMC_ASSIGN(std::shared_ptr<Chip> chip, Chip::open(options));
  const Result<const ChipEntry*> here = find_chip(chip->name()), meant = find_chip(bmodels_chip);
  if (here.is_ok() && meant.is_ok() && here.value() != meant.value())
    return invalid_input(fmt::format("{} is for {}, and the chip here is a {}", bmodel, bmodels_chip, chip->name()),
                         fmt::format("make bmodels for it: samc deploy-all --chip {}", here.value()->name));
  device.description = fmt::format("{}, by {}", chip->name(), device.libraries);
  return chip;
}

std::unique_ptr<PartRunner> make_simulated_part(const BmodelDevice& device, const std::string& bmodel,
                                                const std::string& what, const PartRunnerOptions& options) {
  return std::make_unique<SimulatedPart>(device, bmodel, what, options);
}

Result<std::unique_ptr<PartRunner>> make_chip_part(const std::shared_ptr<Chip>& chip, const std::string& bmodel) {
  SAMC_ASSIGN(std::shared_ptr<ChipNetwork> network, ChipNetwork::load(chip, bmodel));
  SAMC_ASSIGN(ChipBuffers inputs, network->make_buffers(network->inputs()));
  SAMC_ASSIGN(ChipBuffers outputs, network->make_buffers(network->outputs()));
  return std::unique_ptr<PartRunner>(
      std::make_unique<ChipPart>(std::move(network), std::move(inputs), std::move(outputs)));
}

}  // namespace samc::sophgo
