#pragma once
// Checkpoints for tests, without Python: a small zip writer, a small pickle writer, and write_test_checkpoint, which
// makes the file that torch.save would make. The two writers can also be told to write what is wrong.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace samc::test {

// Pickle opcodes, appended one after another; bytes() is the pickle. Protocol 2, as torch.save writes.
class PickleWriter {
 public:
  PickleWriter() { raw(std::string_view("\x80\x02", 2)); }
  PickleWriter& raw(std::string_view bytes);
  PickleWriter& mark() { return raw("("); }
  PickleWriter& tuple() { return raw("t"); }  // everything since the mark
  PickleWriter& text(std::string_view value);
  PickleWriter& integer(int64_t value);
  PickleWriter& real(double value);
  PickleWriter& global(std::string_view module, std::string_view name);
  PickleWriter& empty_ordered_dict();
  PickleWriter& integers(const std::vector<int64_t>& values);  // as a tuple
  // A tensor over the storage `key` of `storage_count` elements.
  PickleWriter& tensor(std::string_view storage_class, std::string_view key, int64_t storage_count, int64_t offset,
                       const Shape& shape, const std::vector<int64_t>& strides);
  std::string stop() { return raw(".").bytes_; }

 private:
  std::string bytes_;
};

struct ZipEntryOptions {
  bool data_descriptor = false;             // sizes and CRC follow the data
  bool zip64 = false;                       // sizes in the 64-bit extra field
  std::optional<uint32_t> crc = {};         // instead of the right one
  std::optional<uint32_t> size = {};        // in both headers, instead of the right one
  std::optional<uint32_t> offset = {};      // of the local header, in the directory
  std::optional<uint64_t> zip64_size = {};  // in the 64-bit extra field
  uint16_t method = 0;
  uint16_t flags = 0;
};

// Writes entries one after another to a sink; data begin at multiples of 64, as torch.save has it.
class ZipWriter {
 public:
  using Sink = std::function<Status(const void* data, size_t size)>;
  explicit ZipWriter(Sink sink) : sink_(std::move(sink)) {}
  Status add(std::string_view name, const void* data, size_t size, const ZipEntryOptions& options = {});
  Status add(std::string_view name, std::string_view data, const ZipEntryOptions& options = {}) {
    return add(name, data.data(), data.size(), options);
  }
  // zip64: the directory's own place is written in 64 bits as well.
  Status finish(bool zip64 = false);

 private:
  Status write(std::string_view bytes);
  Sink sink_;
  uint64_t position_ = 0;
  uint64_t entry_count_ = 0;
  std::string directory_;
};

std::vector<int64_t> dense_strides(const Shape& shape);
std::string_view storage_class(DType dtype);  // "FloatStorage"

struct TensorSource {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::function<Tensor()> make;  // called once, when its turn to be written comes
};

struct TestCheckpointOptions {
  std::string archive = "test";
  std::string key = "model";  // empty: a bare state_dict
  bool big_endian = false;    // data are swapped and the byteorder entry says "big"
  bool data_descriptors = false;
  bool zip64 = false;
  // Called after the state_dict with the writer inside the outer dict: appends key, value, 's' (SETITEM) for each
  // further key.
  std::function<void(PickleWriter&)> more_keys = {};
};

Status write_test_checkpoint(const std::string& path, const std::vector<TensorSource>& tensors,
                             const TestCheckpointOptions& options = {});

struct NamedTensor {
  std::string name;
  Tensor tensor;
};
Status write_test_checkpoint(const std::string& path, const std::vector<NamedTensor>& tensors,
                             const TestCheckpointOptions& options = {});

// The bytes of a .safetensors file: the length of this header, the header, the data.
std::string safetensors_bytes(std::string_view header, std::string_view data);
// The header's entry of a tensor, whatever it says: "NAME":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}
std::string safetensors_entry(std::string_view name, std::string_view dtype, const Shape& shape, int64_t begin,
                              int64_t end);
// As safetensors.torch.save_file writes it: data in the order given, the header padded to a multiple of 8.
Status write_test_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors);

}  // namespace samc::test
