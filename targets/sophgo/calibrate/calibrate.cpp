#include "targets/sophgo/calibrate/calibrate.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "ir/out_of_memory.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "targets/sophgo/calibrate/executor.h"
#include "targets/sophgo/text/foreign_ops.h"

namespace samc::sophgo {
namespace {

constexpr int kRounds = 7;  // of choosing and measuring

bool has_line(mlir::Operation& op) { return op.getNumResults() > 0 && !mlir::isa<top::NoneOp, top::WeightOp>(op); }

bool stays_16_bits(mlir::Operation& op, const OpSet& int8) {
  return has_line(op) && !mlir::isa<top::InputOp>(op) && int8.count(&op) == 0;
}

double worst_of(const std::vector<OutputLoss>& outputs) {
  double worst = 0;
  for (const OutputLoss& output : outputs) worst = std::max(worst, output.loss);
  return worst;
}

}  // namespace

double Mix::loss() const { return worst_of(outputs); }

double output_loss(const TensorView& reference, const TensorView& actual) {
  double a2 = 0, b2 = 0, d2 = 0;
  const auto a = reference.f32(), b = actual.f32();
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    a2 += x * x;
    b2 += y * y;
    d2 += (x - y) * (x - y);
  }
  if (d2 == 0) return 0;
  return a2 == 0 || b2 == 0 ? 1 : d2 / (2 * std::sqrt(a2 * b2));
}

struct PartCalibration::State {
  const TransformedModel& model;
  Executor executor;
  ThreadPool& pool;
  std::map<std::string, Histogram> histograms;

  // By value, out of the table's lines.
  Int8Ranges ranges_of(const TablePart<CalibrationLine>& table) const;
  // Of these ops in INT8: the mean over the samples, by output. references: what the samples give in f32.
  Result<std::vector<OutputLoss>> losses(const std::vector<NamedTensors>& samples,
                                         const std::vector<NamedTensors>& references, const OpSet& int8,
                                         const Int8Ranges& ranges);
  // Of each group alone: its worst output. references: gets what the samples give in f32.
  Status measure_groups(const std::vector<NamedTensors>& samples, const std::vector<OpGroup>& groups,
                        const Int8Ranges& ranges, const std::function<void(const std::string&)>& progress,
                        std::vector<MeasuredGroup>& measured, std::vector<NamedTensors>& references);
  TablePart<QuantizeLine> table_of(const OpSet& int8) const;
};

PartCalibration::PartCalibration() = default;
PartCalibration::~PartCalibration() = default;

Result<std::unique_ptr<PartCalibration>> PartCalibration::make(const TransformedModel& model, ThreadPool& pool) {
  if (const std::set<std::string> unknown = model.unknown_operations(); !unknown.empty())
    return unsupported(
        fmt::format("{} has ops that samc cannot compute: {}", model.model_name(), fmt::join(unknown, ", ")));
  std::unique_ptr<PartCalibration> part(new PartCalibration());
  part->state_.reset(new State{model, Executor(model.function(), model.weights(), pool), pool, {}});
  return part;
}

Result<NamedTensors> PartCalibration::add(const NamedTensors& inputs) {
  return guarded_in_mlir([&]() -> Result<NamedTensors> {
    return state_->executor.run(inputs, [&](mlir::Value value, const TensorView& data) {
      return state_->histograms[name_of(value)].add(data.f32(), state_->pool);
    });
  });
}

TablePart<CalibrationLine> PartCalibration::table(const ThresholdOptions& options) const {
  TablePart<CalibrationLine> part;
  for (mlir::Operation& op : state_->model.function().getBody().front()) {
    if (!has_line(op) || op_of_text(&op) != &op) continue;
    for (const mlir::Value value : op.getResults()) {
      const auto found = state_->histograms.find(name_of(value));
      if (found == state_->histograms.end()) continue;
      const Histogram& histogram = found->second;
      part.lines.push_back({found->first, threshold_of(histogram, options), histogram.min(), histogram.max()});
    }
  }
  return part;
}

Int8Ranges PartCalibration::State::ranges_of(const TablePart<CalibrationLine>& table) const {
  std::map<std::string_view, Int8Range> by_name;
  for (const CalibrationLine& line : table.lines) by_name[line.name] = {line.threshold, line.min < 0};
  Int8Ranges ranges;
  for (mlir::Operation& op : model.function().getBody().front()) {
    if (!has_line(op)) continue;
    for (const mlir::Value value : op.getResults())
      if (const auto found = by_name.find(name_of(value)); found != by_name.end())
        ranges[value] = found->second;
      else if (const auto seen = histograms.find(name_of(value)); seen != histograms.end())  // of a part of an op
        ranges[value] = {std::max(seen->second.largest(), kLeastThreshold), seen->second.min() < 0};
    if (mlir::isa<top::SoftmaxOp>(op)) ranges[op.getResult(0)] = {1.0, false};  // whatever the table says
  }
  return ranges;
}

Result<std::vector<OutputLoss>> PartCalibration::State::losses(const std::vector<NamedTensors>& samples,
                                                               const std::vector<NamedTensors>& references,
                                                               const OpSet& int8, const Int8Ranges& ranges) {
  std::vector<OutputLoss> losses;
  for (size_t sample = 0; sample < samples.size(); ++sample) {
    SAMC_ASSIGN(const NamedTensors actual, executor.run_int8(samples[sample], int8, ranges));
    size_t i = 0;
    for (const auto& [name, tensor] : references[sample]) {
      if (i == losses.size()) losses.push_back({name, 0});
      losses[i++].loss += output_loss(tensor.view(), actual.at(name).view()) / static_cast<double>(samples.size());
    }
  }
  return losses;
}

Status PartCalibration::State::measure_groups(const std::vector<NamedTensors>& samples,
                                              const std::vector<OpGroup>& groups, const Int8Ranges& ranges,
                                              const std::function<void(const std::string&)>& progress,
                                              std::vector<MeasuredGroup>& measured,
                                              std::vector<NamedTensors>& references) {
  double all = 0;
  for (const OpGroup& group : groups) all += group.gain;
  for (const OpGroup& group : groups) measured.push_back({group.what, group.ops.size(), group.gain / all, 0, false});
  std::vector<std::map<std::string, double>> sums(groups.size());
  for (size_t sample = 0; sample < samples.size(); ++sample) {
    SAMC_ASSIGN(NamedTensors reference, executor.run(samples[sample]));
    for (size_t i = 0; i < groups.size(); ++i) {
      progress(fmt::format("sample {} of {}, group {} of {}: {}", sample + 1, samples.size(), i + 1, groups.size(),
                           groups[i].what));
      const OpSet int8 = with_movement(model.function(), OpSet(groups[i].ops.begin(), groups[i].ops.end()));
      SAMC_ASSIGN(const NamedTensors actual, executor.run_int8(int8, ranges));
      for (const auto& [name, tensor] : reference)
        sums[i][name] += output_loss(tensor.view(), actual.at(name).view()) / static_cast<double>(samples.size());
    }
    references.push_back(std::move(reference));
  }
  for (size_t i = 0; i < groups.size(); ++i)
    for (const auto& [name, loss] : sums[i]) measured[i].loss = std::max(measured[i].loss, loss);
  return Status::ok();
}

TablePart<QuantizeLine> PartCalibration::State::table_of(const OpSet& int8) const {
  TablePart<QuantizeLine> part;
  OpSet named;  // an op of the text is in 16 bits when a part of it is
  for (mlir::Operation& op : model.function().getBody().front()) {
    mlir::Operation* const whole = op_of_text(&op);
    if (!stays_16_bits(op, int8) || !named.insert(whole).second) continue;
    for (const mlir::Value value : whole->getResults())
      if (!is_none(value)) part.lines.push_back({name_of(value), "F16"});
  }
  return part;
}

Result<Mix> PartCalibration::find_mix(const std::vector<NamedTensors>& samples, const TablePart<CalibrationLine>& table,
                                      double max_loss, const std::function<void(const std::string&)>& progress) {
  return guarded_in_mlir([&]() -> Result<Mix> {
    State& s = *state_;
    mlir::func::FuncOp function = s.model.function();
    const Int8Ranges ranges = s.ranges_of(table);
    Int8Ranges largest;
    for (mlir::Operation& op : function.getBody().front())
      for (const mlir::Value value : op.getResults())
        if (const auto found = s.histograms.find(name_of(value)); found != s.histograms.end())
          largest[value] = {found->second.largest()};
    const std::vector<OpGroup> groups = group_ops(function, largest);
    Mix best;
    std::vector<NamedTensors> references;
    SAMC_TRY(s.measure_groups(samples, groups, ranges, progress, best.groups, references));
    const std::vector<MeasuredGroup>& measured = best.groups;
    std::vector<size_t> order(groups.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return measured[a].loss * measured[b].gain < measured[b].loss * measured[a].gain;
    });
    best.table = s.table_of({});
    double best_gain = 0, budget = max_loss, low = 0, high = 0;  // budgets that fit and that don't
    std::set<std::vector<bool>> tried;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<bool> chosen(groups.size(), false);
      OpSet ops;
      double sum = 0, gain = 0;
      for (const size_t i : order) {
        if (sum + measured[i].loss > budget) continue;
        sum += measured[i].loss;
        gain += measured[i].gain;
        chosen[i] = true;
        ops.insert(groups[i].ops.begin(), groups[i].ops.end());
      }
      if (ops.empty() || !tried.insert(chosen).second) break;
      progress(fmt::format("round {}: {:.1f} % in INT8 ...", round + 1, 100 * gain));
      const OpSet int8 = with_movement(function, ops);
      SAMC_ASSIGN(std::vector<OutputLoss> outputs, s.losses(samples, references, int8, ranges));
      const double loss = worst_of(outputs);
      if (loss <= max_loss) {
        low = budget;
        if (gain > best_gain) {
          best_gain = gain;
          best.table = s.table_of(int8);
          best.outputs = std::move(outputs);
          for (size_t i = 0; i < groups.size(); ++i) best.groups[i].int8 = chosen[i];
        }
      } else {
        high = budget;
      }
      if (low > 0 && high > 0)
        budget = std::sqrt(low * high);
      else
        budget *= std::clamp(max_loss / std::max(loss, max_loss / 4), 0.25, 2.0) * (high > 0 ? 0.95 : 1.05);
    }
    return best;
  });
}

Result<std::vector<OutputLoss>> PartCalibration::measure(const std::vector<NamedTensors>& samples,
                                                         const TablePart<CalibrationLine>& thresholds,
                                                         const TablePart<QuantizeLine>& table) {
  return guarded_in_mlir([&]() -> Result<std::vector<OutputLoss>> {
    std::set<std::string_view> kept;
    for (const QuantizeLine& line : table.lines) kept.insert(line.name);
    OpSet int8;
    for (mlir::Operation& op : state_->model.function().getBody().front())
      if (has_line(op) && !mlir::isa<top::InputOp, top::SoftmaxOp, top::LayerNormOp>(op) &&
          kept.count(name_of(op_of_text(&op))) == 0)
        int8.insert(&op);
    std::vector<NamedTensors> references;
    for (const NamedTensors& sample : samples) {
      SAMC_ASSIGN(NamedTensors reference, state_->executor.run(sample));
      references.push_back(std::move(reference));
    }
    return state_->losses(samples, references, int8, state_->ranges_of(thresholds));
  });
}

}  // namespace samc::sophgo
