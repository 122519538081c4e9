#include "runtime/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>

#include "base/cpu_precision.h"
#include "base/guard.h"
#include "base/rounding.h"
#include "runtime/bound_function.h"

namespace samc {
namespace {

// A block that grows; the contents are not kept when it does.
class Block {
 public:
  void grow(int64_t bytes) {
    if (bytes <= bytes_) return;
    release();
    memory_ = AlignedMemory(bytes, "what a function of the model computes");
    bytes_ = bytes;
  }
  void release() {
    memory_ = {};
    bytes_ = 0;
  }
  std::byte* data() const { return static_cast<std::byte*>(memory_.get()); }
  int64_t bytes() const { return bytes_; }

 private:
  AlignedMemory memory_;
  int64_t bytes_ = 0;
};

}  // namespace

struct Executor::State {
  State(std::shared_ptr<const Module> module_in, int threads, Isa isa_in)
      : module(std::move(module_in)), pool(threads), scratch(pool.threads()), isa(isa_in) {}

  std::shared_ptr<const Module> module;
  ThreadPool pool;
  Scratch scratch;
  Isa isa;
  Block arena;
  Block together;  // rows of several runs
  std::deque<Tensor> dropped_outputs;
  OperationObserver observer;
  bool stops_at_nonfinite = false;

  Status place_inputs(const BoundFunction& bound, std::span<const NamedInput> inputs, ValueAddresses& at) const {
    const PlanFunction& function = *bound.function;
    for (const NamedInput& input : inputs) {
      const bool known = std::any_of(function.inputs.begin(), function.inputs.end(), [&](int32_t index) {
        return function.values[static_cast<size_t>(index)].name == input.name;
      });
      if (!known) return invalid_input(fmt::format("{} has no input {}", function.name, input.name));
    }
    for (const int32_t index : function.inputs) {
      const Value& value = function.values[static_cast<size_t>(index)];
      const NamedInput* found = nullptr;
      for (const NamedInput& input : inputs)
        if (input.name == value.name) found = &input;
      if (found == nullptr) return invalid_input(fmt::format("input {} of {} is missing", value.name, function.name));
      const Shape expected = value.shape_at(bound.sizes);
      if (found->view.shape != expected || found->view.dtype != value.dtype)
        return invalid_input(fmt::format("input {} of {} is {} {}, {} {} expected", value.name, function.name,
                                         dtype_name(found->view.dtype), shape_to_string(found->view.shape),
                                         dtype_name(value.dtype), shape_to_string(expected)));
      at.set(index, found->view.data);
    }
    return Status::ok();
  }

  Status place_outputs(const BoundFunction& bound, std::span<const NamedOutput> outputs, ValueAddresses& at) {
    const PlanFunction& function = *bound.function;
    size_t found_outputs = 0;
    for (const int32_t index : function.outputs) {
      const Value& value = function.values[static_cast<size_t>(index)];
      Tensor* tensor = nullptr;
      for (const NamedOutput& output : outputs) {
        if (output.name != value.name) continue;
        tensor = output.tensor;
        ++found_outputs;
      }
      if (tensor == nullptr) tensor = &dropped_outputs.emplace_back();
      Shape shape = value.shape_at(bound.sizes);
      if (tensor->empty() || tensor->dtype() != value.dtype || tensor->shape() != shape)
        *tensor = Tensor(value.dtype, std::move(shape));
      at.set(index, tensor->data());
    }
    if (found_outputs != outputs.size())
      return invalid_input(fmt::format("{} lacks an output that was asked for", function.name));
    return Status::ok();
  }

  // memory is the run's arena.
  void place_rest(const BoundFunction& bound, std::byte* memory, ValueAddresses& at) const {
    const PlanFunction& function = *bound.function;
    for (size_t index = 0; index < function.values.size(); ++index) {
      const Value& value = function.values[index];
      const auto place = static_cast<int32_t>(index);
      if (value.place == Place::kArena && bound.arena.offsets[index] >= 0)
        at.set(place, memory + bound.arena.offsets[index]);
      if (value.place == Place::kWeight)
        at.set(place, module->plan().weights[static_cast<size_t>(value.weight)].bytes.data());
      if (value.place == Place::kAlias) at.set(place, at.bytes(value.alias_of));
    }
  }

  struct Run {
    ValueAddresses at;
    const GoOn* go_on;
  };

  void place_values(const BoundFunction& bound, std::span<Run> runs) {
    constexpr int64_t kAlignment = 64;
    const int64_t bytes = round_up(bound.arena.bytes, kAlignment), count = static_cast<int64_t>(runs.size());
    arena.grow(bytes * count);
    if (count > 1)
      for (const BoundOperation& operation : bound.operations) together.grow(operation.together.bytes * count);
    std::byte* memory = arena.data();
    for (Run& run : runs) {
      place_rest(bound, memory, run.at);
      memory += bytes;
    }
  }

  static bool gives(const BoundFunction& bound, const Operation& operation, std::string_view output) {
    return std::ranges::any_of(operation.results, [&](int32_t result) {
      const Value& value = bound.function->values[static_cast<size_t>(result)];
      return value.place == Place::kOutput && value.name == output;
    });
  }

  Status run_operation(const BoundOperation& operation, std::span<const ValueAddresses* const> runs,
                       KernelContext& context) const {
    if (runs.size() > 1 && operation.together.run) {
      operation.together.run(runs, together.data(), context);
      return Status::ok();
    }
    for (const ValueAddresses* at : runs) SAMC_TRY(operation.run(*at, context));
    return Status::ok();
  }

  Status run_operations(const BoundFunction& bound, std::span<const Run> runs) {
    KernelContext context{pool, scratch, isa};
    std::vector<const Run*> going;
    std::vector<const ValueAddresses*> addresses;  // of those
    for (const Run& run : runs) {
      if (stops_at_nonfinite) SAMC_TRY(check_inputs(bound, run.at));
      going.push_back(&run);
      addresses.push_back(&run.at);
    }
    for (const BoundOperation& operation : bound.operations) {
      const auto start = observer ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
      context.ran = CpuFeatures();
      context.blocking = {};
      SAMC_TRY(run_operation(operation, addresses, context));
      if (observer) {
        const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
        const auto count = static_cast<double>(going.size());
        observer({bound.function->name, operation.operation->name, operation.operation->kernel,
                  operation.operation->precision, isa_name(context.ran), taken.count(), count * operation.arithmetic,
                  count * operation.bytes, text_of(context.blocking), start});
      }
      if (stops_at_nonfinite)
        for (const ValueAddresses* at : addresses) SAMC_TRY(check_results(bound, *operation.operation, *at));
      const size_t stopped = std::erase_if(going, [&](const Run* run) {
        return run->go_on->decide && gives(bound, *operation.operation, run->go_on->output) && !run->go_on->decide();
      });
      if (stopped == 0) continue;
      addresses.clear();
      for (const Run* run : going) addresses.push_back(&run->at);
      if (going.empty()) break;
    }
    return Status::ok();
  }

  static std::string text_of(const Blocking& blocking) {
    if (blocking.rows == 0) return {};
    return fmt::format("{} x {} x {}", blocking.rows, blocking.columns, blocking.k);
  }

  // "NaN", "an infinite value", or nothing.
  static const char* non_finite(const BoundFunction& bound, int32_t index, const ValueAddresses& at) {
    const Value& value = bound.function->values[static_cast<size_t>(index)];
    const int64_t count = value.count(bound.sizes);
    if (value.dtype == DType::kF32) return first_non_finite({at.read(index), static_cast<size_t>(count)});
    if (value.dtype != DType::kBF16) return nullptr;
    const std::span<const uint16_t> bits(at.read<uint16_t>(index), static_cast<size_t>(count));
    const auto found = std::ranges::find_if(bits, [](uint16_t number) { return !std::isfinite(bf16_to_f32(number)); });
    if (found == bits.end()) return nullptr;
    return std::isnan(bf16_to_f32(*found)) ? "NaN" : "an infinite value";
  }

  static Status check_inputs(const BoundFunction& bound, const ValueAddresses& at) {
    for (const int32_t input : bound.function->inputs)
      if (const char* found = non_finite(bound, input, at))
        return invalid_input(fmt::format("input {} of {} holds {}",
                                         bound.function->values[static_cast<size_t>(input)].name, bound.function->name,
                                         found));
    return Status::ok();
  }

  static Status check_results(const BoundFunction& bound, const Operation& operation, const ValueAddresses& at) {
    const PlanFunction& function = *bound.function;
    for (const int32_t result : operation.results) {
      const char* found = non_finite(bound, result, at);
      if (found == nullptr) continue;
      std::string message =
          fmt::format("operation {} ({}) of {} gives {}", operation.name, operation.kernel, function.name, found);
      for (const int32_t operand : operation.operands) {
        if (operand == kAbsent) continue;
        const Value& value = function.values[static_cast<size_t>(operand)];
        const bool is_weight = value.place == Place::kWeight ||
                               (value.place == Place::kAlias &&
                                function.values[static_cast<size_t>(value.alias_of)].place == Place::kWeight);
        if (!is_weight) continue;
        if (const char* why = non_finite(bound, operand, at))
          return invalid_input(fmt::format("{}; its weight {} holds {}", message, value.name, why));
      }
      return invalid_input(message);
    }
    return Status::ok();
  }
};

Executor::Executor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;
Executor::~Executor() = default;

Result<Executor> Executor::create(std::shared_ptr<const Module> module, int threads) {
  SAMC_CHECK(module != nullptr, "no module");
  if (threads < 0) return invalid_input(fmt::format("{} threads", threads), "0 means one for each core");
  SAMC_ASSIGN(const Isa isa, choose_isa());
  SAMC_TRY(can_compute(module->plan().precision(), isa));
  return guarded(
      [&]() -> Result<Executor> { return Executor(std::make_unique<State>(std::move(module), threads, isa)); });
}

Status Executor::run(std::string_view function, const std::vector<NamedSize>& sizes, std::span<const NamedInput> inputs,
                     std::span<const NamedOutput> outputs, const GoOn& go_on) {
  const FunctionRun run{inputs, outputs, go_on};
  return run_together(function, sizes, {&run, 1});
}

Status Executor::run_together(std::string_view function, const std::vector<NamedSize>& sizes,
                              std::span<const FunctionRun> runs) {
  return guarded([&]() -> Status {
    SAMC_ASSIGN(const std::shared_ptr<const BoundFunction> bound, state_->module->bind(function, sizes));
    std::vector<State::Run> placed;
    placed.reserve(runs.size());
    state_->dropped_outputs.clear();
    for (const FunctionRun& run : runs) {
      State::Run& next = placed.emplace_back(State::Run{ValueAddresses(bound->function->values.size()), &run.go_on});
      SAMC_TRY(state_->place_inputs(*bound, run.inputs, next.at));
      SAMC_TRY(state_->place_outputs(*bound, run.outputs, next.at));
    }
    state_->place_values(*bound, placed);
    return state_->run_operations(*bound, placed);
  });
}

void Executor::observe(OperationObserver observer) { state_->observer = std::move(observer); }
void Executor::stop_at_nonfinite(bool on) { state_->stops_at_nonfinite = on; }
void Executor::release_arena() { state_->arena.release(); }
const Module& Executor::module() const { return *state_->module; }
ThreadPool& Executor::pool() { return state_->pool; }
Isa Executor::isa() const { return state_->isa; }
size_t Executor::arena_bytes() const { return static_cast<size_t>(state_->arena.bytes()); }
size_t Executor::scratch_bytes() const {
  return state_->scratch.bytes() + static_cast<size_t>(state_->together.bytes());
}

}  // namespace samc
