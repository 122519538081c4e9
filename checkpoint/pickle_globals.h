#pragma once
// The globals that a checkpoint's pickle may name, each with its fixed meaning. All that torch.save writes for tensors
// in dicts and lists, and nothing else: a pickle is data here, never a program.

#include <cstdint>
#include <span>
#include <string_view>

#include "base/dtype.h"

namespace samc {

enum class GlobalMeaning : uint8_t {
  kDict,              // called: a dict
  kTuple,             // called with one sequence: that tuple
  kSet,               // called with one sequence
  kRebuildTensor,     // (storage, offset, shape, strides, ...)
  kRebuildTensorV3,   // (storage, offset, shape, strides, requires_grad, hooks, dtype, ...)
  kRebuildParameter,  // (tensor, ...): the tensor
  kRebuildFromType,   // (rebuild function, type, its arguments, attributes): what the function makes
  kEncode,            // _codecs.encode(text, encoding): the bytes, as Python 2's protocol writes them
  kStorage,           // a storage class; never called
  kDType,             // a dtype; never called
  kClass,             // torch.Tensor and the like, as an argument only
  kOpaque,            // called: a value of no use here
};

struct AllowedGlobal {
  std::string_view module;
  std::string_view name;
  GlobalMeaning meaning;
  bool known_dtype = false;
  DType dtype = DType::kF32;
};

std::span<const AllowedGlobal> allowed_globals();

}  // namespace samc
