// Files of torch.save: a zip archive, a pickle that says which tensors there are, and a record for each storage.

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/memory_budget.h"
#include "base/quote.h"
#include "checkpoint/pickle.h"
#include "checkpoint/state_dicts.h"
#include "checkpoint/stored_tensors.h"

namespace samc {
namespace {

// A tensor of more elements than its storage repeats them (stride 0). Real weights do not; the bound keeps a tiny file
// from asking for all memory. All tensors together may have as many elements more than the file has bytes: each element
// is converted and looked at, and a tensor takes 150 bytes of a file.
constexpr int64_t kMostRepeatedElements = int64_t{1} << 24;

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

class TorchReader {
 public:
  explicit TorchReader(std::span<const std::byte> file) : file_(file) {}
  Result<StoredTensors> read(const std::optional<std::string>& key);

 private:
  Status read_state_dict(const Pickle& pickle, const PickleValue& dict);
  Result<CheckpointTensor> read_tensor(const Pickle& pickle, const PickleValue& value, std::string name);

  std::span<const std::byte> file_;
  ZipArchive archive_;
  std::string prefix_;  // of the names of entries
  StoredTensors result_;
  std::unordered_map<int64_t, size_t> storage_by_entry_;
};

Result<StoredTensors> TorchReader::read(const std::optional<std::string>& key) {
  if (!starts_with(file_, "PK")) return name_other_format(file_);
  SAMC_ASSIGN(archive_, ZipArchive::parse(file_));
  SAMC_ASSIGN(prefix_, find_prefix(archive_));

  if (const int64_t index = archive_.find(prefix_ + "byteorder"); index >= 0) {
    const ZipEntry& entry = archive_.entries()[static_cast<size_t>(index)];
    SAMC_TRY(verify_stored(entry));
    const std::string_view order(reinterpret_cast<const char*>(entry.data.data()), entry.data.size());
    if (order != "little" && order != "big")
      return invalid_input("the byteorder entry is neither \"little\" nor \"big\"", kSaveHint);
    result_.big_endian = order == "big";
  }

  const ZipEntry& pickle_entry = archive_.entries()[static_cast<size_t>(archive_.find(prefix_ + "data.pkl"))];
  SAMC_TRY(verify_stored(pickle_entry));
  SAMC_TRY(check_memory(Pickle::cost(pickle_entry.data), "the pickle"));
  SAMC_ASSIGN(const Pickle pickle, Pickle::parse(pickle_entry.data));
  SAMC_ASSIGN(ChosenStateDict chosen, choose_state_dict(pickle, key));
  result_.where = std::move(chosen.where);
  result_.other_keys = std::move(chosen.other_keys);
  result_.other_weights = std::move(chosen.other_weights);
  SAMC_TRY(read_state_dict(pickle, *chosen.dict));
  return std::move(result_);
}

Status TorchReader::read_state_dict(const Pickle& pickle, const PickleValue& dict) {
  // No overflow: a tensor has no more than its storage, or kMostRepeatedElements.
  const int64_t most_elements = static_cast<int64_t>(file_.size()) + kMostRepeatedElements;
  int64_t elements = 0;
  for (size_t i = 0; i < dict.items.size(); i += 2) {
    const PickleValue& key = pickle.value(dict.items[i]);
    const PickleValue& value = pickle.value(dict.items[i + 1]);
    if (value.kind == PickleKind::kTensor && (key.kind != PickleKind::kString || !is_printable(key.text)))
      return invalid_input(fmt::format("the name of tensor {} is not a plain text", i / 2), kSaveHint);
    if (key.kind != PickleKind::kString) continue;
    std::string name(key.text);
    if (value.kind != PickleKind::kTensor) {
      result_.ignored_entries.push_back(std::move(name));
      continue;
    }
    SAMC_ASSIGN(CheckpointTensor tensor, read_tensor(pickle, value, std::move(name)));
    elements += tensor.count();
    if (elements > most_elements)
      return invalid_input(fmt::format("up to {} the tensors have {} elements, more than a file of {} bytes can hold",
                                       quote(tensor.name), elements, file_.size()),
                           "save dense tensors: tensor.contiguous().clone()");
    result_.tensors.push_back(std::move(tensor));
  }
  return Status::ok();
}

Result<CheckpointTensor> TorchReader::read_tensor(const Pickle& pickle, const PickleValue& value, std::string name) {
  const PickleValue& storage = pickle.value(value.items[0]);
  CheckpointTensor tensor{.name = std::move(name), .dtype = value.dtype, .big_endian = result_.big_endian};
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

  const std::string record = prefix_ + "data/" + std::string(pickle.value(storage.items[0]).text);
  const int64_t entry_index = archive_.find(record);
  if (entry_index < 0)
    return invalid_input(fmt::format("the tensor {} lies in {}, which the file does not hold", tensor.name, record),
                         "the file is damaged: download or save it again");
  const ZipEntry& entry = archive_.entries()[static_cast<size_t>(entry_index)];
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
  const auto [found, is_new] = storage_by_entry_.emplace(entry_index, result_.storages.size());
  if (is_new) result_.storages.push_back(entry);
  tensor.storage_index = found->second;
  return tensor;
}

}  // namespace

Result<StoredTensors> read_torch_file(std::span<const std::byte> file, const std::optional<std::string>& key) {
  return TorchReader(file).read(key);
}

}  // namespace samc
