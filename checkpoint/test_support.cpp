#include "checkpoint/test_support.h"

#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "base/files.h"

namespace samc::test {
namespace {

template <class T>
void append(std::string& bytes, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    bytes.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xffu));
}

constexpr uint32_t kInZip64 = 0xffffffffu;
constexpr uint64_t kAlignment = 64;

}  // namespace

PickleWriter& PickleWriter::raw(std::string_view bytes) {
  bytes_.append(bytes);
  return *this;
}

PickleWriter& PickleWriter::text(std::string_view value) {
  bytes_.push_back('X');
  append(bytes_, static_cast<uint32_t>(value.size()));
  return raw(value);
}

PickleWriter& PickleWriter::integer(int64_t value) {
  if (value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max()) {
    bytes_.push_back('J');
    append(bytes_, static_cast<int32_t>(value));
  } else {
    bytes_.append("\x8a\x08");
    append(bytes_, value);
  }
  return *this;
}

PickleWriter& PickleWriter::real(double value) {
  bytes_.push_back('G');
  std::string bits;
  append(bits, std::bit_cast<uint64_t>(value));
  std::reverse(bits.begin(), bits.end());
  return raw(bits);
}

PickleWriter& PickleWriter::global(std::string_view module, std::string_view name) {
  return raw("c").raw(module).raw("\n").raw(name).raw("\n");
}

PickleWriter& PickleWriter::empty_ordered_dict() { return global("collections", "OrderedDict").raw(")R"); }

PickleWriter& PickleWriter::integers(const std::vector<int64_t>& values) {
  mark();
  for (const int64_t value : values) integer(value);
  return tuple();
}

PickleWriter& PickleWriter::tensor(std::string_view storage_class, std::string_view key, int64_t storage_count,
                                   int64_t offset, const Shape& shape, const std::vector<int64_t>& strides) {
  global("torch._utils", "_rebuild_tensor_v2").mark();
  mark().text("storage").global("torch", storage_class).text(key).text("cpu").integer(storage_count).tuple().raw("Q");
  integer(offset).integers(shape).integers(strides).raw("\x89").empty_ordered_dict();
  return tuple().raw("R");
}

Status ZipWriter::write(std::string_view bytes) {
  position_ += bytes.size();
  return sink_(bytes.data(), bytes.size());
}

Status ZipWriter::add(std::string_view name, const void* data, size_t size, const ZipEntryOptions& options) {
  const uint32_t crc = options.crc.value_or(static_cast<uint32_t>(::crc32_z(0, static_cast<const Bytef*>(data), size)));
  const uint64_t local_header = position_;
  const bool zip64 = options.zip64 || size >= kInZip64 || local_header >= kInZip64;
  const uint32_t plain_size = zip64 ? kInZip64 : options.size.value_or(static_cast<uint32_t>(size));
  const uint64_t long_size = options.zip64_size.value_or(size);
  const uint16_t flags = static_cast<uint16_t>(options.flags | (options.data_descriptor ? 1u << 3 : 0u));

  std::string extra;
  if (zip64) {
    append(extra, uint16_t{1});
    append(extra, uint16_t{16});
    append(extra, long_size);
    append(extra, long_size);
  }
  // PyTorch's own padding field, "FB".
  const uint64_t unpadded = local_header + 30 + name.size() + extra.size() + 4;
  const uint64_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  extra.append("FB");
  append(extra, static_cast<uint16_t>(padding));
  extra.append(padding, 'Z');

  std::string header("PK\x03\x04");
  append(header, uint16_t{45});
  append(header, flags);
  append(header, options.method);
  append(header, uint32_t{0});
  append(header, options.data_descriptor ? 0u : crc);
  append(header, options.data_descriptor ? 0u : plain_size);
  append(header, options.data_descriptor ? 0u : plain_size);
  append(header, static_cast<uint16_t>(name.size()));
  append(header, static_cast<uint16_t>(extra.size()));
  header.append(name).append(extra);
  SAMC_TRY(write(header));
  SAMC_TRY(write({static_cast<const char*>(data), size}));
  if (options.data_descriptor) {
    std::string descriptor("PK\x07\x08");
    append(descriptor, crc);
    append(descriptor, static_cast<uint32_t>(size));
    append(descriptor, static_cast<uint32_t>(size));
    SAMC_TRY(write(descriptor));
  }

  std::string central_extra;
  if (zip64) {
    append(central_extra, uint16_t{1});
    append(central_extra, uint16_t{24});
    append(central_extra, long_size);
    append(central_extra, long_size);
    append(central_extra, local_header);
  }
  directory_.append("PK\x01\x02");
  append(directory_, uint16_t{45});
  append(directory_, uint16_t{45});
  append(directory_, flags);
  append(directory_, options.method);
  append(directory_, uint32_t{0});
  append(directory_, crc);
  append(directory_, plain_size);
  append(directory_, plain_size);
  append(directory_, static_cast<uint16_t>(name.size()));
  append(directory_, static_cast<uint16_t>(central_extra.size()));
  append(directory_, uint16_t{0});
  append(directory_, uint16_t{0});
  append(directory_, uint16_t{0});
  append(directory_, uint32_t{0});
  append(directory_, zip64 ? kInZip64 : options.offset.value_or(static_cast<uint32_t>(local_header)));
  directory_.append(name).append(central_extra);
  ++entry_count_;
  return Status::ok();
}

Status ZipWriter::finish(bool zip64) {
  const uint64_t offset = position_;
  const uint64_t size = directory_.size();
  SAMC_TRY(write(directory_));
  zip64 = zip64 || offset >= kInZip64 || entry_count_ >= 0xffff;
  std::string end;
  if (zip64) {
    const uint64_t record = position_;
    end.append("PK\x06\x06");
    append(end, uint64_t{44});
    append(end, uint16_t{45});
    append(end, uint16_t{45});
    append(end, uint32_t{0});
    append(end, uint32_t{0});
    append(end, entry_count_);
    append(end, entry_count_);
    append(end, size);
    append(end, offset);
    end.append("PK\x06\x07");
    append(end, uint32_t{0});
    append(end, record);
    append(end, uint32_t{1});
  }
  end.append("PK\x05\x06");
  append(end, uint32_t{0});
  append(end, zip64 ? uint16_t{0xffff} : static_cast<uint16_t>(entry_count_));
  append(end, zip64 ? uint16_t{0xffff} : static_cast<uint16_t>(entry_count_));
  append(end, static_cast<uint32_t>(size));
  append(end, zip64 ? kInZip64 : static_cast<uint32_t>(offset));
  append(end, uint16_t{0});
  return write(end);
}

std::vector<int64_t> dense_strides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
  return strides;
}

std::string_view storage_class(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "FloatStorage";
    case DType::kF16:
      return "HalfStorage";
    case DType::kBF16:
      return "BFloat16Storage";
    case DType::kF64:
      return "DoubleStorage";
    case DType::kI64:
      return "LongStorage";
    case DType::kI32:
      return "IntStorage";
    case DType::kI16:
      return "ShortStorage";
    case DType::kI8:
      return "CharStorage";
    case DType::kU8:
      return "ByteStorage";
    case DType::kBool:
      return "BoolStorage";
  }
  return "";
}

Status write_test_checkpoint(const std::string& path, const std::vector<TensorSource>& tensors,
                             const TestCheckpointOptions& options) {
  SAMC_ASSIGN(FileWriter file, FileWriter::create(path));
  ZipWriter zip([&](const void* data, size_t size) { return file.write(data, size); });
  const ZipEntryOptions entry{.data_descriptor = options.data_descriptors, .zip64 = options.zip64};

  PickleWriter pickle;
  if (!options.key.empty()) pickle.raw("}").text(options.key);
  pickle.empty_ordered_dict();
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorSource& tensor = tensors[i];
    pickle.text(tensor.name);
    pickle.tensor(storage_class(tensor.dtype), std::to_string(i), element_count(tensor.shape), 0, tensor.shape,
                  dense_strides(tensor.shape));
    pickle.raw("s");
  }
  if (!options.key.empty()) pickle.raw("s");
  if (options.more_keys) options.more_keys(pickle);
  SAMC_TRY(zip.add(options.archive + "/data.pkl", pickle.stop(), entry));
  SAMC_TRY(zip.add(options.archive + "/byteorder", options.big_endian ? "big" : "little", entry));
  for (size_t i = 0; i < tensors.size(); ++i) {
    Tensor tensor = tensors[i].make();
    SAMC_CHECK(tensor.shape() == tensors[i].shape && tensor.dtype() == tensors[i].dtype,
               "{} was made otherwise than said", tensors[i].name);
    char* bytes = static_cast<char*>(tensor.data());
    const int64_t element = dtype_size(tensor.dtype());
    if (options.big_endian)
      for (int64_t k = 0; k < tensor.count(); ++k) std::reverse(bytes + k * element, bytes + (k + 1) * element);
    SAMC_TRY(
        zip.add(options.archive + "/data/" + std::to_string(i), bytes, static_cast<size_t>(tensor.bytes()), entry));
  }
  SAMC_TRY(zip.add(options.archive + "/version", "3\n", entry));
  SAMC_TRY(zip.finish(options.zip64));
  return file.commit();
}

Status write_test_checkpoint(const std::string& path, const std::vector<NamedTensor>& tensors,
                             const TestCheckpointOptions& options) {
  std::vector<TensorSource> sources;
  for (const NamedTensor& named : tensors)
    sources.push_back({named.name, named.tensor.dtype(), named.tensor.shape(),
                       [&named] { return Tensor::copy_of(named.tensor.view()); }});
  return write_test_checkpoint(path, sources, options);
}

std::string safetensors_bytes(std::string_view header, std::string_view data) {
  std::string bytes;
  append(bytes, static_cast<uint64_t>(header.size()));
  return bytes.append(header).append(data);
}

std::string safetensors_entry(std::string_view name, std::string_view dtype, const Shape& shape, int64_t begin,
                              int64_t end) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name, dtype, fmt::join(shape, ","),
                     begin, end);
}

Status write_test_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors) {
  std::string header = "{\"__metadata__\":{\"format\":\"pt\"}";
  std::string data;
  for (const NamedTensor& named : tensors) {
    std::string dtype = dtype_name(named.tensor.dtype());
    std::transform(dtype.begin(), dtype.end(), dtype.begin(), [](char letter) {
      return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    });
    const auto begin = static_cast<int64_t>(data.size());
    data.append(static_cast<const char*>(named.tensor.data()), static_cast<size_t>(named.tensor.bytes()));
    header += fmt::format(
        ",{}", safetensors_entry(named.name, dtype, named.tensor.shape(), begin, static_cast<int64_t>(data.size())));
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return write_file(path, safetensors_bytes(header, data));
}

}  // namespace samc::test
