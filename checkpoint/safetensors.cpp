// The safetensors format: 8 bytes with the header's length, a JSON object, and the tensors' bytes one after another.
// {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"KEY": "TEXT"}}
// https://huggingface.co/docs/safetensors: offsets count from the header's end, leave no hole and do not overlap.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <tuple>

#include "base/json_document.h"
#include "base/memory_budget.h"
#include "base/quote.h"
#include "checkpoint/stored_tensors.h"

namespace samc {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 16 << 20;            // that of SAM 2 large has 120 KB
constexpr int64_t kMemoryPerHeaderByte = 64;             // of the JSON, at most
constexpr double kGreatestInteger = 9007199254740992.0;  // 2^53: to here a double holds each integer
constexpr size_t kMostAxes = 64;                         // as of a pickle's tensor
constexpr const char* kMetadata = "__metadata__";
constexpr const char* kDamaged = "the file is damaged: download or save it again";

struct NamedDType {
  const char* name;
  DType dtype;
};
constexpr std::array kDTypes = {NamedDType{"F32", DType::kF32},   NamedDType{"F16", DType::kF16},
                                NamedDType{"BF16", DType::kBF16}, NamedDType{"F64", DType::kF64},
                                NamedDType{"I64", DType::kI64},   NamedDType{"I32", DType::kI32},
                                NamedDType{"I16", DType::kI16},   NamedDType{"I8", DType::kI8},
                                NamedDType{"U8", DType::kU8},     NamedDType{"BOOL", DType::kBool}};

// A count or an offset. False where it is none.
bool read_integer(const JsonValue& value, int64_t& integer) {
  const double* number = value.number();
  if (number == nullptr || !(*number >= 0 && *number <= kGreatestInteger) || std::floor(*number) != *number)
    return false;
  integer = static_cast<int64_t>(*number);
  return true;
}

bool read_integers(const JsonValue* value, size_t most, std::vector<int64_t>& integers) {
  if (value == nullptr || value->list() == nullptr || value->list()->size() > most) return false;
  for (const JsonValue& element : *value->list())
    if (!read_integer(element, integers.emplace_back())) return false;
  return true;
}

Status wrong(const std::string& name, std::string_view what) {
  return invalid_input(fmt::format("the tensor {} {}", quote(name), what), kDamaged);
}

struct Placed {
  CheckpointTensor tensor;
  int64_t begin = 0, end = 0;  // in the data
};

Result<Placed> read_entry(const std::string& name, const JsonValue& entry) {
  Placed placed;
  placed.tensor.name = name;
  if (quote(name) != name || name.empty())
    return invalid_input(fmt::format("the name of tensor {} is not a plain text", quote(name)), kDamaged);
  const JsonValue* dtype = entry.member("dtype");
  if (dtype == nullptr || dtype->string() == nullptr) return wrong(name, "has no dtype");
  const auto known = std::find_if(kDTypes.begin(), kDTypes.end(),
                                  [&](const NamedDType& candidate) { return *dtype->string() == candidate.name; });
  if (known == kDTypes.end())
    return unsupported(
        fmt::format("the tensor {} has the type {}, which samc does not read", quote(name), quote(*dtype->string())),
        "convert it to float32 in PyTorch");
  placed.tensor.dtype = known->dtype;
  if (!read_integers(entry.member("shape"), kMostAxes, placed.tensor.shape))
    return wrong(name, fmt::format("has no shape of up to {} extents", kMostAxes));
  std::vector<int64_t> offsets;
  if (!read_integers(entry.member("data_offsets"), 2, offsets) || offsets.size() != 2)
    return wrong(name, "has no two data_offsets");
  placed.begin = offsets[0];
  placed.end = offsets[1];
  int64_t bytes = dtype_size(placed.tensor.dtype);
  for (const int64_t extent : placed.tensor.shape)
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return wrong(name, "has more elements than can be counted");
  if (placed.end - placed.begin != bytes)
    return wrong(name, fmt::format("of {} {} has {} bytes, not {}", dtype_name(placed.tensor.dtype),
                                   shape_to_string(placed.tensor.shape), placed.end - placed.begin, bytes));
  placed.tensor.strides.resize(placed.tensor.shape.size(), 1);
  if (bytes == 0) return placed;  // the other extents may be any numbers
  for (size_t axis = placed.tensor.shape.size(); axis-- > 1;)
    placed.tensor.strides[axis - 1] = placed.tensor.strides[axis] * placed.tensor.shape[axis];
  return placed;
}

Result<JsonDocument> read_header(std::span<const std::byte> file, uint64_t length) {
  if (length > kLongestHeader)
    return invalid_input(
        fmt::format("a safetensors header of {} bytes, more than the {} allowed", length, kLongestHeader), kDamaged);
  if (length > file.size() - kLengthBytes)
    return invalid_input(
        fmt::format("the safetensors header of {} bytes reaches beyond the file's {}", length, file.size()), kDamaged);
  SAMC_TRY(check_memory(static_cast<int64_t>(length) * kMemoryPerHeaderByte, "the safetensors header"));
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  Result<JsonDocument> document = parse_json(text);
  if (!document.is_ok()) return document.status().at("the safetensors header");
  if (!document.value().repeated.empty())
    return invalid_input(fmt::format("the safetensors header has {} twice", quote(document.value().repeated[0].key)),
                         kDamaged);
  if (document.value().value.object() == nullptr) return invalid_input("the safetensors header is no object", kDamaged);
  return document;
}

}  // namespace

bool is_safetensors(std::span<const std::byte> file) {
  // No sensible header reaches 2^48 bytes, and other formats have letters there.
  return file.size() > kLengthBytes && file[kLengthBytes] == std::byte{'{'} && file[6] == std::byte{0} &&
         file[7] == std::byte{0};
}

Result<StoredTensors> read_safetensors(std::span<const std::byte> file) {
  if (!is_safetensors(file)) return invalid_input("this is not a safetensors file", kDamaged);
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<uint64_t>(file[i]) << (8 * i);
  SAMC_ASSIGN(const JsonDocument header, read_header(file, length));
  const std::span<const std::byte> data = file.subspan(kLengthBytes + length);

  std::vector<Placed> placed;
  for (const auto& [name, entry] : *header.value.object()) {
    if (name == kMetadata) continue;
    SAMC_ASSIGN(placed.emplace_back(), read_entry(name, entry));
  }
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::tie(a.begin, a.end, a.tensor.name) < std::tie(b.begin, b.end, b.tensor.name);
  });
  StoredTensors result;
  int64_t reached = 0;
  const int64_t available = static_cast<int64_t>(data.size());
  for (Placed& next : placed) {
    if (next.begin != reached)
      return wrong(next.tensor.name, next.begin < reached ? "overlaps another" : "leaves a hole before it");
    if (next.end > available)
      return invalid_input(
          fmt::format("the tensor {} ends at byte {} of data, but the file has only {}: it is cut short",
                      quote(next.tensor.name), next.end, available),
          "download or save it again");
    reached = next.end;
    next.tensor.storage = data.subspan(static_cast<size_t>(next.begin), static_cast<size_t>(next.end - next.begin));
    next.tensor.storage_index = result.tensors.size();
    result.tensors.push_back(std::move(next.tensor));
  }
  if (reached != available)
    return invalid_input(fmt::format("{} bytes behind the last tensor", available - reached), kDamaged);
  return result;
}

Result<ShardIndex> parse_shard_index(std::string_view text) {
  SAMC_TRY(check_memory(static_cast<int64_t>(text.size()) * kMemoryPerHeaderByte, "the list of tensors"));
  SAMC_ASSIGN(const JsonDocument document, parse_json(text));
  const JsonValue* map = document.value.member("weight_map");
  if (map == nullptr || map->object() == nullptr || map->object()->empty())
    return invalid_input("no \"weight_map\" that says which file holds each tensor",
                         "take the index as it came with the .safetensors files");
  if (!document.repeated.empty())
    return invalid_input(fmt::format("{} is there twice", quote(document.repeated[0].key)), kDamaged);
  std::set<std::string> files;
  for (const auto& [tensor, file] : *map->object()) {
    const std::string* name = file.string();
    // A name in this folder, and of nothing else.
    if (name == nullptr || !name->ends_with(".safetensors") || name->find('/') != std::string::npos ||
        quote(*name) != *name)
      return invalid_input(fmt::format("the tensor {} is said to be in {}, which is no name of a .safetensors file",
                                       quote(tensor), name == nullptr ? "no file" : quote(*name)),
                           "take the index as it came with the .safetensors files");
    files.insert(*name);
  }
  ShardIndex index;
  index.files.assign(files.begin(), files.end());
  for (const auto& [tensor, file] : *map->object()) {
    const auto at = std::lower_bound(index.files.begin(), index.files.end(), *file.string());
    index.tensors.emplace_back(tensor, static_cast<size_t>(at - index.files.begin()));
  }
  return index;
}

}  // namespace samc
