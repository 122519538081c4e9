#include "targets/sophgo/device/device.h"

#include <fmt/ranges.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "targets/sophgo/tools/deploy.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDeviceFiles[] = {"/dev/bm-sophon0", "/dev/bm-tpu0", "/dev/bmdev-ctl"};

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

}  // namespace

std::string libsophon_folder() {
  const char* given = std::getenv("SAMC_LIBSOPHON");
  return given != nullptr && *given != '\0' ? given : "/opt/sophon/libsophon-current";
}

std::string device_file_names() {
  return fmt::format("{} and {}", fmt::join(std::begin(kDeviceFiles), std::end(kDeviceFiles) - 1, ", "),
                     *std::rbegin(kDeviceFiles));
}

std::string device_file() {
  for (const char* file : kDeviceFiles)
    if (exists(file)) return file;
  return "";
}

Result<BmodelDevice> find_device(const std::string& wanted, const std::string& chip,
                                 const std::optional<std::string>& tpu_mlir) {
  if (wanted != "auto" && wanted != "chip" && wanted != "sim")
    return usage_error("--device " + wanted + " is not known", "use auto, chip or sim");
  const std::string libraries = libsophon_folder() + "/lib", runtime = libraries + "/libbmrt.so";
  if (wanted == "chip" && !exists(runtime))
    return io_error("no runtime of Sophgo's: there is no " + runtime,
                    "install libsophon, name its folder in SAMC_LIBSOPHON, or use --device sim");
  if (wanted == "chip" || (exists(runtime) && !device_file().empty() && wanted == "auto"))
    return BmodelDevice{libraries, "", fmt::format("the chip, by {}", libraries), {}};
  SAMC_ASSIGN(const ChipEntry* entry, find_chip(chip));
  SAMC_ASSIGN(TpuMlir tools, find_tpu_mlir(tpu_mlir));
  const std::string simulator = tools.library(entry->simulator);
  if (!exists(simulator))
    return io_error(fmt::format("the simulator of {} is not there: no {}", entry->name, simulator),
                    "scripts/get-tpu-mlir fetches it");
  return BmodelDevice{tools.root + "/lib", simulator, fmt::format("the simulator of {}", entry->name), tools};
}

}  // namespace samc::sophgo
