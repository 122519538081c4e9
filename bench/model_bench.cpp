// model_bench MODULE.samc [--threads N]: runs a module's functions on command, for bench/compare.py, which alternates
// it with other runtimes. Commands, one a line on stdin; each is answered by one line, "error ..." if it failed. SIZES
// are the free sizes of the function, as "points=2".
//   machine               the processor, instruction set, threads and measured FMA peak in GFLOP/s
//   input NAME FILE       fills an input, of any function that has it, with the file's f32 values
//   run FUNCTION SIZES    runs once: milliseconds by the clock, milliseconds of processor time of all threads. An input
//                         that was not given is the output of that name of an earlier run
//   output NAME FILE      writes an output of the last run as f32 values
//   memory                the most memory that this process had so far, MB
//   profile ROUNDS FUNCTION SIZES   per operation: medians, most time first, then an empty line

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <vector>

#include "base/files.h"
#include "kernels/fma_peak.h"
#include "package/plan.h"
#include "package/sizes.h"
#include "runtime/executor.h"

namespace samc {
namespace {

double processor_milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

class ModelBench {
 public:
  explicit ModelBench(Executor executor) : executor_(std::move(executor)) {}

  Status obey(const std::string& line) {
    std::istringstream words(line);
    std::string command, name, file;
    words >> command >> name;
    if (command == "machine") return describe_machine();
    if (command == "input" && words >> file) return read_input(name, file);
    if (command == "output" && words >> file) return write_output(name, file);
    if (command == "memory") return say_memory();
    const int rounds = std::atoi(name.c_str());
    if (command == "profile") words >> name;
    std::vector<GivenSize> sizes;
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      if (equals == std::string::npos) return invalid_input(fmt::format("not a size: {}", word));
      sizes.push_back({word.substr(0, equals), std::atoll(word.c_str() + equals + 1)});
    }
    if (command == "run") return run(name, sizes);
    if (command == "profile" && rounds > 0) return profile(name, sizes, rounds);
    return invalid_input(fmt::format("not a command: {}", line));
  }

 private:
  struct GivenSize {
    std::string name;
    int64_t value;
  };

  Status say_memory() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    fmt::print("{:.0f}\n", static_cast<double>(usage.ru_maxrss) / 1000);
    return Status::ok();
  }

  Status describe_machine() {
    const double peak = fma_peak_gflops(executor_.isa(), executor_.pool());
    fmt::print("{}; {}; {} thread(s); FMA peak {:.0f} GFLOP/s\n", machine_description(), executor_.isa().name,
               executor_.pool().threads(), peak);
    return Status::ok();
  }

  Status read_input(const std::string& name, const std::string& file) {
    SAMC_ASSIGN(const MappedFile mapped, MappedFile::open(file));
    Tensor values({static_cast<int64_t>(mapped.bytes().size() / sizeof(float))});
    std::memcpy(values.data(), mapped.bytes().data(), static_cast<size_t>(values.bytes()));
    inputs_[name] = std::move(values);
    fmt::print("ok\n");
    return Status::ok();
  }

  Status write_output(const std::string& name, const std::string& file) {
    const auto found = outputs_.find(name);
    if (found == outputs_.end()) return invalid_input(fmt::format("no output {}", name));
    std::ofstream stream(file, std::ios::binary);
    stream.write(static_cast<const char*>(static_cast<const void*>(found->second.data())),
                 static_cast<std::streamsize>(found->second.bytes()));
    if (!stream.flush()) return io_error(fmt::format("{}: could not be written", file));
    fmt::print("ok\n");
    return Status::ok();
  }

  Status run_quietly(const std::string& name, const std::vector<GivenSize>& given) {
    const PlanModule& plan = executor_.module().plan();
    const auto function = std::find_if(plan.functions.begin(), plan.functions.end(),
                                       [&](const PlanFunction& candidate) { return candidate.name == name; });
    if (function == plan.functions.end()) return invalid_input(fmt::format("no function {}", name));
    std::vector<NamedSize> named;
    named.reserve(given.size());
    for (const GivenSize& size : given) named.push_back({size.name, size.value});
    SAMC_ASSIGN(const Sizes sizes, choose_sizes(*function, named));
    std::vector<NamedInput> inputs;
    for (const int32_t index : function->inputs) {
      const Value& value = function->values[static_cast<size_t>(index)];
      const Tensor* found = nullptr;
      for (const auto* known : {&outputs_, &inputs_})
        if (const auto entry = known->find(value.name); entry != known->end()) found = &entry->second;
      if (found == nullptr) return invalid_input(fmt::format("input {} was not given", value.name));
      Shape shape = value.shape_at(sizes);
      if (element_count(shape) != found->count())
        return invalid_input(fmt::format("input {} has {} values", value.name, found->count()));
      inputs.push_back({value.name, found->view().with_shape(std::move(shape))});
    }
    std::vector<NamedOutput> outputs;
    for (const int32_t index : function->outputs) {
      const Value& value = function->values[static_cast<size_t>(index)];
      outputs.push_back({value.name, &outputs_[value.name]});
    }
    return executor_.run(name, named, inputs, outputs);
  }

  Status run(const std::string& name, const std::vector<GivenSize>& sizes) {
    const double processor_start = processor_milliseconds();
    const auto start = std::chrono::steady_clock::now();
    SAMC_TRY(run_quietly(name, sizes));
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    fmt::print("{:.4f} {:.4f}\n", taken.count(), processor_milliseconds() - processor_start);
    return Status::ok();
  }

  Status profile(const std::string& name, const std::vector<GivenSize>& sizes, int rounds) {
    struct Row {
      std::string name, kernel;
      double arithmetic;
      std::vector<double> milliseconds;
    };
    std::vector<Row> rows;
    size_t next = 0;
    executor_.observe([&](const OperationTiming& timing) {
      if (next == rows.size())
        rows.push_back(
            {std::string(timing.name), fmt::format("{} ({})", timing.kernel, timing.variant), timing.arithmetic, {}});
      rows[next++].milliseconds.push_back(timing.milliseconds);
    });
    Status status = Status::ok();
    for (int round = 0; round < rounds && status.is_ok(); ++round) {
      next = 0;
      status = run_quietly(name, sizes);
    }
    executor_.observe({});
    SAMC_TRY(status);
    for (Row& row : rows) std::sort(row.milliseconds.begin(), row.milliseconds.end());
    std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return a.milliseconds[a.milliseconds.size() / 2] > b.milliseconds[b.milliseconds.size() / 2];
    });
    for (const Row& row : rows) {
      const double median = row.milliseconds[row.milliseconds.size() / 2];
      fmt::print("{:.4f} {:.1f} {} {}\n", median, row.arithmetic / median / 1e6, row.kernel, row.name);
    }
    fmt::print("\n");
    return Status::ok();
  }

  Executor executor_;
  std::map<std::string, Tensor> inputs_;
  std::map<std::string, Tensor> outputs_;
};

Status serve(const std::string& path, int threads) {
  LoadOptions options;
  options.threads = threads;
  SAMC_ASSIGN(const std::shared_ptr<const Module> module, Module::load(path, options));
  SAMC_ASSIGN(Executor executor, Executor::create(module, threads));
  ModelBench bench(std::move(executor));
  for (std::string line; std::getline(std::cin, line);) {
    if (const Status status = bench.obey(line); !status.is_ok()) fmt::print("error {}\n", status.to_string());
    std::fflush(stdout);
  }
  return Status::ok();
}

}  // namespace
}  // namespace samc

int main(int argc, char** argv) {
  const bool has_threads = argc == 4 && std::string_view(argv[2]) == "--threads";
  if (argc != 2 && !has_threads) {
    std::fprintf(stderr, "usage: model_bench MODULE.samc [--threads N]\n");
    return 2;
  }
  const samc::Status status = samc::serve(argv[1], has_threads ? std::atoi(argv[3]) : 0);
  if (!status.is_ok()) std::fprintf(stderr, "%s\n", status.to_string().c_str());
  return status.is_ok() ? 0 : 1;
}
