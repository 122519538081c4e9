#pragma once
// The time that phases take, for the reports of the commands.

#include <chrono>

namespace samc {

class Stopwatch {
 public:
  // Milliseconds since the last lap, or since the stopwatch was made.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double milliseconds = std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
    return milliseconds;
  }
  // Milliseconds since then, and goes on.
  double so_far() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - last_).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace samc
