#pragma once
// A user's mistake (a torn file, a wrong shape) is a Status: what, where, and a hint of what to do. Our own mistakes
// are SAMC_CHECK (check.h). No exception crosses a stage's border: guard.h makes a Status of it there.

#include <optional>
#include <string>
#include <utility>

#include "base/check.h"

namespace samc {

enum class StatusCode {
  kOk,
  kInvalidInput,  // the file or value given is at fault: exit code 1
  kUsage,         // the command line is at fault: exit code 2
  kUnsupported,   // well-formed, but an op, precision, chip or model that samc does not do; the message names it
  kIo,            // the operating system refused: no such file, disk full, no permission
  kOutOfMemory,   // memory is missing, or the limit of it is reached (memory_budget.h)
  kInterrupted,   // Ctrl-C
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  // message: what and where, without a full stop. hint: what to do, may be empty. Both are kept up to kLongestMessage
  // bytes, their middle left out: what they quote of a file may be of any length.
  Status(StatusCode code, std::string message, std::string hint = {})
      : code_(code), message_(bounded(std::move(message))), hint_(bounded(std::move(hint))) {}

  static Status ok() { return {}; }
  // Takes no memory: its text fits into the object, its hint is shared.
  static Status out_of_memory() { return {StatusCode::kOutOfMemory, "out of memory"}; }
  bool is_ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const;
  // One line: "message; hint".
  std::string to_string() const { return hint().empty() ? message_ : message_ + "; " + hint(); }
  // The same status with "where: " before its message.
  Status at(const std::string& where) const { return is_ok() ? *this : Status(code_, where + ": " + message_, hint_); }

 private:
  static std::string bounded(std::string text);
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
  std::string hint_;
};

inline Status invalid_input(std::string message, std::string hint = {}) {
  return {StatusCode::kInvalidInput, std::move(message), std::move(hint)};
}
inline Status usage_error(std::string message, std::string hint = {}) {
  return {StatusCode::kUsage, std::move(message), std::move(hint)};
}
inline Status unsupported(std::string message, std::string hint = {}) {
  return {StatusCode::kUnsupported, std::move(message), std::move(hint)};
}
inline Status io_error(std::string message, std::string hint = {}) {
  return {StatusCode::kIo, std::move(message), std::move(hint)};
}

// A value, or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) {
    SAMC_CHECK(!status_.is_ok(), "a Result made from an ok Status has no value");
  }

  bool is_ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & {
    SAMC_CHECK(is_ok(), "{}", status_.to_string());
    return *value_;
  }
  const T& value() const& {
    SAMC_CHECK(is_ok(), "{}", status_.to_string());
    return *value_;
  }
  T&& value() && {
    SAMC_CHECK(is_ok(), "{}", status_.to_string());
    return std::move(*value_);
  }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace samc

#define SAMC_CONCAT_INNER(a, b) a##b
#define SAMC_CONCAT(a, b) SAMC_CONCAT_INNER(a, b)

// Return early when a Status is not ok.
#define SAMC_TRY(expression)                                                                    \
  do {                                                                                          \
    if (::samc::Status samc_status_ = (expression); !samc_status_.is_ok()) return samc_status_; \
  } while (false)

// SAMC_ASSIGN(auto file, MappedFile::open(path)); returns early when the Result holds no value.
#define SAMC_ASSIGN(declaration, expression) \
  SAMC_ASSIGN_INNER(SAMC_CONCAT(samc_result_, __LINE__), declaration, expression)
#define SAMC_ASSIGN_INNER(result, declaration, expression) \
  auto result = (expression);                              \
  if (!result.is_ok()) return result.status();             \
  declaration = std::move(result).value()
