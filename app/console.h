#pragma once
// What the command line says to people. Results go to stdout; warnings, errors and progress to stderr. Progress only
// when stderr is a terminal.

#include <string>

#include "base/status.h"

namespace samc {

// "samc: error: message; hint", one line whatever the message holds. Returns the exit code of the status: 1, 2 or 130.
int report_error(const Status& status);
void warn(const std::string& message);

// A line that is overwritten by the next and gone when the object is. Nothing when stderr is no terminal.
class Progress {
 public:
  explicit Progress(bool quiet = false);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(const std::string& text);
  void clear();

 private:
  bool active_ = false;
  bool shown_ = false;
};

std::string human_bytes(double bytes);  // "148.7 MB": decimal units

}  // namespace samc
