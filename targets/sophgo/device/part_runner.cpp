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

  Result<NamedTensors> run_and_keep(const NamedViews& inputs, std::shared_ptr<const DeviceEmbedding>& kept) override {
    kept.reset();
    return run(inputs, nullptr);
  }
  Result<NamedTensors> run(const NamedViews& inputs, const DeviceEmbedding*) override {
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

// Buffers for a network's outputs, of which each call that keeps its own takes a set.
struct OutputPool {
  std::shared_ptr<ChipNetwork> network;
  std::vector<ChipBuffers> idle;

  Result<ChipBuffers> take() {
    if (idle.empty()) return network->make_buffers(network->outputs());
    ChipBuffers buffers = std::move(idle.back());
    idle.pop_back();
    return buffers;
  }
};

// Outputs on the chip, each known by where the same values lie in this processor's memory.
class KeptOutputs : public DeviceEmbedding {
 public:
  KeptOutputs(std::shared_ptr<OutputPool> pool, ChipBuffers buffers)
      : hosts(buffers.size()), pool_(std::move(pool)), buffers_(std::move(buffers)) {}
  ~KeptOutputs() override { pool_->idle.push_back(std::move(buffers_)); }
  KeptOutputs(const KeptOutputs&) = delete;
  KeptOutputs& operator=(const KeptOutputs&) = delete;

  const ChipBuffers& buffers() const { return buffers_; }
  // Of these values in the type that is asked for, else null.
  std::shared_ptr<ChipBuffer> find(const TensorView& value, const ChipTensor& wanted) const {
    for (size_t i = 0; i < hosts.size(); ++i) {
      const ChipTensor& here = pool_->network->outputs()[i];
      if (hosts[i] == value.data && here.type == wanted.type && here.bytes == wanted.bytes) return buffers_[i];
    }
    return nullptr;
  }

  std::vector<const void*> hosts;  // by output

 private:
  std::shared_ptr<OutputPool> pool_;
  ChipBuffers buffers_;
};

class ChipPart : public PartRunner {
 public:
  ChipPart(std::shared_ptr<ChipNetwork> network, ChipBuffers inputs)
      : network_(std::move(network)),
        inputs_(std::move(inputs)),
        is_sent_(inputs_.size()),
        pool_(std::make_shared<OutputPool>(OutputPool{network_, {}})) {}

  Result<NamedTensors> run(const NamedViews& inputs, const DeviceEmbedding* kept) override {
    SAMC_ASSIGN(ChipBuffers outputs, pool_->take());
    auto results = run_into(inputs, dynamic_cast<const KeptOutputs*>(kept), outputs);
    pool_->idle.push_back(std::move(outputs));
    return results;
  }

  Result<NamedTensors> run_and_keep(const NamedViews& inputs, std::shared_ptr<const DeviceEmbedding>& kept) override {
    kept.reset();
    SAMC_ASSIGN(ChipBuffers outputs, pool_->take());
    const auto made = std::make_shared<KeptOutputs>(pool_, std::move(outputs));
    SAMC_ASSIGN(NamedTensors results, run_into(inputs, nullptr, made->buffers()));
    for (size_t i = 0; i < made->hosts.size(); ++i) made->hosts[i] = results.at(network_->outputs()[i].name).data();
    kept = made;
    return results;
  }

 private:
  Result<NamedTensors> run_into(const NamedViews& inputs, const KeptOutputs* kept, const ChipBuffers& outputs) {
    ChipBuffers used = inputs_, uploads;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const ChipTensor& taken = network_->inputs()[i];
      SAMC_ASSIGN(const TensorView value, value_for(taken, inputs, network_->path()));
      if (std::shared_ptr<ChipBuffer> there = kept == nullptr ? nullptr : kept->find(value, taken); there != nullptr) {
        used[i] = std::move(there);
        continue;
      }
      const std::span<std::byte> host = inputs_[i]->host();
      converted_.resize(host.size());
      write_bmodel_values(value.f32(), taken.type, converted_);
      if (is_sent_[i] && std::ranges::equal(converted_, host)) continue;
      std::ranges::copy(converted_, host.begin());
      is_sent_[i] = true;
      uploads.push_back(inputs_[i]);
    }
    if (const Status status = network_->run(used, uploads, outputs, outputs); !status.is_ok()) {
      is_sent_.assign(is_sent_.size(), false);  // it is not known what arrived
      return status;
    }
    NamedTensors results;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const ChipTensor& given = network_->outputs()[i];
      Tensor tensor(given.shape);
      read_bmodel_values(outputs[i]->host(), given.type, tensor.f32());
      results[given.name] = std::move(tensor);
    }
    return results;
  }

  std::shared_ptr<ChipNetwork> network_;
  ChipBuffers inputs_;
  std::vector<bool> is_sent_;  // by input: what its buffer holds is on the chip
  std::vector<std::byte> converted_;
  std::shared_ptr<OutputPool> pool_;
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
  return std::unique_ptr<PartRunner>(std::make_unique<ChipPart>(std::move(network), std::move(inputs)));
}

}  // namespace samc::sophgo
