#pragma once
// Checkpoints, mapped and not copied: PyTorch's (the zip format that torch.save writes since 1.6), and safetensors, in
// one file or in several. PyTorch's pickle is interpreted by pickle.h: nothing in it is ever executed, and a global
// that tensors do not need is an error naming it.
//
// What holds after open(): names are unique; every element of every tensor lies inside its storage, every storage
// inside the file. Bytes are checked against the zip's CRC when a tensor is first read (or by verify_all), so opening
// costs milliseconds. Safetensors have no checksums.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace samc {

struct CheckpointTensor {
  std::string name = {};
  DType dtype = DType::kF32;
  Shape shape = {};
  std::vector<int64_t> strides = {};        // in elements, never negative
  std::span<const std::byte> storage = {};  // the whole storage; several tensors may share one
  int64_t storage_offset = 0;               // first element, in elements
  bool big_endian = false;
  size_t storage_index = 0;  // equal for tensors that share a storage

  int64_t count() const { return element_count(shape); }
  // Row-major without gaps; extents of 1 may have any stride.
  bool is_dense() const;
};

struct NonFiniteTensor {
  std::string name = {};
  int64_t nan_count = 0;
  int64_t infinity_count = 0;
  std::string to_string() const;  // one line for people
};

// Safe to read from several threads.
class Checkpoint {
 public:
  // A .pt, a .safetensors, or the NAME.safetensors.index.json that says which files hold the tensors. state_dict: keys
  // from the top to the dict to take from a PyTorch checkpoint, joined by ".": "model", "ema.shadow"; else "model", as
  // the official code takes, and what else state_dicts.h says.
  static Result<Checkpoint> open(const std::string& path, const std::optional<std::string>& state_dict = std::nullopt);
  // The files that open() reads.
  static Result<std::vector<std::string>> files(const std::string& path);
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  const std::string& path() const;
  const std::string& format() const;  // for people: "a PyTorch checkpoint", "safetensors"
  // In the state_dict's own order; of safetensors in the file's.
  const std::vector<CheckpointTensor>& tensors() const;
  // nullptr when there is none of that name.
  const CheckpointTensor* find(std::string_view name) const;
  // The keys to the state_dict, such as "model"; empty for a bare one and for safetensors.
  const std::string& where() const;
  // Keys beside where() in a training checkpoint, such as "optimizer" and "epoch".
  const std::vector<std::string>& other_keys() const;
  // Keys to other dicts of about as many tensors, such as "ema".
  const std::vector<std::string>& other_weights() const;
  // state_dict entries that are not tensors, such as a plain int: names only.
  const std::vector<std::string>& ignored_entries() const;
  bool big_endian() const;
  // Other names, or other views, of the tensors that are here: each tensor given refers to a storage of this
  // checkpoint. An error names what is there twice.
  Status rename(std::vector<CheckpointTensor> tensors);
  int64_t parameter_count() const;  // elements of all tensors

  // Dense row-major f32: strides, byte order and every dtype converted (f64 and integers round to nearest).
  Result<Tensor> read_f32(const CheckpointTensor& tensor) const;
  // Dense row-major in the tensor's own dtype and the machine's byte order.
  Result<Tensor> read(const CheckpointTensor& tensor) const;
  // Whether view_f32 can give the mapped bytes themselves: f32, dense, little-endian, aligned to 4 bytes.
  static bool can_view_f32(const CheckpointTensor& tensor);
  // Borrows from this Checkpoint. can_view_f32(tensor) must hold.
  Result<TensorView> view_f32(const CheckpointTensor& tensor) const;

  // Checks every storage against its CRC.
  Status verify_all() const;
  // The tensors that hold NaN or infinity, in order, at most `most` of them.
  Result<std::vector<NonFiniteTensor>> find_non_finite(size_t most) const;
  // The mapped pages leave memory until they are read again.
  void drop_pages() const;

 private:
  struct State;
  explicit Checkpoint(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace samc
