#pragma once
// What `samc bench` says: text for people, the same as JSON, and a trace for Perfetto (docs/bench.md).

#include <CLI/CLI.hpp>
#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/bench_table.h"
#include "app/console.h"
#include "app/output_guard.h"
#include "base/status.h"

namespace samc {

struct BenchOutputs {
  std::string json;  // "-": standard output, and no text
  std::string trace;
  bool operations = false;  // also a line of text for each operation
};
void add_bench_output_options(CLI::App& command, BenchOutputs& outputs);
void guard_bench_outputs(const BenchOutputs& outputs, OutputGuard& guard);

// Something that is run again and again.
struct BenchStep {
  const char* name;
  std::string remark;
  const char* rest;  // what the time is called that its operations do not take; null: not said
  std::function<Status()> run;
  Recorder recorder;
  std::vector<TimeSpan> spans = {};  // one for each repetition
};

class BenchReport {
 public:
  // Measures the machine, and says so.
  BenchReport(const BenchOutputs& outputs, const Isa& isa, ThreadPool& pool, Progress& progress);

  template <class... T>
  void say(fmt::format_string<const Shown<T>&...> format, const T&... values) const {
    if (outputs_.json != "-") samc::say(format, values...);
  }
  // For the JSON alone.
  void set(const char* key, nlohmann::ordered_json value) { document_[key] = std::move(value); }
  void begin_phases() const { say("  {:<28} {:>10}\n", "phase", "ms"); }
  void phase(const std::string& name, const std::vector<double>& milliseconds, const std::string& remark = {});

  void add_step(const char* name, std::function<Status()> run, std::string remark = {}, const char* rest = nullptr) {
    steps_.push_back({name, std::move(remark), rest, std::move(run), Recorder(peaks_)});
  }
  // All steps in turn, `repeat` times after one for warming up. observe: of the model that they run.
  Status run_steps(int repeat, const std::function<void(OperationObserver)>& observe, ThreadPool& pool);
  // What they took, by function.
  void say_steps();
  // What operations took, and the files.
  Status finish();

 private:
  void say_row(const Row& row, bool with_name) const;
  nlohmann::ordered_json row_json(const Row& row) const;
  Status write_trace() const;

  BenchOutputs outputs_;
  Progress& progress_;
  Peaks peaks_;
  nlohmann::ordered_json document_;
  std::deque<BenchStep> steps_;
};

}  // namespace samc
