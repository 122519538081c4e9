#include "app/console.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <new>

#include "base/out_of_memory.h"

#include "base/quote.h"

namespace samc {
namespace {

// File names and library messages may hold anything and be of any length; a terminal must not obey them.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : shortened(text, 2 * kLongestMessage + 2))
    out += (static_cast<unsigned char>(c) < 32 || c == 127) ? ' ' : c;
  return out;
}

}  // namespace

int report_error(const Status& status) {
  try {
    std::fprintf(stderr, "samc: error: %s\n", one_line(status.to_string()).c_str());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "samc: error: out of memory; %s\n", kOutOfMemoryHint);
  }
  switch (status.code()) {
    case StatusCode::kUsage:
      return 2;
    case StatusCode::kInterrupted:
      return 130;
    default:
      return 1;
  }
}

void warn(const std::string& message) { std::fprintf(stderr, "samc: warning: %s\n", one_line(message).c_str()); }

Progress::Progress(bool quiet) : active_(!quiet && ::isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() { clear(); }

void Progress::show(const std::string& text) {
  if (!active_) return;
  std::fprintf(stderr, "\r\033[K%s", one_line(text).c_str());
  std::fflush(stderr);
  shown_ = true;
}

void Progress::clear() {
  if (!shown_) return;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

std::string human_bytes(double bytes) {
  constexpr std::array<const char*, 4> kUnits{"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{:.0f} bytes", bytes);
  size_t unit = 0;
  for (bytes /= 1000; bytes >= 999.95 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

}  // namespace samc
