#include "targets/sophgo/tools/engine_estimate.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "base/files.h"

namespace samc::sophgo {
namespace {

// The number behind the last occurrence of a label.
bool number_after(std::string_view text, std::string_view label, double& value) {
  const size_t place = text.rfind(label);
  if (place == std::string_view::npos) return false;
  const std::string digits(text.substr(place + label.size(), 40));
  char* end = nullptr;
  value = std::strtod(digits.c_str(), &end);
  return end != digits.c_str();
}

}  // namespace

Result<EngineEstimate> parse_engine_estimate(std::string_view text) {
  EngineEstimate estimate;
  const bool complete = number_after(text, "TCYC :", estimate.total_cycles) &&
                        number_after(text, "flops:", estimate.flops) &&
                        number_after(text, "runtime:", estimate.milliseconds);
  // Not for every chip.
  number_after(text, "bdc_cycle:", estimate.compute_cycles);
  number_after(text, "gdma_cycle:", estimate.dma_cycles);
  number_after(text, "DDR DATASIZE(MB) :", estimate.ddr_megabytes);
  number_after(text, "DDR BW USAGE :", estimate.ddr_usage_percent);
  if (!complete) return invalid_input("the engine's profile ends without its summary");
  return estimate;
}

Result<std::vector<EngineEstimate>> read_engine_estimates(const std::string& folder) {
  std::vector<EngineEstimate> estimates;
  std::error_code error;
  for (int core = 0;; ++core) {
    const std::string path = fmt::format("{}/compiler_profile_{}.txt", folder, core);
    if (!std::filesystem::exists(path, error)) break;
    SAMC_ASSIGN(const MappedFile file, MappedFile::open(path));
    constexpr size_t kTail = size_t{64} << 10;
    const std::span<const std::byte> bytes = file.bytes();
    const size_t size = std::min(bytes.size(), kTail);
    const std::string_view tail(reinterpret_cast<const char*>(bytes.data()) + bytes.size() - size, size);
    Result<EngineEstimate> estimate = parse_engine_estimate(tail);
    if (!estimate.is_ok()) return estimate.status().at(path);
    estimates.push_back(estimate.value());
  }
  if (estimates.empty()) return invalid_input(fmt::format("tpuc-opt left no compiler_profile_0.txt in {}", folder));
  return estimates;
}

}  // namespace samc::sophgo
