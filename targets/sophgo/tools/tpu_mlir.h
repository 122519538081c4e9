#pragma once
// TPU-MLIR's tpuc-opt as a child process, and the judgement of what it prints: its exit code alone cannot be trusted.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace samc::sophgo {

// The unpacked `tpu_mlir` folder of the wheel.
struct TpuMlir {
  std::string root;
  std::string where_from;  // "--tpu-mlir", "TPUC_ROOT" or "the cache"

  std::string tpuc_opt() const { return root + "/bin/tpuc-opt"; }
  std::string library(const std::string& name) const { return root + "/lib/" + name; }
  // For its programs, at work in folder. The library folders given come before its own.
  std::vector<std::string> environment(const std::string& folder, const std::string& first_libraries = {}) const;
};

// given: the option --tpu-mlir. Else the variable TPUC_ROOT, else where scripts/get-tpu-mlir puts it.
Result<TpuMlir> find_tpu_mlir(const std::optional<std::string>& given);

// The folder of scripts/get-tpu-mlir: ${XDG_CACHE_HOME:-~/.cache}/samc/tpu-mlir. "" when there is no home.
std::string default_tpu_mlir_folder();

// tpuc-opt with these arguments in folder. The log stays in folder/log.
Status run_tpuc_opt(const TpuMlir& tools, const std::string& folder, const std::vector<std::string>& arguments,
                    const std::function<void(double seconds)>& waiting = {});

// What went wrong, in one line, from all that tpuc-opt printed: the message and, where the log names it, the op. ""
// when nothing in it speaks of a failure.
std::string find_failure(const std::string& log);

}  // namespace samc::sophgo
