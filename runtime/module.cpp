#include "runtime/module.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <utility>

#include "base/guard.h"
#include "base/mapped_file.h"
#include "base/quote.h"
#include "base/thread_pool.h"
#include "package/check.h"
#include "package/plan.h"
#include "package/reader.h"
#include "package/sizes.h"
#include "runtime/bound_function.h"

namespace samc {
namespace {

// The sizes that one session meets are few; this many bound functions are kept.
constexpr size_t kMostBound = 64;

Result<std::shared_ptr<const BoundFunction>> make_bound(const PlanModule& plan, const PlanFunction& function,
                                                        const Sizes& sizes) {
  auto bound = std::make_shared<BoundFunction>();
  bound->function = &function;
  bound->sizes = sizes;
  for (const Value& value : function.values)
    if (value.place == Place::kAlias &&
        value.bytes(sizes) != function.values[static_cast<size_t>(value.alias_of)].bytes(sizes))
      return invalid_input(fmt::format("function {}: alias {} differs in size from its storage at {}", function.name,
                                       value.name, sizes_to_string(function, sizes)));
  for (const Operation& operation : function.operations) {
    SAMC_ASSIGN(BoundOperation bound_operation, bind_operation(plan, function, operation, sizes));
    bound->operations.push_back(std::move(bound_operation));
  }
  bound->arena = plan_arena(function, sizes);
  return std::shared_ptr<const BoundFunction>(std::move(bound));
}

}  // namespace

struct Module::State {
  explicit State(PlanModule plan_in) : plan(std::move(plan_in)) {}

  // The function at sizes that it has.
  Result<std::shared_ptr<const BoundFunction>> bind(const PlanFunction& function, const Sizes& sizes) {
    const std::lock_guard lock(mutex);
    if (const auto kept = bound.find({&function, sizes}); kept != bound.end()) return kept->second;
    SAMC_ASSIGN(std::shared_ptr<const BoundFunction> made, make_bound(plan, function, sizes));
    if (bound.size() >= kMostBound) bound.clear();
    bound.emplace(std::pair{&function, sizes}, made);
    return made;
  }

  PlanModule plan;
  std::mutex mutex;
  std::map<std::pair<const PlanFunction*, Sizes>, std::shared_ptr<const BoundFunction>> bound;
};

Module::Module(PlanModule plan) : state_(std::make_unique<State>(std::move(plan))) {}
Module::~Module() = default;
const ModelInfo& Module::info() const { return state_->plan.info; }
const PlanModule& Module::plan() const { return state_->plan; }

Result<std::shared_ptr<Module>> Module::load(const std::string& path, const LoadOptions& options) {
  return guarded([&]() -> Result<std::shared_ptr<Module>> {
    SAMC_ASSIGN(MappedFile file, MappedFile::open(path, options.access));
    return load(std::move(file), options);
  });
}

Result<std::shared_ptr<Module>> Module::load(MappedFile file, const LoadOptions& options) {
  return guarded([&]() -> Result<std::shared_ptr<Module>> {
    ThreadPool pool(options.threads);
    const std::string path = file.path();
    SAMC_ASSIGN(PlanModule plan, read_module(std::move(file), {options.verify_weights, &pool}));
    std::shared_ptr<Module> module(new Module(std::move(plan)));
    if (Status status = module->check(); !status.is_ok()) return status.at(path);
    return module;
  });
}

Result<std::shared_ptr<Module>> Module::from_plan(PlanModule plan) {
  return guarded([&]() -> Result<std::shared_ptr<Module>> {
    SAMC_TRY(check_module(plan));
    std::shared_ptr<Module> module(new Module(std::move(plan)));
    SAMC_TRY(module->check());
    return module;
  });
}

// Extents are affine in the sizes: what fits at the smallest ones nearly always fits at all, and what does not is found
// when it is bound. This finds a bad file when it is loaded rather than at the first click.
Status Module::check() const {
  if (plan().target != kCpuTarget)
    return unsupported(fmt::format("a module for {}", quote(plan().target)), "samc compile makes modules for the CPU");
  for (const PlanFunction& function : plan().functions) {
    std::vector<Sizes> checked = witnesses(function);
    checked.pop_back();  // the greatest would take the most memory
    for (const Sizes& sizes : checked) SAMC_TRY(guarded([&] { return state_->bind(function, sizes); }).status());
  }
  return Status::ok();
}

Result<std::shared_ptr<const BoundFunction>> Module::bind(std::string_view name,
                                                          const std::vector<NamedSize>& sizes) const {
  return guarded([&]() -> Result<std::shared_ptr<const BoundFunction>> {
    const PlanFunction* function = plan().find(name);
    if (function == nullptr)
      return invalid_input(fmt::format("module {} has no function {}", plan().info.name, name),
                           "the module was made for another purpose or by another version of samc");
    SAMC_ASSIGN(const Sizes chosen, choose_sizes(*function, sizes));
    return state_->bind(*function, chosen);
  });
}

}  // namespace samc
