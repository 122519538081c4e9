#pragma once
// From a model definition to a Top-dialect .mlir with its weights: what model_transform.py does, in one call.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "ir/interpreter.h"
#include "model/source.h"
#include "passes/pipeline.h"
#include "targets/sophgo/memory_attention.h"
#include "targets/sophgo/prompt_decoder.h"
#include "targets/sophgo/text/top_text.h"
#include "targets/sophgo/tools/quantize_tables.h"

namespace samc::sophgo {

enum class ModelPart { kEncoder, kDecoder, kMemoryAttention, kMemoryEncoder };
// "memory_attention"
const char* part_name(ModelPart part);
Result<ModelPart> find_part(const std::string& name);
// Whether it is a part that only tracking needs, which exports lack.
inline bool is_memory_part(ModelPart part) {
  return part == ModelPart::kMemoryAttention || part == ModelPart::kMemoryEncoder;
}

// Of --part memory_attention.
struct MemoryTransform {
  MemoryForm form = MemoryForm::kMaximum;
  std::optional<int64_t> memories = {}, pointers = {};  // places; absent: usual_places()
  int cores = 1;                                        // that it will be deployed for
  std::string exponentials = "F32";                     // of the dealt form: F32 or BF16, which is faster
};

// model: also an .onnx.
struct TransformOptions : SourceOptions {
  std::string model_name = {};
  // Of a model, or of an export's file: the decoder serves any prompt then. Absent: the .onnx as it is.
  std::optional<ModelPart> part = {};
  std::shared_ptr<const ModelSource> source = {};  // the model that SourceOptions would open, opened already
  int64_t max_points = kDefaultMaxPoints;
  bool for_video = false;  // of the encoder and the decoder: what tracking needs of them comes out too
  MemoryTransform memory = {};
  std::vector<Shape> input_shapes = {};        // in the order of the inputs; checked against those that are fixed
  std::vector<std::string> output_names = {};  // values to compute instead of the model's outputs
  Preprocess preprocess = {};
  std::set<std::string> disabled_passes = {};
  std::string until = {};  // a phase of sophgo_pipeline(); empty: the last one
};

struct PhaseReport {
  std::string name;
  double milliseconds = 0;
  int64_t operations = 0;  // after it
  std::string note;
};

// A model in top ops, ready to be written and run.
class TransformedModel {
 public:
  // phase is called when one is done.
  static Result<std::unique_ptr<TransformedModel>> make(const TransformOptions& options,
                                                        const std::function<void(const PhaseReport&)>& phase = {});
  // A .mlir of ours or of TPU-MLIR's (any that has ranked types), with the weights that it names beside it.
  static Result<std::unique_ptr<TransformedModel>> read(const std::string& path);
  TransformedModel(const TransformedModel&) = delete;
  TransformedModel& operator=(const TransformedModel&) = delete;
  ~TransformedModel();

  const std::string& model_name() const;
  mlir::func::FuncOp function() const;
  const WeightStore& weights() const;
  int64_t multiply_adds() const;                            // of its matrix products and convolutions
  std::map<std::string, int64_t> operation_counts() const;  // "MatMul" -> 75
  std::set<std::string> unknown_operations() const;         // of a .mlir that was read: what run() cannot compute
  std::vector<NamedShape> inputs() const;
  std::vector<NamedShape> outputs() const;
  // Of an input that is a picture; absent for the others.
  std::optional<Preprocess> preprocess(const std::string& input) const;

  // What has to be in another precision than the rest, whatever that is in: none of most models.
  const std::vector<QuantizeLine>& quantize_lines() const;

  // With the lines above beside it, as deploy() expects them.
  Status write(const std::string& path) const;
  // In the reference interpreter, f32. An output that is not finite is an error that names where it begins.
  Result<NamedTensors> run(const NamedViews& inputs, ThreadPool* pool) const;

 private:
  TransformedModel();
  static Result<std::unique_ptr<TransformedModel>> make_unguarded(const TransformOptions& options,
                                                                  const std::function<void(const PhaseReport&)>& phase);
  static Result<std::unique_ptr<TransformedModel>> read_unguarded(const std::string& path);
  Result<NamedTensors> run_unguarded(const NamedViews& inputs, ThreadPool* pool) const;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace samc::sophgo
