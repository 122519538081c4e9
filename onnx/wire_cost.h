#pragma once
// How much memory an ONNX file takes when it is read, found without reading it: two bytes of a file may be a node,
// which takes hundreds.

#include <cstddef>
#include <cstdint>
#include <span>

namespace samc::onnx {

// An upper bound in bytes, for protobuf's objects and ours, in one pass over the file that skips what weights hold.
// What is no protobuf counts as far as it can be read: the parser refuses it.
int64_t wire_cost(std::span<const std::byte> model);

}  // namespace samc::onnx
