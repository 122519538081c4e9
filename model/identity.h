#pragma once
// What tells one image encoder from another: its content, not its name. An embedding is good for the model whose
// encoder made it, and for no other.

#include <memory>
#include <span>
#include <string>

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "model/config.h"

namespace samc {

// A hash of parts, each with its length, so that no two lists of parts give the same bytes.
class ContentHash {
 public:
  ContentHash();
  void add(const void* data, size_t bytes);
  void add(const std::string& text) { add(text.data(), text.size()); }
  // A file's bytes, which leave memory again as they are read.
  Status add_file(const std::string& path);
  std::string hexadecimal() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// A hash, in hexadecimal, of all that the image encoder's result follows from: its tensors' values as f32, and what of
// the config is in no tensor (image size, heads, windows, ...). Two files of the same weights have the same, whatever
// they are called and whatever dtype holds the values. The checkpoint has passed check_tensors().
Result<std::string> encoder_identity(const ModelConfig& config, const Checkpoint& checkpoint);

// The same for an encoder that is known by its files alone (an ONNX export): of their bytes, in this order. The same
// weights as a checkpoint and as an export have different identities: nothing says that the graph computes the same.
Result<std::string> encoder_identity(std::span<const std::string> files);

}  // namespace samc
