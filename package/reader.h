#pragma once
// Reads a .samc file (docs/samc_format.md). Weights are not copied out of the file's mapping and keep it alive. Whoever
// writes over the file meanwhile ends the process by SIGBUS (base/mapped_file.h): ask for a copy where that may happen.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/mapped_file.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "package/plan.h"

namespace samc {

// Whether the file begins as a module does. A folder does not.
Result<bool> is_module_file(const std::string& path);

struct ReadOptions {
  // Checksums of everything but the weights are always compared. With this also those of the weights, which reads every
  // byte of them: some 10 ms for each 100 MB that are in the page cache.
  bool verify_weights = true;
  ThreadPool* pool = nullptr;  // shares out the weights' checksums; may be null
  FileAccess access = FileAccess::kMap;
};

// Any file that is torn, changed in any byte, of another version or no module at all gives one line that says so.
Result<PlanModule> read_module(const std::string& path, const ReadOptions& options = {});

// The same of a file that is open already.
Result<PlanModule> read_module(MappedFile file, const ReadOptions& options = {});

// The same from memory that `owner` keeps alive and that starts at a multiple of 64. name: for messages.
Result<PlanModule> read_module_bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                     const std::string& name, const ReadOptions& options = {});

}  // namespace samc
