// kernel_bench [--threads N] [--rounds N] [--only TEXT] [--cpu-time]: our kernels and oneDNN's, alternating.
// Set SAMC_ISA=avx2 to hold both to AVX2. With --cpu-time one thread is timed by the time it was given, not by the wall
// clock: that still means something on a machine that others are using.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <thread>

#include "bench/onednn.h"
#include "bench/shapes.h"
#include "kernels/fma_peak.h"

namespace samc {
namespace {

struct Options {
  int threads = 0;
  int rounds = 15;
  std::string only;
  bool cpu_time = false;
};

double milliseconds_now(bool cpu_time) {
  timespec now{};
  ::clock_gettime(cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

struct Times {
  std::vector<double> milliseconds;
  void sort() { std::sort(milliseconds.begin(), milliseconds.end()); }
  double least() const { return milliseconds.front(); }
  double median() const { return milliseconds[milliseconds.size() / 2]; }
  double most() const { return milliseconds.back(); }
};

template <class Body>
double milliseconds_of(const Body& body, int repeats, bool cpu_time) {
  const double start = milliseconds_now(cpu_time);
  for (int i = 0; i < repeats; ++i) body();
  return (milliseconds_now(cpu_time) - start) / repeats;
}

Status bench_shape(const BenchShape& shape, const Options& options, double peak, KernelContext& context) {
  const BenchData data(shape);
  OurOperation ours(shape, data);
  SAMC_ASSIGN(const std::unique_ptr<OneDnnOperation> theirs, make_onednn(shape, data));
  const auto run_ours = [&] { ours.run(context); };
  run_ours();
  theirs->run();
  if (!shape.matmul.normalise) {  // oneDNN's product has no normalisation: there it is a bound, not the same work
    for (int64_t i = 0; i < shape.dst_count(); ++i) {
      const float got = ours.dst().f32()[static_cast<size_t>(i)];
      const float expected = theirs->dst[static_cast<size_t>(i)];
      if (!(std::abs(got - expected) <= 1e-3f)) {
        return invalid_input(fmt::format("{}: element {} is {}, oneDNN says {}", shape.name, i, got, expected));
      }
    }
  }
  const int repeats = std::clamp(static_cast<int>(4.0 / milliseconds_of(run_ours, 2, options.cpu_time)), 1, 200);
  Times our_times;
  Times their_times;
  for (int round = 0; round < options.rounds; ++round) {
    // oneDNN's threads spin for a while after their work; ours must not pay for that.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    run_ours();
    our_times.milliseconds.push_back(milliseconds_of(run_ours, repeats, options.cpu_time));
    theirs->run();
    their_times.milliseconds.push_back(milliseconds_of(theirs->run, repeats, options.cpu_time));
  }
  our_times.sort();
  their_times.sort();
  const auto gflops = [&](double milliseconds) { return shape.flops() / milliseconds * 1e-6; };
  fmt::print("{:<42} {:8.3f} {:8.3f} {:8.3f} {:7.0f} {:4.0f}% {:8.3f} {:8.3f} {:6.2f} {:6.2f}  {}\n", shape.name,
             our_times.least(), our_times.median(), our_times.most(), gflops(our_times.least()),
             100 * gflops(our_times.least()) / peak, their_times.least(), their_times.median(),
             their_times.least() / our_times.least(), their_times.median() / our_times.median(),
             theirs->implementation);
  std::fflush(stdout);
  return Status::ok();
}

Status run(const Options& options) {
  SAMC_ASSIGN(const Isa isa, choose_isa());
  ThreadPool pool(options.threads);
  Scratch scratch(pool.threads());
  KernelContext context{pool, scratch, isa};
  SAMC_TRY(limit_onednn(isa, pool.threads()));
  const double peak = fma_peak_gflops(isa, pool);
  fmt::print("{}; {} threads, {}, {}; measured FMA peak {:.0f} GFLOP/s\n", machine_description(), pool.threads(),
             isa.name, options.cpu_time ? "CPU time" : "wall clock", peak);
  fmt::print("GFLOP/s and % of peak from the least time; ratio = oneDNN / ours, above 1 ours is faster\n");
  fmt::print("{:<42} {:>8} {:>8} {:>8} {:>7} {:>5} {:>8} {:>8} {:>6} {:>6}\n", "operation", "min ms", "median", "max",
             "GFLOP/s", "peak", "dnn min", "median", "ratio", "median");
  for (const BenchShape& shape : bench_shapes()) {
    if (shape.name.find(options.only) == std::string::npos) continue;
    SAMC_TRY(bench_shape(shape, options, peak, context));
  }
  fmt::print("measured FMA peak at the end: {:.0f} GFLOP/s\n", fma_peak_gflops(isa, pool));
  return Status::ok();
}

}  // namespace
}  // namespace samc

int main(int count, char** arguments) {
  samc::Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (i + 1 < count && name == "--threads") {
      options.threads = std::atoi(arguments[++i]);
    } else if (i + 1 < count && name == "--rounds") {
      options.rounds = std::max(1, std::atoi(arguments[++i]));
    } else if (i + 1 < count && name == "--only") {
      options.only = arguments[++i];
    } else if (name == "--cpu-time") {
      options.cpu_time = true;
      options.threads = 1;
    } else {
      std::fprintf(stderr, "kernel_bench [--threads N] [--rounds N] [--only TEXT] [--cpu-time]\n");
      return 2;
    }
  }
  if (const samc::Status status = samc::run(options); !status.is_ok()) {
    std::fprintf(stderr, "%s\n", status.to_string().c_str());
    return 1;
  }
}
