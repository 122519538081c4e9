#include "checkpoint/checkpoint.h"

#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "base/files.h"
#include "base/guard.h"
#include "base/quote.h"
#include "checkpoint/stored_tensors.h"

namespace samc {
namespace {

constexpr const char* kSaveHint = "save it in PyTorch with torch.save({\"model\": model.state_dict()}, path)";
constexpr const char* kTogether = "the files do not belong together: download or save them again";
constexpr size_t kLargestIndex = size_t{1} << 24;

bool is_shard_index(const std::string& path) { return path.ends_with(kShardIndexEnding); }

std::string beside(const std::string& path, const std::string& name) {
  return (std::filesystem::path(path).parent_path() / name).string();
}

Result<ShardIndex> read_shard_index(const std::string& path) {
  SAMC_ASSIGN(const std::string text, read_text_file(path, kLargestIndex));
  Result<ShardIndex> index = parse_shard_index(text);
  return index.is_ok() ? std::move(index) : index.status().at(path);
}

bool is_floating(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF64;
}

// Elements whose exponent is all ones, in what may be tens of millions: a plain loop that compilers vectorise.
int64_t count_non_finite(std::span<const float> values) {
  int64_t count = 0;
  for (const float value : values) count += (std::bit_cast<uint32_t>(value) & 0x7f800000u) == 0x7f800000u ? 1 : 0;
  return count;
}

}  // namespace

struct Checkpoint::State {
  std::string path;
  std::vector<MappedFile> files;  // the one of path, or the shards that it names
  std::string format;
  StoredTensors stored;
  std::unordered_map<std::string_view, size_t> by_name;
  std::unique_ptr<std::atomic<bool>[]> storage_verified;  // by storage_index

  Status read_shards();
  Status index_names();
  Status verify(size_t storage_index) const;
};

bool CheckpointTensor::is_dense() const {
  if (count() == 0) return true;
  int64_t expected = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    if (shape[axis] != 1 && strides[axis] != expected) return false;
    expected *= shape[axis];
  }
  return true;
}

Status Checkpoint::State::read_shards() {
  SAMC_ASSIGN(const ShardIndex index, read_shard_index(path));
  // By name: which of the files, and which of the tensors read from them.
  std::unordered_map<std::string, std::pair<size_t, CheckpointTensor>> found;
  for (size_t part = 0; part < index.files.size(); ++part) {
    const std::string file = beside(path, index.files[part]);
    SAMC_ASSIGN(files.emplace_back(), MappedFile::open(file));
    Result<StoredTensors> read = read_safetensors(files.back().bytes());
    if (!read.is_ok()) return read.status().at(file);
    for (CheckpointTensor& tensor : read.value().tensors) {
      const auto [place, is_new] = found.try_emplace(tensor.name);
      if (!is_new)
        return invalid_input(fmt::format("{}: the tensor {} is in another file too", file, quote(tensor.name)),
                             kTogether);
      place->second = {part, std::move(tensor)};
    }
  }
  for (const auto& [name, part] : index.tensors) {
    const auto place = found.find(name);
    if (place == found.end() || place->second.first != part)
      return invalid_input(fmt::format("{}: the tensor {} is not in {}", path, quote(name), quote(index.files[part])),
                           kTogether);
    place->second.second.storage_index = stored.tensors.size();
    stored.tensors.push_back(std::move(place->second.second));
  }
  format = fmt::format("safetensors in {} files", files.size());
  return Status::ok();
}

Status Checkpoint::State::index_names() {
  by_name.clear();
  for (size_t i = 0; i < stored.tensors.size(); ++i)
    if (!by_name.emplace(stored.tensors[i].name, i).second)
      return invalid_input(fmt::format("the tensor {} is there twice", quote(stored.tensors[i].name)), kSaveHint);
  return Status::ok();
}

Status Checkpoint::State::verify(size_t storage_index) const {
  if (storage_index >= stored.storages.size()) return Status::ok();  // the format has no checksums
  if (storage_verified[storage_index].load(std::memory_order_acquire)) return Status::ok();
  Status status = verify_stored(stored.storages[storage_index]);
  if (status.is_ok()) {
    storage_verified[storage_index].store(true, std::memory_order_release);
    return status;
  }
  for (const CheckpointTensor& tensor : stored.tensors)
    if (tensor.storage_index == storage_index) return status.at(fmt::format("{}: tensor {}", path, tensor.name));
  return status.at(path);
}

Checkpoint::Checkpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

Result<Checkpoint> Checkpoint::open(const std::string& path, const std::optional<std::string>& state_dict) {
  return guarded([&]() -> Result<Checkpoint> {
    auto state = std::make_unique<State>();
    state->path = path;
    if (is_shard_index(path)) {
      SAMC_TRY(state->read_shards());
    } else {
      SAMC_ASSIGN(state->files.emplace_back(), MappedFile::open(path));
      const std::span<const std::byte> bytes = state->files[0].bytes();
      const bool safetensors = is_safetensors(bytes);
      state->format = safetensors ? "safetensors" : "a PyTorch checkpoint";
      Result<StoredTensors> stored = safetensors ? read_safetensors(bytes) : read_torch_file(bytes, state_dict);
      if (!stored.is_ok()) return stored.status().at(path);
      state->stored = std::move(stored).value();
    }
    if (state_dict && state->stored.where != *state_dict)
      return usage_error(fmt::format("--state-dict is for PyTorch checkpoints, and {} is {}", path, state->format),
                         "leave it out");
    SAMC_TRY(state->index_names().at(path));
    state->storage_verified = std::make_unique<std::atomic<bool>[]>(state->stored.storages.size());
    return Checkpoint(std::move(state));
  });
}

Result<std::vector<std::string>> Checkpoint::files(const std::string& path) {
  return guarded([&]() -> Result<std::vector<std::string>> {
    std::vector<std::string> files = {path};
    if (!is_shard_index(path)) return files;
    SAMC_ASSIGN(const ShardIndex index, read_shard_index(path));
    for (const std::string& name : index.files) files.push_back(beside(path, name));
    return files;
  });
}

Status Checkpoint::rename(std::vector<CheckpointTensor> tensors) {
  state_->stored.tensors = std::move(tensors);
  return state_->index_names();
}

const std::string& Checkpoint::path() const { return state_->path; }
const std::string& Checkpoint::format() const { return state_->format; }
const std::vector<CheckpointTensor>& Checkpoint::tensors() const { return state_->stored.tensors; }

const CheckpointTensor* Checkpoint::find(std::string_view name) const {
  const auto found = state_->by_name.find(name);
  return found == state_->by_name.end() ? nullptr : &state_->stored.tensors[found->second];
}

const std::string& Checkpoint::where() const { return state_->stored.where; }
const std::vector<std::string>& Checkpoint::other_keys() const { return state_->stored.other_keys; }
const std::vector<std::string>& Checkpoint::other_weights() const { return state_->stored.other_weights; }
const std::vector<std::string>& Checkpoint::ignored_entries() const { return state_->stored.ignored_entries; }
bool Checkpoint::big_endian() const { return state_->stored.big_endian; }

int64_t Checkpoint::parameter_count() const {
  int64_t count = 0;
  for (const CheckpointTensor& tensor : state_->stored.tensors) count += tensor.count();
  return count;
}

Result<Tensor> Checkpoint::read_f32(const CheckpointTensor& tensor) const {
  return guarded([&]() -> Result<Tensor> {
    SAMC_TRY(state_->verify(tensor.storage_index));
    Tensor result(tensor.shape);
    if (can_view_f32(tensor)) {
      if (result.bytes() > 0)
        std::memcpy(result.data(), tensor.storage.data() + tensor.storage_offset * 4,
                    static_cast<size_t>(result.bytes()));
    } else {
      convert_to_f32(tensor, result.f32());
    }
    return result;
  });
}

Result<Tensor> Checkpoint::read(const CheckpointTensor& tensor) const {
  return guarded([&]() -> Result<Tensor> {
    SAMC_TRY(state_->verify(tensor.storage_index));
    Tensor result(tensor.dtype, tensor.shape);
    copy_elements(tensor, static_cast<std::byte*>(result.data()));
    return result;
  });
}

bool Checkpoint::can_view_f32(const CheckpointTensor& tensor) {
  const auto address = reinterpret_cast<uintptr_t>(tensor.storage.data());
  return tensor.dtype == DType::kF32 && !tensor.big_endian && tensor.is_dense() && address % alignof(float) == 0;
}

Result<TensorView> Checkpoint::view_f32(const CheckpointTensor& tensor) const {
  SAMC_CHECK(can_view_f32(tensor), "{} has no f32 bytes to view", tensor.name);
  return guarded([&]() -> Result<TensorView> {
    SAMC_TRY(state_->verify(tensor.storage_index));
    return TensorView{DType::kF32, tensor.shape, tensor.storage.data() + tensor.storage_offset * 4};
  });
}

Status Checkpoint::verify_all() const {
  return guarded([&]() -> Status {
    for (size_t i = 0; i < state_->stored.storages.size(); ++i) SAMC_TRY(state_->verify(i));
    return Status::ok();
  });
}

std::string NonFiniteTensor::to_string() const {
  return fmt::format("{} holds {} NaN and {} infinite values", name, nan_count, infinity_count);
}

Result<std::vector<NonFiniteTensor>> Checkpoint::find_non_finite(size_t most) const {
  std::vector<NonFiniteTensor> found;
  for (const CheckpointTensor& tensor : state_->stored.tensors) {
    if (found.size() >= most) break;
    if (!is_floating(tensor.dtype)) continue;
    Tensor converted;
    std::span<const float> values;
    if (can_view_f32(tensor)) {
      SAMC_ASSIGN(const TensorView view, view_f32(tensor));
      values = view.f32();
    } else {
      SAMC_ASSIGN(converted, read_f32(tensor));
      values = std::as_const(converted).f32();
    }
    if (count_non_finite(values) == 0) continue;
    NonFiniteTensor report{.name = tensor.name};
    for (const float value : values) {
      report.nan_count += std::isnan(value) ? 1 : 0;
      report.infinity_count += std::isinf(value) ? 1 : 0;
    }
    found.push_back(std::move(report));
  }
  return found;
}

void Checkpoint::drop_pages() const {
  for (const MappedFile& file : state_->files) file.drop_pages();
}

}  // namespace samc
