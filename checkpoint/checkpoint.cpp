#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/files.h"
#include "base/guard.h"
#include "base/memory_budget.h"
#include "base/quote.h"
#include "checkpoint/pickle.h"
#include "checkpoint/zip_archive.h"

namespace samc {
namespace {

// A tensor of more elements than its storage repeats them (stride 0). Real weights do not; the bound keeps a tiny file
// from asking for all memory. All tensors together may have as many elements more than the file has bytes: each element
// is converted and looked at, and a tensor takes 150 bytes of a file.
constexpr int64_t kMostRepeatedElements = int64_t{1} << 24;
constexpr size_t kMostNamesInMessage = 5;

constexpr const char* kSaveHint = "save it in PyTorch with torch.save({\"model\": model.state_dict()}, path)";

bool starts_with(std::span<const std::byte> file, std::string_view prefix) {
  return file.size() >= prefix.size() && std::memcmp(file.data(), prefix.data(), prefix.size()) == 0;
}

// What a file that is not a zip is, as far as people pass such files by mistake.
Status name_other_format(std::span<const std::byte> file) {
  using namespace std::string_view_literals;
  if (file.empty()) return invalid_input("the file is empty", "download or save it again");
  if (starts_with(file, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv) ||
      (file.size() > 262 && std::memcmp(file.data() + 257, "ustar", 5) == 0))
    return unsupported("this is PyTorch's legacy (non-zip) format",
                       "re-save it in PyTorch: torch.save(torch.load(path, map_location=\"cpu\"), new_path, "
                       "_use_new_zipfile_serialization=True)");
  if (file.size() > 9 && file[8] == std::byte{'{'} && file[6] == std::byte{0} && file[7] == std::byte{0})
    return unsupported(
        "this is a safetensors file, not a PyTorch checkpoint",
        "take the model's .pt file (Hugging Face's model.safetensors has other tensor names); tensors of "
        "the official names can be saved with torch.save");
  if (starts_with(file, "version https://git-lfs"))
    return invalid_input("this is a Git LFS pointer, not the file itself", "fetch it with git lfs pull");
  if (starts_with(file, "<"))
    return invalid_input("this is a web page, not a checkpoint", "download the file itself, not the page about it");
  if (starts_with(file, "\x80")) return invalid_input("this is a bare pickle, not a PyTorch checkpoint", kSaveHint);
  return invalid_input("this is not a PyTorch checkpoint (a zip file with data.pkl in it)", kSaveHint);
}

Status name_other_zip(const ZipArchive& archive) {
  for (const ZipEntry& entry : archive.entries())
    if (entry.name.ends_with(".npy"))
      return invalid_input("this is a NumPy .npz file, not a PyTorch checkpoint", kSaveHint);
  return invalid_input("this zip file holds no data.pkl, so it is not a PyTorch checkpoint", kSaveHint);
}

// "archive" of "archive/data.pkl", with its slash.
Result<std::string> find_prefix(const ZipArchive& archive) {
  constexpr std::string_view kPickleName = "data.pkl";
  const ZipEntry* found = nullptr;
  for (const ZipEntry& entry : archive.entries()) {
    const size_t slash = entry.name.find('/');
    const bool at_top =
        slash == std::string_view::npos ? entry.name == kPickleName : entry.name.substr(slash + 1) == kPickleName;
    if (!at_top) continue;
    if (found != nullptr)
      return invalid_input(fmt::format("the zip file holds two pickles, {} and {}", found->name, entry.name),
                           kSaveHint);
    found = &entry;
  }
  if (found == nullptr) return name_other_zip(archive);
  std::string prefix(found->name.substr(0, found->name.size() - kPickleName.size()));
  if (archive.find(prefix + "constants.pkl") >= 0)
    return unsupported("this is a TorchScript archive: it holds code, which samc does not run", kSaveHint);
  return prefix;
}

template <class T>
T load(const std::byte* from, bool swap) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if (swap) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

// Calls visit(bytes of an element) for each element of a tensor in row-major order.
template <class Visit>
void for_each_element(const CheckpointTensor& tensor, Visit&& visit) {
  const int64_t size = dtype_size(tensor.dtype);
  const std::byte* base = tensor.storage.data() + tensor.storage_offset * size;
  const int64_t count = tensor.count();
  if (tensor.is_dense()) {
    for (int64_t i = 0; i < count; ++i) visit(base + i * size);
    return;
  }
  const size_t rank = tensor.shape.size();
  std::vector<int64_t> position(rank, 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    visit(base + offset * size);
    for (size_t axis = rank; axis-- > 0;) {
      if (tensor.shape[axis] == 1) continue;  // its stride may be any number
      offset += tensor.strides[axis];
      if (++position[axis] < tensor.shape[axis]) break;
      offset -= tensor.strides[axis] * tensor.shape[axis];
      position[axis] = 0;
    }
  }
}

template <class Stored, class Convert>
void convert_elements(const CheckpointTensor& tensor, std::span<float> destination, Convert&& convert) {
  const bool swap = tensor.big_endian && sizeof(Stored) > 1;
  float* next = destination.data();
  for_each_element(tensor, [&](const std::byte* element) { *next++ = convert(load<Stored>(element, swap)); });
}

void convert_to_f32(const CheckpointTensor& tensor, std::span<float> destination) {
  const auto cast = [](auto value) { return static_cast<float>(value); };
  switch (tensor.dtype) {
    case DType::kF32:
      return convert_elements<float>(tensor, destination, cast);
    case DType::kF16:
      return convert_elements<uint16_t>(tensor, destination, f16_to_f32);
    case DType::kBF16:
      return convert_elements<uint16_t>(tensor, destination, bf16_to_f32);
    case DType::kF64:
      return convert_elements<double>(tensor, destination, cast);
    case DType::kI64:
      return convert_elements<int64_t>(tensor, destination, cast);
    case DType::kI32:
      return convert_elements<int32_t>(tensor, destination, cast);
    case DType::kI16:
      return convert_elements<int16_t>(tensor, destination, cast);
    case DType::kI8:
      return convert_elements<int8_t>(tensor, destination, cast);
    case DType::kU8:
      return convert_elements<uint8_t>(tensor, destination, cast);
    case DType::kBool:
      return convert_elements<uint8_t>(tensor, destination, [](uint8_t value) { return value != 0 ? 1.0f : 0.0f; });
  }
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
  MappedFile file;
  ZipArchive archive;
  std::vector<CheckpointTensor> tensors;
  std::unordered_map<std::string_view, size_t> by_name;
  std::string where;
  std::vector<std::string> other_keys;
  std::vector<std::string> ignored_entries;
  bool big_endian = false;
  std::vector<int64_t> storage_entries;                   // storage_index -> zip entry
  std::unique_ptr<std::atomic<bool>[]> storage_verified;  // by storage_index

  Status read_directory();
  Status read_state_dict(const std::string& prefix, const Pickle& pickle, const PickleValue& dict);
  Result<CheckpointTensor> read_tensor(const std::string& prefix, const Pickle& pickle, const PickleValue& value,
                                       std::string name);
  Status verify(size_t storage_index) const;

  std::unordered_map<int64_t, size_t> storage_by_entry;
};

namespace {

bool holds_tensors(const Pickle& pickle, const PickleValue& value) {
  if (value.kind != PickleKind::kDict) return false;
  for (size_t i = 1; i < value.items.size(); i += 2)
    if (pickle.value(value.items[i]).kind == PickleKind::kTensor) return true;
  return false;
}

std::string key_list(const Pickle& pickle, const PickleValue& dict) {
  std::string list;
  size_t listed = 0;
  for (size_t i = 0; i < dict.items.size(); i += 2) {
    const PickleValue& key = pickle.value(dict.items[i]);
    if (key.kind != PickleKind::kString) continue;
    if (++listed > kMostNamesInMessage) return list + ", ...";
    list += (list.empty() ? "" : ", ") + quote(key.text);
  }
  return list.empty() ? "none" : list;
}

bool is_printable(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char letter) { return static_cast<unsigned char>(letter) >= 0x20; });
}

// No element lies outside a storage of `available` elements. Returns false as well when the numbers overflow.
bool lies_inside(const CheckpointTensor& tensor, int64_t available) {
  if (tensor.storage_offset < 0 || tensor.storage_offset > available) return false;
  int64_t last = tensor.storage_offset;
  int64_t count = 1;
  for (const int64_t extent : tensor.shape)
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) return false;
  if (count == 0) return true;
  for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    int64_t reach = 0;
    if (tensor.strides[axis] < 0 || __builtin_mul_overflow(tensor.shape[axis] - 1, tensor.strides[axis], &reach) ||
        __builtin_add_overflow(last, reach, &last))
      return false;
  }
  return last < available && count <= std::max(available, kMostRepeatedElements);
}

}  // namespace

bool CheckpointTensor::is_dense() const {
  if (count() == 0) return true;
  int64_t expected = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    if (shape[axis] != 1 && strides[axis] != expected) return false;
    expected *= shape[axis];
  }
  return true;
}

Status Checkpoint::State::read_directory() {
  const std::span<const std::byte> bytes = file.bytes();
  if (!starts_with(bytes, "PK")) return name_other_format(bytes);
  SAMC_ASSIGN(archive, ZipArchive::parse(bytes));
  SAMC_ASSIGN(const std::string prefix, find_prefix(archive));

  if (const int64_t index = archive.find(prefix + "byteorder"); index >= 0) {
    const ZipEntry& entry = archive.entries()[static_cast<size_t>(index)];
    SAMC_TRY(verify_stored(entry));
    const std::string_view order(reinterpret_cast<const char*>(entry.data.data()), entry.data.size());
    if (order != "little" && order != "big")
      return invalid_input("the byteorder entry is neither \"little\" nor \"big\"", kSaveHint);
    big_endian = order == "big";
  }

  const ZipEntry& pickle_entry = archive.entries()[static_cast<size_t>(archive.find(prefix + "data.pkl"))];
  SAMC_TRY(verify_stored(pickle_entry));
  SAMC_TRY(check_memory(Pickle::cost(pickle_entry.data), "the pickle"));
  SAMC_ASSIGN(const Pickle pickle, Pickle::parse(pickle_entry.data));
  const PickleValue& root = pickle.root();
  if (root.kind != PickleKind::kDict)
    return invalid_input(root.kind == PickleKind::kTensor ? "the checkpoint is a single tensor, not a state_dict"
                                                          : "the checkpoint is not a dict of tensors",
                         kSaveHint);
  const PickleValue* state_dict = nullptr;
  for (const char* key : {"model", "state_dict"}) {
    const PickleValue* candidate = pickle.find(root, key);
    if (candidate == nullptr || !holds_tensors(pickle, *candidate)) continue;
    state_dict = candidate;
    where = key;
    break;
  }
  if (state_dict == nullptr) {
    if (!holds_tensors(pickle, root))
      return invalid_input(fmt::format("the checkpoint holds no state_dict: there are no tensors at the top, nor under "
                                       "\"model\" or \"state_dict\" (its keys: {})",
                                       key_list(pickle, root)),
                           kSaveHint);
    state_dict = &root;
  } else {
    for (size_t i = 0; i < root.items.size(); i += 2) {
      const PickleValue& key = pickle.value(root.items[i]);
      if (key.kind == PickleKind::kString && key.text != where) other_keys.emplace_back(key.text);
    }
  }
  return read_state_dict(prefix, pickle, *state_dict);
}

Status Checkpoint::State::read_state_dict(const std::string& prefix, const Pickle& pickle, const PickleValue& dict) {
  // No overflow: a tensor has no more than its storage, or kMostRepeatedElements.
  const int64_t most_elements = static_cast<int64_t>(file.bytes().size()) + kMostRepeatedElements;
  int64_t elements = 0;
  for (size_t i = 0; i < dict.items.size(); i += 2) {
    const PickleValue& key = pickle.value(dict.items[i]);
    const PickleValue& value = pickle.value(dict.items[i + 1]);
    if (value.kind == PickleKind::kTensor && (key.kind != PickleKind::kString || !is_printable(key.text)))
      return invalid_input(fmt::format("the name of tensor {} is not a plain text", i / 2), kSaveHint);
    if (key.kind != PickleKind::kString) continue;
    std::string name(key.text);
    if (value.kind != PickleKind::kTensor) {
      ignored_entries.push_back(std::move(name));
      continue;
    }
    SAMC_ASSIGN(CheckpointTensor tensor, read_tensor(prefix, pickle, value, std::move(name)));
    elements += tensor.count();
    if (elements > most_elements)
      return invalid_input(fmt::format("up to {} the tensors have {} elements, more than a file of {} bytes can hold",
                                       quote(tensor.name), elements, file.bytes().size()),
                           "save dense tensors: tensor.contiguous().clone()");
    tensors.push_back(std::move(tensor));
  }
  // The names stay where they are from here on, so views of them are keys.
  for (size_t i = 0; i < tensors.size(); ++i)
    if (!by_name.emplace(tensors[i].name, i).second)
      return invalid_input(fmt::format("the tensor {} is there twice", quote(tensors[i].name)), kSaveHint);
  storage_verified = std::make_unique<std::atomic<bool>[]>(storage_entries.size());
  return Status::ok();
}

Result<CheckpointTensor> Checkpoint::State::read_tensor(const std::string& prefix, const Pickle& pickle,
                                                        const PickleValue& value, std::string name) {
  const PickleValue& storage = pickle.value(value.items[0]);
  CheckpointTensor tensor{.name = std::move(name), .dtype = value.dtype, .big_endian = big_endian};
  if (!value.known_dtype)
    return unsupported(fmt::format("the tensor {} has the type {}, which samc does not read", tensor.name, value.text),
                       "convert it to float32 in PyTorch");
  tensor.storage_offset = pickle.value(value.items[1]).integer;
  for (const uint32_t extent : pickle.value(value.items[2]).items) tensor.shape.push_back(pickle.value(extent).integer);
  for (const uint32_t stride : pickle.value(value.items[3]).items)
    tensor.strides.push_back(pickle.value(stride).integer);
  if (tensor.shape.size() != tensor.strides.size())
    return invalid_input(fmt::format("the tensor {} has {} extents but {} strides", tensor.name, tensor.shape.size(),
                                     tensor.strides.size()),
                         kSaveHint);

  const std::string record = prefix + "data/" + std::string(pickle.value(storage.items[0]).text);
  const int64_t entry_index = archive.find(record);
  if (entry_index < 0)
    return invalid_input(fmt::format("the tensor {} lies in {}, which the file does not hold", tensor.name, record),
                         "the file is damaged: download or save it again");
  const ZipEntry& entry = archive.entries()[static_cast<size_t>(entry_index)];
  if (entry.compressed || entry.encrypted) SAMC_TRY(verify_stored(entry).at(fmt::format("tensor {}", tensor.name)));
  const int64_t element = dtype_size(tensor.dtype);
  const int64_t stored = static_cast<int64_t>(entry.data.size());
  const int64_t unit = storage.untyped ? 1 : dtype_size(storage.dtype);
  if (storage.integer > stored / unit || storage.integer * unit != stored)
    return invalid_input(fmt::format("{} has {} bytes where the pickle says {} elements of {}", record, stored,
                                     storage.integer, storage.untyped ? "1 byte" : dtype_name(storage.dtype)),
                         "the file is damaged: download or save it again");
  if (!lies_inside(tensor, stored / element))
    return invalid_input(
        fmt::format("the tensor {} of shape {} with strides {} and offset {} reaches outside its storage of "
                    "{} elements",
                    tensor.name, shape_to_string(tensor.shape), shape_to_string(tensor.strides), tensor.storage_offset,
                    stored / element),
        kSaveHint);
  tensor.storage = entry.data;
  const auto [found, is_new] = storage_by_entry.emplace(entry_index, storage_entries.size());
  if (is_new) storage_entries.push_back(entry_index);
  tensor.storage_index = found->second;
  return tensor;
}

Status Checkpoint::State::verify(size_t storage_index) const {
  if (storage_verified[storage_index].load(std::memory_order_acquire)) return Status::ok();
  const ZipEntry& entry = archive.entries()[static_cast<size_t>(storage_entries[storage_index])];
  Status status = verify_stored(entry);
  if (status.is_ok()) {
    storage_verified[storage_index].store(true, std::memory_order_release);
    return status;
  }
  for (const CheckpointTensor& tensor : tensors)
    if (tensor.storage_index == storage_index) return status.at(fmt::format("{}: tensor {}", file.path(), tensor.name));
  return status.at(file.path());
}

Checkpoint::Checkpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

Result<Checkpoint> Checkpoint::open(const std::string& path) {
  return guarded([&]() -> Result<Checkpoint> {
    auto state = std::make_unique<State>();
    SAMC_ASSIGN(state->file, MappedFile::open(path));
    SAMC_TRY(state->read_directory().at(path));
    return Checkpoint(std::move(state));
  });
}

const std::string& Checkpoint::path() const { return state_->file.path(); }
const std::vector<CheckpointTensor>& Checkpoint::tensors() const { return state_->tensors; }

const CheckpointTensor* Checkpoint::find(std::string_view name) const {
  const auto found = state_->by_name.find(name);
  return found == state_->by_name.end() ? nullptr : &state_->tensors[found->second];
}

const std::string& Checkpoint::where() const { return state_->where; }
const std::vector<std::string>& Checkpoint::other_keys() const { return state_->other_keys; }
const std::vector<std::string>& Checkpoint::ignored_entries() const { return state_->ignored_entries; }
bool Checkpoint::big_endian() const { return state_->big_endian; }

int64_t Checkpoint::parameter_count() const {
  int64_t count = 0;
  for (const CheckpointTensor& tensor : state_->tensors) count += tensor.count();
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
    const size_t size = static_cast<size_t>(dtype_size(tensor.dtype));
    std::byte* next = static_cast<std::byte*>(result.data());
    for_each_element(tensor, [&](const std::byte* element) {
      std::memcpy(next, element, size);
      if (tensor.big_endian) std::reverse(next, next + size);
      next += size;
    });
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
    for (size_t i = 0; i < state_->storage_entries.size(); ++i) SAMC_TRY(state_->verify(i));
    return Status::ok();
  });
}

std::string NonFiniteTensor::to_string() const {
  return fmt::format("{} holds {} NaN and {} infinite values", name, nan_count, infinity_count);
}

Result<std::vector<NonFiniteTensor>> Checkpoint::find_non_finite(size_t most) const {
  std::vector<NonFiniteTensor> found;
  for (const CheckpointTensor& tensor : state_->tensors) {
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

void Checkpoint::drop_pages() const { state_->file.drop_pages(); }

}  // namespace samc
