#pragma once
// The border of a stage: no exception passes it. What was thrown inside (memory or threads that are missing, a size
// beyond all bounds, a library's complaint) becomes a Status of one line.
//
//   Result<Image> read_image(const std::string& path) {
//     return guarded([&] { return read_image_unguarded(path); });
//   }

#include <exception>

#include "base/status.h"

namespace samc {

// Takes no memory where there is none. Missing memory: kOutOfMemory. Any other: kIo with what the exception says.
Status status_of(const std::exception& error) noexcept;

// body() gives a Status or a Result.
template <class Body>
auto guarded(const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& error) {
    return status_of(error);
  }
}

}  // namespace samc
