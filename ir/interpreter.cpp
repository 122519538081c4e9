#include "ir/interpreter.h"

#include <algorithm>
#include <set>

#include "ir/evaluate.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "llvm/ADT/DenseMap.h"

namespace samc {

void Arguments::run(int64_t pieces, const std::function<void(int64_t)>& body) const {
  if (pool) {
    pool->run(pieces, [&](int64_t piece, int) { body(piece); });
  } else {
    for (int64_t piece = 0; piece < pieces; ++piece) body(piece);
  }
}

void Arguments::run_chunks(int64_t count, const std::function<void(int64_t, int64_t)>& body) const {
  constexpr int64_t kChunk = 65536;
  run((count + kChunk - 1) / kChunk,
      [&](int64_t piece) { body(piece * kChunk, std::min(count, (piece + 1) * kChunk)); });
}

Result<std::vector<Tensor>> evaluate(mlir::Operation* op, const std::vector<TensorView>& operands, ThreadPool* pool) {
  std::vector<Tensor> results;
  for (const mlir::Value result : op->getResults()) {
    if (is_none(result)) {
      results.emplace_back();
    } else if (!has_static_shape(result)) {
      return unsupported(fmt::format("{} has no static shape", name_of(result)));
    } else {
      results.emplace_back(shape_of(result));
    }
  }
  const Arguments arguments{op, operands, results, pool};
  std::optional<Status> status;
  for (auto* group : {evaluate_neural, evaluate_unary, evaluate_binary, evaluate_movement, evaluate_vision}) {
    status = group(arguments);
    if (status) break;
  }
  if (!status) return unsupported(fmt::format("the interpreter does not know {}", op->getName().getStringRef().str()));
  if (!status->is_ok()) return status->at(name_of(op));
  if (const auto fused = op->getAttrOfType<mlir::BoolAttr>("do_relu"); fused && fused.getValue()) {
    const auto limit = op->getAttrOfType<mlir::FloatAttr>("relu_limit");
    const double largest = limit ? limit.getValueAsDouble() : -1.0;
    for (float& element : results.front().f32()) element = relu(element, largest);
  }
  return results;
}

namespace {

// The values computed so far, each freed after its last use.
class Frame {
 public:
  explicit Frame(const WeightStore& weights) : weights_(weights) {}

  void set(mlir::Value value, Tensor tensor) {
    if (value.use_empty()) return;
    Slot& slot = slots_[value];
    slot.tensor = std::move(tensor);
    for ([[maybe_unused]] const mlir::OpOperand& use : value.getUses()) ++slot.uses;
  }

  TensorView view(mlir::Value value) const {
    if (is_none(value)) return {DType::kF32, {}, nullptr};
    if (is_weight(value)) return weight_view(value, weights_);
    return slots_.find(value)->second.tensor.view();
  }

  void release(mlir::Value value) {
    const auto slot = slots_.find(value);
    if (slot != slots_.end() && --slot->second.uses == 0) slots_.erase(slot);
  }

 private:
  struct Slot {
    Tensor tensor;
    int64_t uses = 0;
  };
  const WeightStore& weights_;
  llvm::DenseMap<mlir::Value, Slot> slots_;
};

Status check_inputs(const std::vector<std::string>& names, mlir::func::FuncOp function, const NamedViews& inputs) {
  for (const auto& [name, view] : inputs) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return invalid_input(fmt::format("{} has no input {}", function.getName().str(), name));
    }
  }
  for (unsigned i = 0; i < names.size(); ++i) {
    const auto found = inputs.find(names[i]);
    if (found == inputs.end()) return invalid_input(fmt::format("input {} is not given", names[i]));
    const Shape wanted = shape_of(function.getArgument(i));
    if (found->second.shape != wanted) {
      return invalid_input(fmt::format("input {} is {}, not {}", names[i], shape_to_string(found->second.shape),
                                       shape_to_string(wanted)));
    }
  }
  return Status::ok();
}

}  // namespace

Result<NamedTensors> interpret(mlir::func::FuncOp function, const NamedViews& inputs, const WeightStore& weights,
                               const InterpretOptions& options) {
  const std::vector<std::string> names = input_names(function);
  SAMC_TRY(check_inputs(names, function, inputs));
  Frame frame(weights);
  for (unsigned i = 0; i < names.size(); ++i) {
    frame.set(function.getArgument(i), to_f32(inputs.at(names[i])));
  }
  NamedTensors outputs;
  for (mlir::Operation& op : function.getBody().front()) {
    if (mlir::isa<mlir::func::ReturnOp>(op)) {
      const std::vector<std::string> output = output_names(function);
      for (unsigned i = 0; i < op.getNumOperands(); ++i) {
        outputs[output[i]] = Tensor::copy_of(frame.view(op.getOperand(i)));
      }
      continue;
    }
    if (mlir::isa<top::NoneOp>(op)) continue;
    if (auto weight = mlir::dyn_cast<top::WeightOp>(op)) {
      const std::string name = name_of(weight.getOutput());
      if (!weights.contains(name)) return invalid_input(fmt::format("there is no weight {}", name));
      continue;
    }
    std::vector<Tensor> results;
    if (mlir::isa<top::InputOp>(op)) {
      results.push_back(Tensor::copy_of(frame.view(op.getOperand(0))));
    } else {
      std::vector<TensorView> operands;
      for (const mlir::Value operand : op.getOperands()) operands.push_back(frame.view(operand));
      SAMC_ASSIGN(results, evaluate(&op, operands, options.pool));
    }
    for (const mlir::Value operand : op.getOperands()) frame.release(operand);
    for (unsigned i = 0; i < op.getNumResults(); ++i) {
      if (is_none(op.getResult(i))) continue;
      if (options.observe) options.observe(op.getResult(i), results[i].view());
      frame.set(op.getResult(i), std::move(results[i]));
    }
  }
  return outputs;
}

}  // namespace samc
