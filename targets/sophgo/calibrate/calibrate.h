#pragma once
// One part of a model, as transform wrote it, calibrated for INT8: how large its values get, and which of its ops stay
// in 16 bits.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "targets/sophgo/calibrate/histogram.h"
#include "targets/sophgo/calibrate/precision.h"
#include "targets/sophgo/tools/quantize_tables.h"
#include "targets/sophgo/transform.h"

namespace samc::sophgo {

struct MeasuredGroup {
  std::string what;
  size_t ops = 0;
  double gain = 0;  // part of all that 8 bits could save
  double loss = 0;  // of this group alone in INT8: 1 - cosine of the output that suffers most
  bool int8 = false;
};

struct OutputLoss {
  std::string output;
  double loss = 0;
};

struct Mix {
  std::vector<MeasuredGroup> groups;
  TablePart<QuantizeLine> table;    // the ops in 16 bits
  std::vector<OutputLoss> outputs;  // of all that is in INT8 together
  double loss() const;
};

// 1 - cosine, and what the lengths differ by: |a - b|^2 / (2 |a| |b|). 0 of two tensors of zeros.
double output_loss(const TensorView& reference, const TensorView& actual);

class PartCalibration {
 public:
  // Both must outlive it. An error: ops that samc cannot compute.
  static Result<std::unique_ptr<PartCalibration>> make(const TransformedModel& model, ThreadPool& pool);
  ~PartCalibration();

  // Runs the part in f32, notes how large each value is, and gives the outputs.
  Result<NamedTensors> add(const NamedTensors& inputs);
  // A line for every op, after add().
  TablePart<CalibrationLine> table(const ThresholdOptions& options) const;

  // Groups of ops in INT8, each alone and then together: as many as the outputs' loss allows, those first that gain
  // most for what they lose. `thresholds`: of table().
  Result<Mix> find_mix(const std::vector<NamedTensors>& samples, const TablePart<CalibrationLine>& thresholds,
                       double max_loss, const std::function<void(const std::string&)>& progress);

  // What `int8` (of the ops that no line of the table names) loses on these inputs.
  Result<std::vector<OutputLoss>> measure(const std::vector<NamedTensors>& samples,
                                          const TablePart<CalibrationLine>& thresholds,
                                          const TablePart<QuantizeLine>& table);

 private:
  PartCalibration();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace samc::sophgo
