#include "targets/sophgo/device/run_on_device.h"

#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "base/files.h"
#include "media/npz.h"
#include "targets/sophgo/tools/child_process.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

constexpr const char* kErrorMark = "samc-run-bmodel: ";

std::string error_in(const std::string& log) {
  std::istringstream lines(log);
  std::string found;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(kErrorMark)) found = line.substr(std::strlen(kErrorMark));
  return found;
}

}  // namespace

Result<std::string> find_bmodel_runner(const std::string& given) {
  std::error_code error;
  fs::path path = given;
  if (given.empty()) path = fs::read_symlink("/proc/self/exe", error).parent_path() / "samc-run-bmodel";
  if (::access(path.c_str(), X_OK) != 0)
    return io_error(fmt::format("{} is not there", path.string()), "it is built and installed with samc");
  return path.string();
}

Result<NamedTensors> simulate(const TpuMlir& tools, const ChipEntry& chip, const std::string& bmodel,
                              const NamedViews& inputs, const SimulateOptions& options) {
  SAMC_ASSIGN(const BmodelDevice device, find_device("sim", chip.name, tools.root));
  return run_bmodel(device, bmodel, inputs, options);
}

Result<NamedTensors> run_bmodel(const BmodelDevice& device, const std::string& bmodel, const NamedViews& inputs,
                                const SimulateOptions& options) {
  SAMC_ASSIGN(const std::string runner, find_bmodel_runner(options.runner));
  std::error_code error;
  SAMC_ASSIGN(const TemporaryFolder work, TemporaryFolder::create("samc-run"));
  if (device.is_simulator()) {
    fs::create_symlink(device.simulator, work.file("libcmodel.so"), error);
    if (error) return io_error(fmt::format("cannot link {}: {}", work.file("libcmodel.so"), error.message()));
  }
  const fs::path model = fs::canonical(bmodel, error);
  if (error) return io_error(fmt::format("cannot find {}: {}", bmodel, error.message()));
  const std::vector<std::pair<std::string, TensorView>> arrays(inputs.begin(), inputs.end());
  SAMC_TRY(write_npz(work.file("inputs.npz"), arrays, NpzCompression::kStored));

  ChildProcess child;
  child.arguments = {runner,
                     device.is_simulator() ? "sim" : "chip",
                     device.libraries,
                     model.string(),
                     work.file("inputs.npz"),
                     work.file("outputs.npz")};
  if (device.is_simulator())
    child.environment = device.tools.environment(work.path(), work.path());
  else
    child.environment = {"PATH=/usr/bin:/bin", "HOME=" + work.path(), "LC_ALL=C",
                         "LD_LIBRARY_PATH=" + device.libraries};
  child.folder = work.path();
  child.log = work.file("log");
  child.waiting = options.waiting;
  child.seconds = options.seconds;
  SAMC_ASSIGN(const ChildResult result, run_child(child));
  if (result.timed_out)
    return io_error(fmt::format("{} in {}: not done within {:g} s", bmodel, device.description, *options.seconds),
                    "--device-timeout gives it more time");
  const Result<std::string> log = read_text_file(child.log, size_t{64} << 20);
  if (result.exit_code != 0) {
    std::string message = log.is_ok() ? error_in(log.value()) : "";
    if (message.empty())
      message = result.signal != 0 ? fmt::format("ended by signal {} ({})", result.signal, ::strsignal(result.signal))
                                   : fmt::format("exit code {}", result.exit_code);
    return invalid_input(fmt::format("{} in {}: {}", bmodel, device.description, message));
  }
  SAMC_ASSIGN(const Npz npz, Npz::read(work.file("outputs.npz")));
  NamedTensors outputs;
  for (const auto& [name, tensor] : npz.arrays()) outputs[name] = Tensor::copy_of(tensor.view());
  return outputs;
}

}  // namespace samc::sophgo
