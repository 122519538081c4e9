#pragma once
// Inside checkpoint/: what the reader of a file's format gives. Every element of every tensor lies inside the file.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/zip_archive.h"

namespace samc {

struct StoredTensors {
  std::vector<CheckpointTensor> tensors = {};  // in the file's order
  std::vector<ZipEntry> storages = {};         // by storage_index, to be verified; none where a format has no checksums
  std::string where = {};                      // the three below: see Checkpoint
  std::vector<std::string> other_keys = {};
  std::vector<std::string> other_weights = {};
  std::vector<std::string> ignored_entries = {};
  bool big_endian = false;
};

// A file of torch.save. key: of the state_dict to take, as Checkpoint::open has it.
Result<StoredTensors> read_torch_file(std::span<const std::byte> file, const std::optional<std::string>& key);

// By its first bytes: the header's length, and a JSON object.
bool is_safetensors(std::span<const std::byte> file);
Result<StoredTensors> read_safetensors(std::span<const std::byte> file);

// Where the tensors of a model in several .safetensors files are. The text of NAME.safetensors.index.json:
// {"weight_map": {"TENSOR": "FILE", ...}}
struct ShardIndex {
  std::vector<std::string> files = {};                       // names in the index's folder, each once, sorted
  std::vector<std::pair<std::string, size_t>> tensors = {};  // name, which of files; sorted by name
};
Result<ShardIndex> parse_shard_index(std::string_view text);

constexpr const char* kShardIndexEnding = ".safetensors.index.json";

// Converts the elements of a tensor, whatever its dtype, strides and byte order, to dense row-major f32.
void convert_to_f32(const CheckpointTensor& tensor, std::span<float> destination);
// The same in its own dtype and the machine's byte order.
void copy_elements(const CheckpointTensor& tensor, std::byte* destination);

}  // namespace samc
