#pragma once
// An image model by the reference interpreter alone: what compiled modules are compared with. Slow.

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "base/thread_pool.h"
#include "ir/interpreter.h"
#include "model/config.h"

namespace samc::test {

class InterpreterModel {
 public:
  // The functions of model/README.md of a checkpoint; the mask decoder at each of these numbers of points.
  static Result<InterpreterModel> open(const std::string& checkpoint, const ModelConfig& config,
                                       const std::vector<int64_t>& points);
  InterpreterModel(InterpreterModel&&) noexcept;
  ~InterpreterModel();

  // function: "image_encoder", "mask_encoder", "no_mask", or "mask_decoder" at `points` points.
  Result<NamedTensors> run(const std::string& function, int64_t points, const NamedViews& inputs,
                           ThreadPool& pool) const;

 private:
  struct State;
  explicit InterpreterModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace samc::test
