#pragma once
// A compiled model, loaded and checked. Immutable: any number of threads and predictors may share one.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_access.h"
#include "base/status.h"
#include "package/model_info.h"

namespace samc {

struct BoundFunction;
class MappedFile;
struct NamedSize;
struct PlanModule;

struct LoadOptions {
  // Compare the checksums of the weights (those of everything else are always compared).
  bool verify_weights = true;
  // Threads that share the checksums; 0: one for each core.
  int threads = 0;
  // kMap shares the pages with other processes and loads in milliseconds. Who then writes over the file (`cp new old`)
  // makes the next access a SIGBUS, which ends the process; samc installs no handler. kCopy reads the file into memory,
  // and what happens to it afterwards does not matter.
  FileAccess access = FileAccess::kMap;
};

class Module {
 public:
  // Opens the .samc file at `path` and checks it: checksums, structure, and every operation of every function against
  // the kernel it names. A file that is damaged, of another version or inconsistent gives a one-line error.
  static Result<std::shared_ptr<Module>> load(const std::string& path, const LoadOptions& options = {});
  // The same of a file that is open already.
  static Result<std::shared_ptr<Module>> load(MappedFile file, const LoadOptions& options = {});
  // The same from a plan in memory, as the compiler makes it.
  static Result<std::shared_ptr<Module>> from_plan(PlanModule plan);
  ~Module();

  const ModelInfo& info() const;

  // For this stage and those above it: package/plan.h, package/sizes.h.
  const PlanModule& plan() const;

  // The function with kernels bound and arena planned for these sizes; kept, so asking again costs little.
  // Errors: no such function; a size that is missing, unknown or out of its range; operands that do not fit their
  // kernel at these sizes.
  Result<std::shared_ptr<const BoundFunction>> bind(std::string_view function,
                                                    const std::vector<NamedSize>& sizes) const;

 private:
  struct State;
  explicit Module(PlanModule plan);
  Status check() const;
  std::unique_ptr<State> state_;
};

}  // namespace samc
