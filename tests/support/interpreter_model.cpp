#include "tests/support/interpreter_model.h"

#include <fmt/format.h>

#include "checkpoint/checkpoint.h"
#include "ir/top_dialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "model/build.h"

namespace samc::test {
namespace {

std::string decoder_name(int64_t points) { return fmt::format("mask_decoder_{}", points); }

}  // namespace

struct InterpreterModel::State {
  explicit State(Checkpoint opened) : checkpoint(std::move(opened)) {
    load_dialects(context);
    module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  }
  Checkpoint checkpoint;
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  WeightStore weights;
};

InterpreterModel::InterpreterModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
InterpreterModel::InterpreterModel(InterpreterModel&&) noexcept = default;
InterpreterModel::~InterpreterModel() = default;

Result<InterpreterModel> InterpreterModel::open(const std::string& checkpoint, const ModelConfig& config,
                                                const std::vector<int64_t>& points) {
  SAMC_ASSIGN(Checkpoint opened, Checkpoint::open(checkpoint));
  auto state = std::make_unique<State>(std::move(opened));
  SAMC_TRY(add_image_weights(config, state->checkpoint, state->weights));
  GraphBuilder graph(*state->module, state->weights);
  SAMC_TRY(build_image_encoder(config, graph));
  SAMC_TRY(build_mask_encoder(config, graph));
  SAMC_TRY(build_no_mask(config, graph));
  for (const int64_t count : points) SAMC_TRY(build_mask_decoder(config, count, graph, decoder_name(count)));
  return InterpreterModel(std::move(state));
}

Result<NamedTensors> InterpreterModel::run(const std::string& function, int64_t points, const NamedViews& inputs,
                                           ThreadPool& pool) const {
  const std::string name = function == "mask_decoder" ? decoder_name(points) : function;
  auto found = state_->module->lookupSymbol<mlir::func::FuncOp>(name);
  SAMC_CHECK(found, "no function {}", name);
  return interpret(found, inputs, state_->weights, {.pool = &pool, .observe = {}});
}

}  // namespace samc::test
