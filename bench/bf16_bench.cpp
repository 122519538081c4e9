// bf16_bench [--threads N] [--rounds N] [--only TEXT] [--cpu-time 1]: the matrix products of all SAM 2 models in f32
// and in bf16, each bf16 variant that the machine has, with the types of src and dst that a plan gives them.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "bench/shapes.h"
#include "kernels/fma_peak.h"
#include "kernels/testing.h"

namespace samc {
namespace {

struct Options {
  int threads = 0;
  int rounds = 9;
  std::string only;
  bool cpu_time = false;  // of one thread, for a machine that is not idle
};

double milliseconds_now(bool cpu_time) {
  timespec now{};
  ::clock_gettime(cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// The least of some rounds.
template <class Body>
double milliseconds_of(const Body& body, const Options& options) {
  double least = 1e9;
  body();
  for (int round = 0; round < options.rounds; ++round) {
    const double start = milliseconds_now(options.cpu_time);
    body();
    least = std::min(least, milliseconds_now(options.cpu_time) - start);
  }
  return least;
}

// Rows of an f32 stream are normalised; what is added to it comes from bf16, and what is neither is f32.
MatmulParams in_bf16(const BenchShape& shape) {
  MatmulParams params = shape.matmul;
  params.precision = Precision::kBf16;
  if (shape.with_residual) params.src_dtype = DType::kBF16;
  if (params.normalise) params.dst_dtype = DType::kBF16;
  return params;
}

// At a multiple of 64 bytes, as a plan's values and weights are: AMX is twice as slow where a line straddles two.
template <class Element>
Tensor aligned(const std::vector<Element>& values, DType dtype) {
  return Tensor::copy_of({dtype, {static_cast<int64_t>(values.size())}, values.data()});
}

void bench_shape(const BenchShape& shape, const Options& options, ThreadPool& pool, Scratch& scratch, const Isa& best) {
  const BenchData data(shape);
  const int64_t k = shape.matmul.k, n = shape.matmul.n;
  const Tensor src = aligned(data.src, DType::kF32), residual = aligned(data.residual, DType::kF32);
  const float* const added = shape.with_residual ? residual.f32().data() : nullptr;
  Tensor dst({shape.dst_count()});

  Tensor weight({packed_floats(k, n)});
  pack_weights(data.weight.data(), k, n, WeightOrder::kKByN, weight.f32().data());
  KernelContext context{pool, scratch, best};
  const double f32_time = milliseconds_of(
      [&] { matmul(shape.matmul, src.data(), weight.data(), data.bias.data(), added, dst.data(), context); }, options);
  fmt::print("{:<38} {:8.3f} {:6.0f}", shape.name, f32_time, shape.flops() / f32_time * 1e-6);

  const MatmulParams params = in_bf16(shape);
  std::vector<uint16_t> rounded(data.src.size());
  std::transform(data.src.begin(), data.src.end(), rounded.begin(), f32_to_finite_bf16);
  const Tensor src_bf16 = aligned(rounded, DType::kBF16);
  Tensor weight_bf16(DType::kBF16, {packed_bf16(k, n)});
  pack_weights_bf16(data.weight.data(), k, n, WeightOrder::kKByN, weight_bf16.as<uint16_t>().data());
  const void* const source = params.src_dtype == DType::kBF16 ? src_bf16.data() : src.data();
  for (const Isa& isa : available_bf16_isas()) {
    if (isa == kScalarIsa) continue;
    KernelContext bf16_context{pool, scratch, isa};
    const double time = milliseconds_of(
        [&] { matmul(params, source, weight_bf16.data(), data.bias.data(), added, dst.data(), bf16_context); },
        options);
    fmt::print(" {:8.3f} {:6.0f} {:6.2f}", time, shape.flops() / time * 1e-6, f32_time / time);
  }
  fmt::print("\n");
  std::fflush(stdout);
}

Status run(const Options& options) {
  SAMC_ASSIGN(const Isa isa, choose_isa());
  ThreadPool pool(options.cpu_time ? 1 : options.threads);
  Scratch scratch(pool.threads());
  fmt::print("{}; {} threads; FMA peak {:.0f} GFLOP/s\n", machine_description(), pool.threads(),
             fma_peak_gflops(isa, pool));
  fmt::print("{:<38} {:>8} {:>6}", "least ms, GFLOP/s, f32 / bf16", "f32", "");
  for (const Isa& bf16_isa : available_bf16_isas()) {
    if (!(bf16_isa == kScalarIsa)) fmt::print(" {:>22}", bf16_isa.name);
  }
  fmt::print("\n");
  for (const BenchShape& shape : bench_shapes()) {
    if (shape.kind != BenchKind::kMatmul || shape.name.find(options.only) == std::string::npos) continue;
    bench_shape(shape, options, pool, scratch, isa);
  }
  return Status::ok();
}

}  // namespace
}  // namespace samc

int main(int count, char** arguments) {
  samc::Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    if (name == "--threads") options.threads = std::atoi(arguments[i + 1]);
    if (name == "--rounds") options.rounds = std::max(1, std::atoi(arguments[i + 1]));
    if (name == "--only") options.only = arguments[i + 1];
    if (name == "--cpu-time") options.cpu_time = true;
  }
  if (const samc::Status status = samc::run(options); !status.is_ok()) {
    std::fprintf(stderr, "%s\n", status.to_string().c_str());
    return 1;
  }
}
