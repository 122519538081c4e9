#pragma once
// What the command line says to people. Results go to stdout; warnings, errors and progress to stderr. Progress only
// when stderr is a terminal. Whatever is said, a terminal does not obey what names from files hold (base/text.h).

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <type_traits>

#include "base/status.h"
#include "base/text.h"

namespace samc {

// "PROGRAM: error: message; hint", one line whatever the message holds. Returns the exit code of the status: 1, 2, or
// 128 + the signal that ended the work.
int report_error(const Status& status);
void warn(const std::string& message);

// Text on stdout: what a terminal would obey is taken out, line breaks stay.
void print_text(std::string_view text);
// Whether all of it could be written: an error for a full disk or a closed pipe.
Status flush_output();

template <class T>
constexpr bool kIsText = std::is_convertible_v<const T&, std::string_view>;
template <class T>
using Shown = std::conditional_t<kIsText<T>, std::string, T>;
template <class T>
decltype(auto) shown(const T& value) {
  if constexpr (kIsText<T>)
    return printable(value);
  else
    return (value);
}

// fmt::print for people: a text among the values stays on its line whatever it holds.
template <class... T>
void say(fmt::format_string<const Shown<T>&...> format, const T&... values) {
  print_text(fmt::format(format, static_cast<const Shown<T>&>(shown(values))...));
}

// "a, b, c"
template <class Texts>
std::string joined(const Texts& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

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
