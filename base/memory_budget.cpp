#include "base/memory_budget.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <limits>
#include <new>
#include <string>

#include "base/guard.h"
#include "base/out_of_memory.h"

namespace samc {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

std::atomic<int64_t> limit_now{0};  // 0: not asked for yet
std::atomic<int64_t> taken_now{0};

// A small file of /proc or /sys; empty where it is not there.
std::string small_file(const std::string& path) {
  std::string text;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return text;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = ::read(descriptor, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<size_t>(count));
  ::close(descriptor);
  return text;
}

// "max" or nonsense: no limit.
int64_t limit_in(const std::string& path) {
  const std::string text = small_file(path);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() || value > static_cast<uint64_t>(kUnlimited)) return kUnlimited;
  return static_cast<int64_t>(value);
}

// The least limit of a control group and those around it. Inside a container its own group is often shown as the root.
int64_t group_limit(const std::string& root, std::string group, const char* file) {
  int64_t least = limit_in(root + "/" + file);
  while (group.size() > 1) {
    least = std::min(least, limit_in(root + group + "/" + file));
    group.resize(group.rfind('/'));
  }
  return least;
}

// Lines of /proc/self/cgroup: "4:memory:/a/b" (version 1) and "0::/a/b" (version 2).
int64_t container_limit() {
  int64_t least = kUnlimited;
  const std::string groups = small_file("/proc/self/cgroup");
  for (size_t start = 0; start < groups.size();) {
    const size_t end = std::min(groups.find('\n', start), groups.size());
    const std::string line = groups.substr(start, end - start);
    start = end + 1;
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos || line.compare(second + 1, 1, "/") != 0) continue;
    const std::string controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") least = std::min(least, group_limit("/sys/fs/cgroup", group, "memory.max"));
    if (controllers.find(",memory,") != std::string::npos)
      least = std::min(least, group_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

int64_t machine_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0 || pages > kUnlimited / page) return kUnlimited;
  return int64_t{pages} * page;
}

int64_t address_space() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(kUnlimited)));
}

// Takes it, or leaves all as it was.
bool take_bytes(int64_t bytes) noexcept {
  const int64_t limit = memory_limit();
  int64_t before = taken_now.load(std::memory_order_relaxed);
  do {
    if (bytes < 0 || bytes > limit || before > limit - bytes) return false;
  } while (!taken_now.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  return true;
}

OutOfMemory beyond_limit(int64_t bytes, std::string_view what) noexcept {
  return {what, static_cast<double>(bytes), static_cast<double>(memory_limit()), static_cast<double>(memory_taken())};
}

}  // namespace

int64_t default_memory_limit() {
  const int64_t least = std::min({machine_memory(), container_limit(), address_space()});
  return least / 10 * 9;
}

void set_memory_limit(int64_t bytes) { limit_now.store(bytes > 0 ? bytes : default_memory_limit()); }

int64_t memory_limit() noexcept {
  if (const int64_t limit = limit_now.load(std::memory_order_relaxed); limit != 0) return limit;
  try {
    int64_t none = 0;
    limit_now.compare_exchange_strong(none, default_memory_limit());  // what another thread has set meanwhile, stays
    return limit_now.load();
  } catch (const std::bad_alloc&) {
    return kUnlimited;  // no memory to find out in; the next call tries again
  }
}

int64_t memory_taken() noexcept { return taken_now.load(std::memory_order_relaxed); }

Result<int64_t> parse_memory_size(std::string_view text) {
  constexpr double kLeast = 1 << 20, kMost = 1e18;
  const auto wrong = [&] {
    return usage_error(fmt::format("{} is no size of memory", text), "give one of 1M or more, such as 500M or 2G");
  };
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return wrong();
  std::string unit(end, text.data() + text.size());
  std::transform(unit.begin(), unit.end(), unit.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
  if (unit.ends_with("IB"))
    unit.resize(unit.size() - 2);
  else if (unit.ends_with("B"))
    unit.resize(unit.size() - 1);
  constexpr std::string_view kUnits = "KMGT";
  if (unit.size() > 1 || kUnits.find(unit) == std::string_view::npos) return wrong();
  if (!unit.empty())
    for (size_t power = 0; power <= kUnits.find(unit); ++power) value *= 1024;
  if (!(value >= kLeast) || value > kMost) return wrong();
  return static_cast<int64_t>(value);
}

Status check_memory(int64_t bytes, std::string_view what) {
  if (!take_bytes(bytes)) return status_of(beyond_limit(bytes, what));
  taken_now.fetch_sub(bytes, std::memory_order_relaxed);
  return Status::ok();
}

MemoryClaim::MemoryClaim(int64_t bytes, std::string_view what) { grow(bytes, what); }

Result<MemoryClaim> MemoryClaim::take(int64_t bytes, std::string_view what) {
  if (!take_bytes(bytes)) return status_of(beyond_limit(bytes, what));
  MemoryClaim claim;
  claim.bytes_ = bytes;
  return claim;
}

void MemoryClaim::grow(int64_t more, std::string_view what) {
  if (!take_bytes(more)) fail(beyond_limit(more, what));
  bytes_ += more;
}

void MemoryClaim::release() noexcept { taken_now.fetch_sub(std::exchange(bytes_, 0), std::memory_order_relaxed); }

}  // namespace samc
