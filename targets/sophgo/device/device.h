#pragma once
// Where a bmodel runs: Sophgo's chip, by the runtime that its vendor installs, or the wheel's simulator of it.

#include <optional>
#include <string>

#include "base/status.h"
#include "targets/sophgo/tools/tpu_mlir.h"

namespace samc::sophgo {

struct BmodelDevice {
  std::string libraries;    // the folder of libbmlib and libbmrt
  std::string simulator;    // the library that stands for the chip; empty: the chip itself
  std::string description;  // "the simulator of bm1688", "the chip, by /opt/sophon/..."
  TpuMlir tools;            // of a simulator

  bool is_simulator() const { return !simulator.empty(); }
};

// Where libsophon is installed: SAMC_LIBSOPHON, else /opt/sophon/libsophon-current. Its libraries are in lib/ there.
std::string libsophon_folder();
// Where the driver makes them, the files of chips; and the first of them that is there, "" where none is.
std::string device_file_names();
std::string device_file();

// wanted: "auto", "chip" or "sim". chip: what the bmodel is for, such as "BM1688". auto takes the chip where the
// vendor's runtime and a device file are there, else the simulator.
Result<BmodelDevice> find_device(const std::string& wanted, const std::string& chip,
                                 const std::optional<std::string>& tpu_mlir = {});

}  // namespace samc::sophgo
