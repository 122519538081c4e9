#include "app/console.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <new>

#include "app/signals.h"
#include "base/out_of_memory.h"
#include "base/program_name.h"
#include "base/quote.h"

namespace samc {
namespace {

// As long as a message may be, and no longer.
std::string one_line(const std::string& text) { return printable(shortened(text, 2 * kLongestMessage + 2)); }

}  // namespace

int report_error(const Status& status) {
  try {
    std::fprintf(stderr, "%s: error: %s\n", program_name(), one_line(status.to_string()).c_str());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "%s: error: out of memory; %s\n", program_name(), kOutOfMemoryHint);
  }
  switch (status.code()) {
    case StatusCode::kUsage:
      return 2;
    case StatusCode::kInterrupted:
      return 128 + end_signal();
    default:
      return 1;
  }
}

void warn(const std::string& message) {
  std::fprintf(stderr, "%s: warning: %s\n", program_name(), one_line(message).c_str());
}

// Written once and not retried: flush_output() says what became of it.
void print_text(std::string_view text) {
  const std::string clean = printable_lines(text);
  (void)std::fwrite(clean.data(), 1, clean.size(), stdout);
}

Status flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return io_error("cannot write to standard output");
  return Status::ok();
}

Progress::Progress(bool quiet) : active_(!quiet && ::isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() { clear(); }

void Progress::show(const std::string& text) {
  if (!active_) return;
  std::fprintf(stderr, "\r\033[K%s", printable(text).c_str());
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
