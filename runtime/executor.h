#pragma once
// Runs functions of a module. Each executor has its own threads, arena and scratch memory and serves one caller at a
// time; any number of executors may run on one module at once.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/cpu_features.h"
#include "base/status.h"
#include "base/tensor.h"
#include "base/thread_pool.h"
#include "kernels/context.h"
#include "package/sizes.h"
#include "runtime/module.h"
#include "runtime/timing.h"

namespace samc {

struct NamedInput {
  std::string_view name;
  TensorView view;
};
struct NamedOutput {
  std::string_view name;
  Tensor* tensor;  // allocated anew when it is not of the output's dtype and shape
};

// Asked once when the output of this name is there: whether the run goes on. Otherwise outputs that later operations
// write hold anything.
struct GoOn {
  std::string_view output;
  std::function<bool()> decide;
};

// One of several runs of a function.
struct FunctionRun {
  std::span<const NamedInput> inputs;
  std::span<const NamedOutput> outputs;
  GoOn go_on = {};
};

class Executor {
 public:
  // threads: 0 means one for each core that the process may use. Errors: SAMC_ISA names a set that is not there; the
  // module computes in a precision for which this machine, or that set, has no arithmetic.
  static Result<Executor> create(std::shared_ptr<const Module> module, int threads = 0);
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;
  ~Executor();

  // sizes: each free size of the function. Every input of the function must be there, with its exact dtype and shape,
  // and nothing else. Outputs that are not asked for are computed and dropped. After an error outputs hold anything.
  Status run(std::string_view function, const std::vector<NamedSize>& sizes, std::span<const NamedInput> inputs,
             std::span<const NamedOutput> outputs, const GoOn& go_on = {});
  // run() of each, operation by operation, with an arena for each: where a few rows are multiplied by weights, those of
  // all runs are at once, so that weights are read once. The same bits as run() gives.
  Status run_together(std::string_view function, const std::vector<NamedSize>& sizes,
                      std::span<const FunctionRun> runs);

  // Called after every operation, from the thread that called run(). Empty: no timing at all.
  void observe(OperationObserver observer);
  // While on, an operation whose result holds NaN or an infinite value is an error of run() that names it, and so is an
  // input of the function that does. Every result is read, so this is for finding out where such values come from.
  void stop_at_nonfinite(bool on);

  // Gives the arena back, which the next run() takes anew. For a pause in which others need memory.
  void release_arena();

  const Module& module() const;
  ThreadPool& pool();
  Isa isa() const;
  // Bytes held now: the arena, which has grown to the largest function run so far, and the kernels' scratch memory.
  size_t arena_bytes() const;
  size_t scratch_bytes() const;

 private:
  struct State;
  explicit Executor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace samc
