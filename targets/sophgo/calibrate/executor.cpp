#include "targets/sophgo/calibrate/executor.h"

#include <algorithm>
#include <cmath>

#include "base/cpu_features.h"
#include "ir/interpreter.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "targets/sophgo/calibrate/kernel_ops.h"
#include "targets/sophgo/calibrate/spare_tensors.h"

namespace samc::sophgo {
namespace {

using Frame = llvm::DenseMap<mlir::Value, std::shared_ptr<const Tensor>>;

constexpr int64_t kPiece = int64_t{1} << 16;
constexpr size_t kKeptFrames = 12;
constexpr float kNoFractions = 12582912;  // 1.5 x 2^23

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

}  // namespace

void round_to_int8(std::span<float> values, Int8Range range, ThreadPool& pool) {
  const double most = range.is_signed ? 127.0 : 255.0;
  const auto step = static_cast<float>(range.threshold / most), inverse = static_cast<float>(most / range.threshold);
  const float low = range.is_signed ? -128.0f : 0.0f, high = static_cast<float>(most);
  const auto size = static_cast<int64_t>(values.size());
  pool.run((size + kPiece - 1) / kPiece, [&](int64_t piece, int) {
    float* const end = values.data() + std::min(size, (piece + 1) * kPiece);
    // Adding what leaves no bits for fractions rounds to the nearest, in vectors: nearbyintf is a call for each.
    for (float* value = values.data() + piece * kPiece; value != end; ++value)
      *value = ((std::clamp(*value * inverse, low, high) + kNoFractions) - kNoFractions) * step;
  });
}

struct Executor::State {
  State(mlir::func::FuncOp f, const WeightStore& w, ThreadPool& p)
      : function(f), weights(w), pool(p), scratch(p.threads()) {}

  mlir::func::FuncOp function;
  const WeightStore& weights;
  ThreadPool& pool;
  Scratch scratch;
  std::shared_ptr<SpareTensors> spare = std::make_shared<SpareTensors>();
  std::vector<mlir::Operation*> ops;             // without weights
  llvm::DenseMap<mlir::Value, size_t> last_use;  // by index in ops
  std::vector<std::pair<size_t, Frame>> kept;    // values that are alive in front of an op

  Tensor copy_of(const TensorView& view) const;
  Result<std::vector<Tensor>> compute(mlir::Operation* op, const std::vector<TensorView>& operands);
  Result<std::vector<Tensor>> compute_int8(mlir::Operation* op, const std::vector<TensorView>& operands,
                                           const OpSet& int8, const Int8Ranges& ranges);
  Result<Frame> frame_of(const NamedTensors& inputs);
  TensorView view(const Frame& frame, mlir::Value value) const;
  // compute(op, operands); then each result to observe.
  Result<NamedTensors> run(
      Frame frame, size_t first, bool keep, const Observer& observe,
      const std::function<Result<std::vector<Tensor>>(mlir::Operation*, const std::vector<TensorView>&)>& compute_one);
};

Executor::Executor(mlir::func::FuncOp function, const WeightStore& weights, ThreadPool& pool)
    : state_(std::make_unique<State>(function, weights, pool)) {
  for (mlir::Operation& op : function.getBody().front()) {
    if (mlir::isa<top::NoneOp, top::WeightOp>(op)) continue;
    for (const mlir::Value operand : op.getOperands()) state_->last_use[operand] = state_->ops.size();
    state_->ops.push_back(&op);
  }
}

Executor::~Executor() = default;

TensorView Executor::State::view(const Frame& frame, mlir::Value value) const {
  if (is_none(value)) return {DType::kF32, {}, nullptr};
  if (is_weight(value)) return weight_view(value, weights);
  return frame.find(value)->second->view();
}

Tensor Executor::State::copy_of(const TensorView& view) const {
  Tensor copy = spare->take(view.shape);
  std::ranges::copy(view.f32(), copy.f32().begin());
  return copy;
}

Result<std::vector<Tensor>> Executor::State::compute(mlir::Operation* op, const std::vector<TensorView>& operands) {
  SAMC_ASSIGN(const Isa isa, choose_isa());
  KernelContext context{pool, scratch, isa};
  std::optional<Tensor> result = run_kernel(op, operands, *spare, context);
  if (!result) return evaluate(op, operands, &pool);
  std::vector<Tensor> results;
  results.push_back(std::move(*result));
  return results;
}

Result<std::vector<Tensor>> Executor::State::compute_int8(mlir::Operation* op, const std::vector<TensorView>& operands,
                                                          const OpSet& int8, const Int8Ranges& ranges) {
  if (int8.count(op) == 0) return compute(op, operands);
  const bool is_product = mlir::isa<top::MatMulOp, top::ConvOp>(op);
  std::vector<Tensor> rounded;
  std::vector<TensorView> views = operands;
  for (size_t i = 0; i < operands.size(); ++i) {
    const mlir::Value value = op->getOperand(static_cast<unsigned>(i));
    if (operands[i].data == nullptr || (is_product && i == 2)) continue;  // a bias has 32 bits
    Tensor copy = copy_of(operands[i]);
    if (!is_weight(value)) {
      round_to_int8(copy.f32(), ranges.find(value)->second, pool);
    } else if (mlir::isa<top::ConvOp>(op)) {
      const auto channel = static_cast<size_t>(copy.count() / copy.shape()[0]);
      for (size_t at = 0; at < copy.f32().size(); at += channel) {
        const auto part = copy.f32().subspan(at, channel);
        if (const float largest = largest_magnitude(part); largest > 0)
          round_to_int8(part, {static_cast<double>(largest)}, pool);
      }
    } else if (const float largest = largest_magnitude(copy.f32()); largest > 0) {
      round_to_int8(copy.f32(), {static_cast<double>(largest)}, pool);
    }
    rounded.push_back(std::move(copy));
    views[i] = rounded.back().view();
  }
  SAMC_ASSIGN(std::vector<Tensor> results, compute(op, views));
  for (Tensor& done : rounded) spare->give(std::move(done));
  // A reshape behind the product makes 8 bits of its result, whatever the reshape's own precision.
  const auto users = op->getResult(0).getUsers();
  const bool to_16_bits = mlir::isa<top::MatMulOp>(op) && std::none_of(users.begin(), users.end(), [&](auto* user) {
                            return int8.count(user) != 0 || mlir::isa<top::ReshapeOp>(user);
                          });
  if (!to_16_bits)
    for (size_t i = 0; i < results.size(); ++i)
      round_to_int8(results[i].f32(), ranges.find(op->getResult(static_cast<unsigned>(i)))->second, pool);
  return results;
}

Result<NamedTensors> Executor::State::run(
    Frame frame, size_t first, bool keep, const Observer& observe,
    const std::function<Result<std::vector<Tensor>>(mlir::Operation*, const std::vector<TensorView>&)>& compute_one) {
  const size_t stride = std::max<size_t>(1, ops.size() / kKeptFrames);
  for (size_t index = first; index < ops.size(); ++index) {
    mlir::Operation* op = ops[index];
    if (keep && index % stride == 0) kept.emplace_back(index, frame);
    if (mlir::isa<mlir::func::ReturnOp>(op)) {
      NamedTensors outputs;
      const std::vector<std::string> names = output_names(function);
      for (unsigned i = 0; i < op->getNumOperands(); ++i)
        outputs[names[i]] = Tensor::copy_of(view(frame, op->getOperand(i)));
      return outputs;
    }
    std::vector<Tensor> results;
    std::vector<TensorView> operands;
    for (const mlir::Value operand : op->getOperands()) operands.push_back(view(frame, operand));
    if (mlir::isa<top::InputOp>(op)) {
      results.push_back(copy_of(operands[0]));
    } else {
      SAMC_ASSIGN(results, compute_one(op, operands));
    }
    for (const mlir::Value operand : op->getOperands())
      if (last_use[operand] == index) frame.erase(operand);
    for (unsigned i = 0; i < op->getNumResults(); ++i) {
      const mlir::Value value = op->getResult(i);
      if (is_none(value)) continue;
      if (observe) SAMC_TRY(observe(value, results[i].view()).at(name_of(value)));
      if (!value.use_empty()) frame[value] = spare->share(std::move(results[i]));
    }
  }
  return invalid_input("the function returns nothing");
}

Result<Frame> Executor::State::frame_of(const NamedTensors& inputs) {
  Frame frame;
  const std::vector<std::string> names = input_names(function);
  for (unsigned i = 0; i < names.size(); ++i) {
    const auto given = inputs.find(names[i]);
    if (given == inputs.end() || given->second.shape() != shape_of(function.getArgument(i)))
      return invalid_input(fmt::format("input {} is not given in the shape {}", names[i],
                                       shape_to_string(shape_of(function.getArgument(i)))));
    frame[function.getArgument(i)] = spare->share(copy_of(given->second.view()));
  }
  return frame;
}

Result<NamedTensors> Executor::run(const NamedTensors& inputs, const Observer& observe) {
  State& s = *state_;
  s.kept.clear();
  SAMC_ASSIGN(Frame frame, s.frame_of(inputs));
  return s.run(std::move(frame), 0, true, observe,
               [&](mlir::Operation* op, const std::vector<TensorView>& operands) { return s.compute(op, operands); });
}

Result<NamedTensors> Executor::run_int8(const OpSet& ops, const Int8Ranges& ranges) {
  State& s = *state_;
  SAMC_CHECK(!s.kept.empty(), "run() comes first");
  const auto first = std::find_if(s.ops.begin(), s.ops.end(), [&](mlir::Operation* op) { return ops.count(op) != 0; });
  const auto index = static_cast<size_t>(first - s.ops.begin());
  auto begin = std::find_if(s.kept.rbegin(), s.kept.rend(), [&](const auto& kept) { return kept.first <= index; });
  return s.run(begin->second, begin->first, false, {},
               [&](mlir::Operation* op, const std::vector<TensorView>& operands) {
                 return s.compute_int8(op, operands, ops, ranges);
               });
}

Result<NamedTensors> Executor::run_int8(const NamedTensors& inputs, const OpSet& ops, const Int8Ranges& ranges) {
  State& s = *state_;
  SAMC_ASSIGN(Frame frame, s.frame_of(inputs));
  return s.run(std::move(frame), 0, false, {}, [&](mlir::Operation* op, const std::vector<TensorView>& operands) {
    return s.compute_int8(op, operands, ops, ranges);
  });
}

}  // namespace samc::sophgo
