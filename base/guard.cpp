#include "base/guard.h"

#include <new>
#include <stdexcept>
#include <system_error>

#include "base/out_of_memory.h"

namespace samc {
namespace {

Status describe(const std::exception& error) {
  if (dynamic_cast<const OutOfMemory*>(&error) != nullptr) return {StatusCode::kOutOfMemory, error.what()};
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return Status::out_of_memory();
  // A container was asked for more than can be.
  if (dynamic_cast<const std::length_error*>(&error) != nullptr)
    return {StatusCode::kOutOfMemory, std::string("out of memory: a size beyond all bounds (") + error.what() + ")"};
  if (dynamic_cast<const std::system_error*>(&error) != nullptr)
    return io_error(std::string("the system refused: ") + error.what());
  return io_error(std::string("unexpected: ") + error.what(), "please report it with the command and its input");
}

}  // namespace

Status status_of(const std::exception& error) noexcept {
  try {
    return describe(error);
  } catch (const std::exception&) {
    return Status::out_of_memory();
  }
}

}  // namespace samc
