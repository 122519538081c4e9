#include "targets/sophgo/device/device.h"

#include <fmt/format.h>

#include <filesystem>

#include "targets/sophgo/tools/deploy.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

// Where libsophon installs itself.
constexpr const char* kVendorFolder = "/opt/sophon/libsophon-current/lib";
constexpr const char* kDeviceFiles[] = {"/dev/bm-sophon0", "/dev/bm-tpu0", "/dev/bmdev-ctl"};

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string device_file() {
  for (const char* file : kDeviceFiles)
    if (exists(file)) return file;
  return "";
}

BmodelDevice chip_itself() { return {kVendorFolder, "", fmt::format("the chip, by {}", kVendorFolder), {}}; }

}  // namespace

Result<BmodelDevice> find_device(const std::string& wanted, const std::string& chip,
                                 const std::optional<std::string>& tpu_mlir) {
  if (wanted != "auto" && wanted != "chip" && wanted != "sim")
    return usage_error("--device " + wanted + " is not known", "use auto, chip or sim");
  const std::string runtime = std::string(kVendorFolder) + "/libbmrt.so";
  if (wanted == "chip") {
    if (!exists(runtime))
      return io_error("no runtime of Sophgo's: there is no " + runtime, "install libsophon, or use --device sim");
    if (device_file().empty())
      return io_error("no chip: none of /dev/bm-sophon0, /dev/bm-tpu0 and /dev/bmdev-ctl is there",
                      "use --device sim for the simulator");
    return chip_itself();
  }
  if (wanted == "auto" && exists(runtime) && !device_file().empty()) return chip_itself();
  SAMC_ASSIGN(const ChipEntry* entry, find_chip(chip));
  SAMC_ASSIGN(TpuMlir tools, find_tpu_mlir(tpu_mlir));
  const std::string simulator = tools.library(entry->simulator);
  if (!exists(simulator))
    return io_error(fmt::format("the simulator of {} is not there: no {}", entry->name, simulator),
                    "scripts/get-tpu-mlir fetches it");
  return BmodelDevice{tools.root + "/lib", simulator, fmt::format("the simulator of {}", entry->name), tools};
}

}  // namespace samc::sophgo
