#pragma once
// The border between C and C++: no exception passes it, a fault becomes a samc_status and a line of text, and what
// comes from the caller is looked at first.

#include <fmt/format.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>

#include "base/guard.h"
#include "base/status.h"
#include "samc/samc.h"

namespace samc::capi {

// Keeps the line for samc_last_error(), takes no memory that must be there.
samc_status fail(const Status& status) noexcept;
samc_status fail_unknown() noexcept;
const char* last_error() noexcept;

// body() gives a Status.
template <class Body>
samc_status border(const Body& body) noexcept {
  try {
    const Status status = body();
    return status.is_ok() ? SAMC_OK : fail(status);
  } catch (const std::exception& error) {
    return fail(status_of(error));
  } catch (...) {
    return fail_unknown();
  }
}

Status is_null(const char* name);
#define SAMC_NEED(argument) \
  if ((argument) == nullptr) return ::samc::capi::is_null(#argument)

// Sets what will be given to NULL, so that a caller who does not look at the status has nothing wild in his hands.
template <class T>
void clear(T** result) {
  if (result != nullptr) *result = nullptr;
}

Status wrong_struct_size(size_t given, size_t known);

// Whether some version of the struct can have this size. One that ends inside of a pointer would be read as a wild one.
template <class T>
bool is_struct_size(size_t size) {
  constexpr size_t kLongest = 4096;
  return size >= sizeof(size_t) && size <= kLongest && size % alignof(T) == 0;
}

// The caller's options, whatever the age of his header: fields that he does not know are 0, those that this library
// does not know must be.
template <class T>
Result<T> read_options(const T* given) {
  T options{};
  if (given == nullptr) return options;
  const size_t size = given->struct_size;
  if (!is_struct_size<T>(size)) return wrong_struct_size(size, sizeof(T));
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  std::memcpy(&options, bytes, std::min(size, sizeof(T)));
  for (size_t i = sizeof(T); i < size; ++i)
    if (bytes[i] != 0) return wrong_struct_size(size, sizeof(T));
  return options;
}

// Fills as much of the caller's view as he knows.
template <class T>
Status give_view(const T& view, T* out) {
  const size_t size = out->struct_size;
  if (!is_struct_size<T>(size)) return wrong_struct_size(size, sizeof(T));
  auto* bytes = reinterpret_cast<unsigned char*>(out);
  std::memcpy(bytes + sizeof(size_t), reinterpret_cast<const unsigned char*>(&view) + sizeof(size_t),
              std::min(size, sizeof(T)) - sizeof(size_t));
  if (size > sizeof(T)) std::memset(bytes + sizeof(T), 0, size - sizeof(T));
  return Status::ok();
}

// One thread at a time.
class InUse {
 public:
  // Not clear: another thread holds it.
  explicit InUse(std::atomic_flag& flag) : flag_(flag), is_clear_(!flag.test_and_set(std::memory_order_acquire)) {}
  ~InUse() {
    if (is_clear_) flag_.clear(std::memory_order_release);
  }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;
  bool is_clear() const { return is_clear_; }

 private:
  std::atomic_flag& flag_;
  bool is_clear_;
};

Status used_by_another_thread();

// body(*object) as a Status, while no other thread uses the object. object: has `std::atomic_flag in_use`.
template <class Object, class Body>
samc_status border_of_one(Object* object, const char* name, const Body& body) noexcept {
  return border([&]() -> Status {
    if (object == nullptr) return is_null(name);
    const InUse use(object->in_use);
    if (!use.is_clear()) return used_by_another_thread();
    return body(*object);
  });
}

}  // namespace samc::capi
