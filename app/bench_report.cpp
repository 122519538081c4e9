#include "app/bench_report.h"

#include <algorithm>
#include <utility>

#include "app/build_id.h"
#include "app/json_list.h"
#include "app/outputs.h"

namespace samc {
namespace {

using nlohmann::ordered_json;

ordered_json times_json(const std::vector<double>& milliseconds) {
  const auto [least, most] = std::ranges::minmax(milliseconds);
  return {{"min", least}, {"median", median(milliseconds)}, {"max", most}};
}

std::string rate_text(const Row& function) {
  const double time = median(function.milliseconds);
  if (time <= 0 || function.arithmetic <= 0) return {};
  return fmt::format("{:.1f} GFLOP, {:.0f} GFLOP/s, {:.0f} % of the peak", function.arithmetic / 1e9,
                     function.arithmetic / time / 1e6, 100 * function.least_milliseconds / time);
}

}  // namespace

void add_bench_output_options(CLI::App& command, BenchOutputs& outputs) {
  command.add_flag("--ops", outputs.operations, "Also a line for each operation, in order");
  command
      .add_option("--json", outputs.json,
                  "All of it, and more of each operation, as JSON (docs/bench.md); - is standard output")
      ->type_name("FILE.json");
  command
      .add_option("--trace", outputs.trace,
                  "What ran when on which thread, as trace events that Perfetto (ui.perfetto.dev) shows")
      ->type_name("FILE.json");
}

void guard_bench_outputs(const BenchOutputs& outputs, OutputGuard& guard) {
  if (outputs.json != "-") guard.add_output("--json", outputs.json);
  guard.add_output("--trace", outputs.trace);
}

BenchReport::BenchReport(const BenchOutputs& outputs, const Isa& isa, ThreadPool& pool, Progress& progress)
    : outputs_(outputs), progress_(progress) {
  progress_.show("measuring the machine ...");
  peaks_ = measure_peaks(isa, pool);
  progress_.clear();
  say("{}\n{} instructions, {} thread(s), measured FMA peak {:.1f} GFLOP/s (f32){}, {:.1f} GFLOP/s (int8), "
      "memory {:.1f} GB/s\n",
      machine_description(), isa.name, pool.threads(), peaks_.f32,
      peaks_.bf16 > 0 ? fmt::format(", {:.1f} GFLOP/s (bf16)", peaks_.bf16) : "", peaks_.int8, peaks_.memory);
  document_ = {{"samc", version()},
               {"machine", machine_description()},
               {"features", cpu_features().to_string()},
               {"instructions", isa.name},
               {"threads", pool.threads()},
               {"peaks", {{"f32_gflops", peaks_.f32}}},
               {"phases", ordered_json::array()},
               {"functions", ordered_json::array()},
               {"operations", ordered_json::array()}};
  ordered_json& peaks = document_["peaks"];
  if (peaks_.bf16 > 0) peaks["bf16_gflops"] = peaks_.bf16;
  peaks["int8_gflops"] = peaks_.int8;
  peaks["memory_gbs"] = peaks_.memory;
}

void BenchReport::phase(const std::string& name, const std::vector<double>& milliseconds, const std::string& remark) {
  say("  {:<28} {:>10.2f}{}\n", name, median(milliseconds), remark.empty() ? "" : "   " + remark);
  document_["phases"].push_back({{"name", name.substr(name.find_first_not_of(' '))}, {"ms", times_json(milliseconds)}});
}

Status BenchReport::run_steps(int repeat, const std::function<void(OperationObserver)>& observe, ThreadPool& pool) {
  for (int i = 0; i <= repeat; ++i) {
    progress_.show(i > 0 ? fmt::format("repetition {} of {} ...", i, repeat) : "warming up ...");
    for (BenchStep& step : steps_) {
      if (i > 0) {
        step.recorder.start_repetition();
        observe([&step](const OperationTiming& timing) { step.recorder.add(timing); });
        pool.watch(step.recorder.watcher(pool));
      }
      const auto begin = TimeSpan::Clock::now();
      const Status status = step.run();
      if (i > 0) step.spans.push_back({begin, TimeSpan::Clock::now()});
      step.recorder.end_repetition();
      observe({});
      pool.watch({});
      SAMC_TRY(status);
    }
  }
  progress_.clear();
  return Status::ok();
}

void BenchReport::say_steps() {
  for (const BenchStep& step : steps_) {
    std::vector<double> rest;
    for (const TimeSpan& span : step.spans) rest.push_back(span.milliseconds());
    phase(step.name, rest, step.remark);
    for (const Row& function : step.recorder.by_function()) {
      say("  {:<28} {:>10.2f}   {}\n", "  " + function.name, median(function.milliseconds), rate_text(function));
      for (size_t i = 0; i < rest.size(); ++i) rest[i] -= function.milliseconds[i];
      document_["functions"].push_back(row_json(function));
    }
    if (step.rest != nullptr) phase(std::string("  ") + step.rest, rest);
  }
}

void BenchReport::say_row(const Row& row, bool with_name) const {
  const double time = median(row.milliseconds);
  const auto per = [&](double amount) { return time > 0 ? amount / time : 0; };
  say("  {:<23} {:<16} {:<4} {:<11} {:>6} {:>10.3f} {:>9.1f} {:>6.1f} {:>7.1f} {:>6.1f}{}\n", row.function, row.kernel,
      precision_name(row.precision), row.variant, row.calls, time, per(row.arithmetic / 1e6),
      100 * per(row.least_milliseconds), per(row.bytes / 1e6), 100 * per(row.bytes / 1e6) / peaks_.memory,
      !with_name             ? ""
      : row.blocking.empty() ? "  " + row.name
                             : fmt::format("  {} ({})", row.name, row.blocking));
}

ordered_json BenchReport::row_json(const Row& row) const {
  const double time = median(row.milliseconds);
  ordered_json json = {{"function", row.function}};
  if (!row.kernel.empty())
    json.update({{"name", row.name},
                 {"kernel", row.kernel},
                 {"precision", precision_name(row.precision)},
                 {"variant", row.variant},
                 {"blocking", row.blocking}});
  json.update({{"ms", times_json(row.milliseconds)},
               {"gflop", row.arithmetic / 1e9},
               {"gb", row.bytes / 1e9},
               {"compute_share", time > 0 ? row.least_milliseconds / time : 0},
               {"memory_share", time > 0 ? row.bytes / peaks_.memory / time / 1e6 : 0}});
  return json;
}

Status BenchReport::finish() {
  say("  {:<23} {:<16} {:<4} {:<11} {:>6} {:>10} {:>9} {:>6} {:>7} {:>6}\n", "function", "kernel", "in", "variant",
      "calls", "ms", "GFLOP/s", "% peak", "GB/s", "% peak");
  for (const BenchStep& step : steps_)
    for (const Row& row : step.recorder.by_kernel()) say_row(row, false);
  if (outputs_.operations) say("\n");
  for (const BenchStep& step : steps_)
    for (const Row& row : step.recorder.rows()) {
      if (outputs_.operations) say_row(row, true);
      document_["operations"].push_back(row_json(row));
    }
  if (!outputs_.json.empty()) SAMC_TRY(write_json(outputs_.json, document_));
  return outputs_.trace.empty() ? Status::ok() : write_trace();
}

// Track 0 has the steps and in them the operations; each thread has one more, of what it did of them.
Status BenchReport::write_trace() const {
  SAMC_ASSIGN(JsonList list, JsonList::open(outputs_.trace));
  const auto start = steps_.front().spans.front().begin;
  const auto add = [&](const std::string& name, int track, const TimeSpan& span, const ordered_json& more) {
    ordered_json event = {{"name", name},
                          {"ph", "X"},
                          {"pid", 1},
                          {"tid", track},
                          {"ts", TimeSpan{start, span.begin}.milliseconds() * 1e3},
                          {"dur", span.milliseconds() * 1e3}};
    if (!more.is_null()) event["args"] = more;
    return list.add(event);
  };
  int tracks = 1;
  for (const BenchStep& step : steps_) {
    for (const TimeSpan& span : step.spans) SAMC_TRY(add(step.name, 0, span, {}));
    for (const Row& row : step.recorder.rows()) {
      const ordered_json json = row_json(row);
      for (const TimeSpan& span : row.spans) SAMC_TRY(add(row.name, 0, span, json));
    }
    for (const ThreadSpan& part : step.recorder.threads()) {
      SAMC_TRY(add(part.operation ? step.recorder.rows()[*part.operation].name : std::string(step.name),
                   part.thread + 1, part.span, {}));
      tracks = std::max(tracks, part.thread + 2);
    }
  }
  for (int track = 0; track < tracks; ++track)
    SAMC_TRY(list.add({{"name", "thread_name"},
                       {"ph", "M"},
                       {"pid", 1},
                       {"tid", track},
                       {"args", {{"name", track == 0 ? "operations" : fmt::format("thread {}", track)}}}}));
  return list.finish();
}

}  // namespace samc
