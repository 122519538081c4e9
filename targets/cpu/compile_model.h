#pragma once
// From a model's file to a .samc module: the whole compiler in one call. The command line and the tests use it.

#include <set>
#include <string>
#include <vector>

#include "base/precision.h"
#include "base/status.h"
#include "model/source.h"
#include "package/plan.h"
#include "passes/pipeline.h"

namespace samc {

struct CompileOptions : SourceOptions {
  // The module runs where the processor can compute in it, and compiles anywhere.
  Precision precision = Precision::kF32;
  std::string until = {};  // a phase of cpu_pipeline(); empty: the last one
  std::set<std::string> disabled_passes;
  std::string build_id;  // kept in the module
  std::string key;       // of a cache: kept in the module as the note kKeyNote; empty: none
  // Only object_pointer and mask_downsample, of a model that tracks: what is left for this processor where the other
  // functions run elsewhere.
  bool only_video_heads = false;
};

constexpr const char* kKeyNote = "key";

struct CompileReport {
  std::string model_name;
  std::string why;  // how the model was recognised
  std::vector<PassTime> passes;
  int64_t weight_bytes = 0;
  // Peak of each function's arena in bytes; the decoder's at 2 points.
  std::vector<std::pair<std::string, int64_t>> arena_bytes;
  std::vector<std::string> warnings;  // weights that hold NaN, an image size that nothing confirmed
  double read_milliseconds = 0, build_milliseconds = 0, pass_milliseconds = 0, plan_milliseconds = 0,
         write_milliseconds = 0;
};

// Compiles and writes the module to output.
Result<CompileReport> compile_model(const CompileOptions& options, const std::string& output);

// The IR at the end of options.until, in MLIR's generic form.
Result<std::string> compile_to_text(const CompileOptions& options);

// All passes of the CPU target in order, those of every target first.
const Pipeline& cpu_pipeline();

}  // namespace samc
