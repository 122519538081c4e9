#include "base/status.h"

#include "base/limits.h"
#include "base/out_of_memory.h"
#include "base/quote.h"

namespace samc {
namespace {

// Made before main(): where memory is missing there is none for the hint either.
const std::string out_of_memory_hint = kOutOfMemoryHint;

}  // namespace

std::string Status::bounded(std::string text) {
  return text.size() <= kLongestMessage ? std::move(text) : shortened(text, kLongestMessage);
}

const std::string& Status::hint() const {
  return code_ == StatusCode::kOutOfMemory && hint_.empty() ? out_of_memory_hint : hint_;
}

}  // namespace samc
