#include "targets/sophgo/device/doctor.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/files.h"
#include "targets/sophgo/device/chip.h"
#include "targets/sophgo/device/device.h"
#include "targets/sophgo/device/run_on_device.h"
#include "targets/sophgo/tools/tpu_mlir.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

constexpr double kSecondsForAnAnswer = 10;

Finding missing(const char* what, const Status& status) { return {what, false, status.message(), status.hint()}; }

Finding find_libsophon() {
  const std::string folder = libsophon_folder(), runtime = folder + "/lib/libbmrt.so";
  std::error_code error;
  if (!fs::exists(runtime, error))
    return {"libsophon", false, "there is no " + runtime,
            "for bmodels on a chip install it, or name its folder in SAMC_LIBSOPHON"};
  // The folder's own name has the version, as in libsophon-0.4.9.
  const fs::path real = fs::canonical(folder, error);
  return {"libsophon", true, error ? folder : real.string(), ""};
}

Finding find_driver() {
  constexpr const char* kVersionFile = "/proc/bmsophon/driver_version";
  constexpr size_t kMostBytes = 4096;
  if (const std::string file = device_file(); !file.empty()) {
    Result<std::string> version = read_text_file(kVersionFile, kMostBytes);
    std::string text = version.is_ok() ? version.value().substr(0, version.value().find('\n')) : "";
    return {"driver", true, text.empty() ? file : fmt::format("{}, {}", file, text), ""};
  }
  return {"driver", false, fmt::format("none of {} is there", device_file_names()),
          "load libsophon's driver; a container must be given its device"};
}

std::vector<Finding> ask_chip() {
  const Result<std::shared_ptr<Chip>> chip = Chip::open({libsophon_folder() + "/lib", false, kSecondsForAnAnswer});
  if (!chip.is_ok()) return {missing("chip", chip.status())};
  std::vector<Finding> findings{{"chip", true, chip.value()->name(), ""}};
  const auto memory = chip.value()->memory();
  if (!memory.is_ok())
    findings.push_back(missing("chip's memory", memory.status()));
  else if (!memory.value().has_value())
    findings.push_back({"chip's memory", false, "the runtime does not say", "bm-smi may"});
  else
    findings.push_back({"chip's memory", true,
                        fmt::format("{} MB, {} of them free{}", memory.value()->total >> 20,
                                    (memory.value()->total - memory.value()->used) >> 20,
                                    chip.value()->maps_memory() ? ", reached without copies" : ""),
                        ""});
  return findings;
}

}  // namespace

std::vector<Finding> examine_devices(const std::optional<std::string>& tpu_mlir) {
  std::vector<Finding> findings{find_libsophon(), find_driver()};
  if (findings[0].is_there) {
    for (Finding& finding : ask_chip()) findings.push_back(std::move(finding));
  } else {
    findings.push_back({"chip", false, "not asked: its runtime is missing", ""});
  }
  const Result<TpuMlir> tools = find_tpu_mlir(tpu_mlir);
  findings.push_back(tools.is_ok() ? Finding{"TPU-MLIR", true, tools.value().root, ""}
                                   : missing("TPU-MLIR", tools.status()));
  const Result<std::string> runner = find_bmodel_runner("");
  findings.push_back(runner.is_ok() ? Finding{"samc-run-bmodel", true, runner.value(), ""}
                                    : missing("samc-run-bmodel", runner.status()));
  return findings;
}

}  // namespace samc::sophgo
