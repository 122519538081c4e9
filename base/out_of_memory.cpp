#include "base/out_of_memory.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>

#include "base/files.h"
#include "base/program_name.h"

namespace samc {
namespace {

std::atomic<int> ending_scopes{0};

void say(const char* text) {
  size_t size = std::strlen(text);
  while (size > 0) {
    const ssize_t written = ::write(STDERR_FILENO, text, size);
    if (written <= 0) return;
    text += written;
    size -= static_cast<size_t>(written);
  }
}

// What operator new calls where it finds no memory.
void on_missing_memory() { end_process("out of memory"); }

}  // namespace

std::array<char, 32> bytes_in_words(double bytes) noexcept {
  constexpr std::array<const char*, 5> kUnits{"kB", "MB", "GB", "TB", "PB"};
  std::array<char, 32> text{};
  if (bytes < 1000) {
    std::snprintf(text.data(), text.size(), "%.0f bytes", bytes);
    return text;
  }
  size_t unit = 0;
  for (bytes /= 1000; bytes >= 999.95 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  std::snprintf(text.data(), text.size(), "%.1f %s", bytes, kUnits[unit]);
  return text;
}

OutOfMemory::OutOfMemory(std::string_view what, double bytes) noexcept {
  std::snprintf(text_.data(), text_.size(), "out of memory: %.*s takes %s", static_cast<int>(what.size()), what.data(),
                bytes_in_words(bytes).data());
}

OutOfMemory::OutOfMemory(std::string_view what, double bytes, double limit, double taken) noexcept {
  std::snprintf(text_.data(), text_.size(),
                "out of memory: %.*s takes %s, and of the limit of memory of %s %s is taken",
                static_cast<int>(what.size()), what.data(), bytes_in_words(bytes).data(), bytes_in_words(limit).data(),
                bytes_in_words(taken).data());
}

bool is_process_to_end_on_missing_memory() noexcept { return ending_scopes.load() > 0; }

void fail(const OutOfMemory& error) {
  if (is_process_to_end_on_missing_memory()) end_process(error.what());
  throw error;
}

EndProcessOnOutOfMemory::EndProcessOnOutOfMemory() : before_(std::set_new_handler(on_missing_memory)) {
  ending_scopes.fetch_add(1);
}

EndProcessOnOutOfMemory::~EndProcessOnOutOfMemory() {
  ending_scopes.fetch_sub(1);
  std::set_new_handler(before_);
}

void end_process(const char* text) noexcept {
  remove_unfinished_files();
  if (::isatty(STDERR_FILENO) != 0) say("\r\033[K");  // a progress line may stand there
  say(program_name());
  say(": error: ");
  say(text);
  say("; ");
  say(kOutOfMemoryHint);
  say("\n");
  ::_exit(1);
}

}  // namespace samc
