// How long Module::load takes: module_load_bench [x.samc]. Without a file: one with 160 MB of weights is made.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/cpu_features.h"
#include "package/writer.h"
#include "runtime/testing_models.h"

namespace {

void measure(const std::string& path, const char* what, const samc::LoadOptions& options) {
  std::vector<double> milliseconds;
  for (int round = 0; round < 21; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto module = samc::Module::load(path, options);
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    if (!module.is_ok()) {
      std::fprintf(stderr, "%s\n", module.status().to_string().c_str());
      return;
    }
    milliseconds.push_back(taken.count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  std::printf("%-32s median %7.2f ms, least %7.2f, most %7.2f (21 loads, file in the page cache)\n", what,
              milliseconds[10], milliseconds.front(), milliseconds.back());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string made = (std::filesystem::temp_directory_path() / "samc_module_load_bench.samc").string();
  const std::string path = argc > 1 ? argv[1] : made;
  if (argc <= 1) {
    samc::PlanBuilder plan;
    plan.module = samc::every_kernel();
    plan.function("large");
    const int32_t weight = plan.weight(std::vector<float>(40'000'000, 0.25f));
    plan.operation("unary", {weight}, plan.output("out", {40'000'000})).set_string("op", "neg");
    if (const samc::Status status = samc::write_module(plan.module, path); !status.is_ok())
      return std::fprintf(stderr, "%s\n", status.to_string().c_str()), 1;
  }
  std::printf("%s, %.1f MB\n", samc::machine_description().c_str(),
              static_cast<double>(std::filesystem::file_size(path)) / 1e6);
  measure(path, "all checksums, all cores", {true, 0});
  measure(path, "all checksums, one thread", {true, 1});
  measure(path, "without those of the weights", {false, 0});
  if (argc <= 1) std::filesystem::remove(made);
  return 0;
}
