#include "app/inspect_sophgo.h"

#include <fmt/ranges.h>

#include "app/console.h"
#include "targets/sophgo/device/bmodel.h"

namespace samc {
namespace {

using namespace sophgo;

void print_tensors(const char* kind, const std::vector<BmodelTensor>& tensors) {
  for (const BmodelTensor& tensor : tensors) {
    say("      {:<6} {:<24} {} {}", kind, tensor.name, bmodel_type_name(tensor.type), shape_to_string(tensor.shape));
    if (tensor.scale != 1.0f || tensor.zero_point != 0)
      say(", scale {}, zero point {}", tensor.scale, tensor.zero_point);
    say("\n");
  }
}

}  // namespace

Status inspect_bmodel(const std::string& path) {
  SAMC_ASSIGN(const Bmodel model, Bmodel::read(path));
  const auto bytes = [](uint64_t count) { return human_bytes(static_cast<double>(count)); };
  say("{}: a bmodel for {}, {}\n", path, model.chip, bytes(model.file_bytes));
  say("  version     {}\n", model.version);
  say("  made        {}\n", model.time);
  if (!model.kernel_module.empty()) say("  kernels     {}, {}\n", model.kernel_module, bytes(model.kernel_bytes));
  for (const BmodelNetwork& network : model.networks) {
    say("  network {}: address mode {}\n", network.name, bmodel_address_mode_name(network.address_mode));
    for (size_t i = 0; i < network.stages.size(); ++i) {
      const BmodelStage& stage = network.stages[i];
      say("    stage {}: {}, {} {}, weights {}, commands {}, activations {}\n", i,
          stage.is_dynamic ? "dynamic" : "static", stage.cores, stage.cores == 1 ? "core" : "cores",
          bytes(stage.weight_bytes), bytes(stage.command_bytes), bytes(stage.neuron_bytes));
      print_tensors("input", stage.inputs);
      print_tensors("output", stage.outputs);
    }
  }
  return Status::ok();
}

}  // namespace samc
