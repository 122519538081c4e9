#pragma once
// What happens when memory is missing. Everywhere: std::bad_alloc, often an OutOfMemory that says what wanted it, which
// guard.h makes a Status at a stage's border. In code that cannot be unwound (MLIR is built without exceptions): the
// process ends with the same line, exit code 1, and no unfinished file.

#include <array>
#include <cstddef>
#include <new>
#include <string_view>

namespace samc {

// Holds its text itself, cut where it is too long: making one takes no memory.
class OutOfMemory : public std::bad_alloc {
 public:
  // "what takes 4.2 GB"
  OutOfMemory(std::string_view what, double bytes) noexcept;
  // "what takes 4.2 GB, and of the limit of 4 GB 1 GB is taken"
  OutOfMemory(std::string_view what, double bytes, double limit, double taken) noexcept;
  const char* what() const noexcept override { return text_.data(); }

 private:
  std::array<char, 320> text_{};
};

// Throws the error, or ends the process while an EndProcessOnOutOfMemory lives.
[[noreturn]] void fail(const OutOfMemory& error);

// While one lives, in any thread, missing memory ends the process: operator new's included. The program's affair: the
// runtime library never makes one.
class EndProcessOnOutOfMemory {
 public:
  EndProcessOnOutOfMemory();
  ~EndProcessOnOutOfMemory();
  EndProcessOnOutOfMemory(const EndProcessOnOutOfMemory&) = delete;
  EndProcessOnOutOfMemory& operator=(const EndProcessOnOutOfMemory&) = delete;

 private:
  std::new_handler before_;
};
bool is_process_to_end_on_missing_memory() noexcept;  // whether one lives

// "PROGRAM: error: TEXT" on standard error, unfinished files removed, exit code 1. Takes no memory and no lock.
[[noreturn]] void end_process(const char* text) noexcept;

// "4.2 GB" in decimal units, with its end in the buffer's zero.
std::array<char, 32> bytes_in_words(double bytes) noexcept;

inline constexpr const char* kOutOfMemoryHint =
    "more memory is needed (--memory-limit, ulimit -v, the container's limit); of images, smaller ones need less";

}  // namespace samc
