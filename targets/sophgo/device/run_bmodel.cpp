// samc-run-bmodel sim|chip LIBRARIES MODEL.bmodel INPUTS.npz OUTPUTS.npz
// Runs a bmodel once through libbmrt, loaded from the folder LIBRARIES: on the chip, or in a simulator. Which chip's
// simulator answers is decided by the libcmodel.so that stands first in LD_LIBRARY_PATH. Failures are one line on
// stderr and exit code 1.

#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdio>

#include "media/npz.h"
#include "targets/sophgo/device/bmodel_values.h"
#include "targets/sophgo/device/chip.h"

namespace samc::sophgo {
namespace {

Result<const Tensor*> find_input(const Npz& npz, const std::string& name) {
  if (const Tensor* tensor = npz.find(name)) return tensor;
  if (name.ends_with("_raw"))
    if (const Tensor* tensor = npz.find(name.substr(0, name.size() - 4))) return tensor;
  return npz.get(name);
}

Status run(bool simulator, const std::string& folder, const std::string& model, const std::string& input_path,
           const std::string& output_path) {
  SAMC_ASSIGN(const Npz npz, Npz::read(input_path));
  SAMC_ASSIGN(const std::shared_ptr<Chip> chip, Chip::open({folder, simulator, {}}));
  SAMC_ASSIGN(const std::shared_ptr<ChipNetwork> network, ChipNetwork::load(chip, model));
  SAMC_ASSIGN(const ChipBuffers inputs, network->make_buffers(network->inputs()));
  SAMC_ASSIGN(const ChipBuffers outputs, network->make_buffers(network->outputs()));
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ChipTensor& input = network->inputs()[i];
    SAMC_ASSIGN(const Tensor* given, find_input(npz, input.name));
    if (given->count() != element_count(input.shape))
      return invalid_input(fmt::format("input {} is {}, not {}", input.name, shape_to_string(given->shape()),
                                       shape_to_string(input.shape)));
    if (given->dtype() != DType::kF32) return invalid_input(fmt::format("input {} is not f32", input.name));
    write_bmodel_values(given->f32(), input.type, inputs[i]->host());
  }
  SAMC_TRY(network->run(inputs, inputs, outputs, outputs));
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < outputs.size(); ++i) {
    tensors.emplace_back(network->outputs()[i].shape);
    read_bmodel_values(outputs[i]->host(), network->outputs()[i].type, tensors.back().f32());
  }
  std::vector<std::pair<std::string, TensorView>> arrays;
  for (size_t i = 0; i < outputs.size(); ++i) arrays.emplace_back(network->outputs()[i].name, tensors[i].view());
  return write_npz(output_path, arrays, NpzCompression::kStored);
}

}  // namespace
}  // namespace samc::sophgo

int main(int count, char** arguments) {
  const std::string device = count == 6 ? arguments[1] : "";
  if (device != "sim" && device != "chip") {
    std::fputs("samc-run-bmodel: sim|chip LIBRARIES MODEL.bmodel INPUTS.npz OUTPUTS.npz\n", stderr);
    return 2;
  }
  const samc::Status status =
      samc::sophgo::run(device == "sim", arguments[2], arguments[3], arguments[4], arguments[5]);
  if (!status.is_ok()) std::fprintf(stderr, "samc-run-bmodel: %s\n", status.to_string().c_str());
  std::fflush(nullptr);
  // The simulator of bm1688 takes seconds to shut down, for nothing.
  ::_exit(status.is_ok() ? 0 : 1);
}
