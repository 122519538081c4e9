#pragma once
// An interpreter for the pickles that torch.save writes. It builds a tree of plain values and runs nothing: the few
// globals that tensors need are known by name and have a fixed meaning here, any other is an error that names it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"

namespace samc {

enum class PickleKind : uint8_t {
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,  // text or bytes
  kTuple,   // also torch.Size
  kList,
  kSet,
  kDict,     // also OrderedDict: items are key, value, key, value, ...
  kGlobal,   // an allowed global itself; integer is its index in the allow-list
  kStorage,  // items: key of its record; integer is the number of elements, or of bytes when dtype is not set
  kTensor,   // items: storage, offset, shape tuple, strides tuple
  kOpaque,   // a value that a checkpoint may hold and samc has no use for: a device, a dtype, a complex or huge number
};

struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  bool known_dtype = false;  // of a storage or tensor; false when samc has no such dtype, or the storage is untyped
  DType dtype = DType::kF32;
  bool untyped = false;  // of a storage: counted in bytes
  int64_t integer = 0;
  double real = 0;
  std::string_view text = {};  // borrows from the pickle; of a tensor or storage: its dtype's name in torch
  std::vector<uint32_t> items = {};
};

// Values refer to each other by index, so that shared and even cyclic ones (which pickles can make) do no harm.
class Pickle {
 public:
  static Result<Pickle> parse(std::span<const std::byte> bytes);
  // An upper bound of the memory that parse() takes: a byte may make a value.
  static int64_t cost(std::span<const std::byte> bytes);
  const PickleValue& root() const { return values_[root_]; }
  const PickleValue& value(uint32_t index) const { return values_[index]; }
  // The value under a string key of a dict, or nullptr.
  const PickleValue* find(const PickleValue& dict, std::string_view key) const;

 private:
  friend class PickleInterpreter;
  std::vector<PickleValue> values_;
  uint32_t root_ = 0;
};

}  // namespace samc
