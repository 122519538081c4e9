#include "media/npy.h"

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/guard.h"

namespace samc {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct NumpyType {
  std::string_view descr;
  DType dtype;
};
constexpr std::array<NumpyType, 9> kNumpyTypes{{{"|b1", DType::kBool},
                                                {"|u1", DType::kU8},
                                                {"|i1", DType::kI8},
                                                {"<i2", DType::kI16},
                                                {"<i4", DType::kI32},
                                                {"<i8", DType::kI64},
                                                {"<f2", DType::kF16},
                                                {"<f4", DType::kF32},
                                                {"<f8", DType::kF64}}};

// Reads the header, a Python dictionary literal with the three keys that the format fixes.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  Result<NpyHeader> parse() {
    NpyHeader header;
    bool has_descr = false, has_order = false, has_shape = false;
    if (!take('{')) return broken();
    while (!take('}')) {
      std::string_view key;
      if (!quoted(key) || !take(':')) return broken();
      if (key == "descr") {
        if (peek() == '[') return unsupported("a structured array", "save a plain array of numbers");
        std::string_view descr;
        if (!quoted(descr)) return broken();
        const std::optional<DType> dtype = find_dtype(descr);
        if (!dtype)
          return unsupported(fmt::format("element type '{}'", printable(descr)), "convert with .astype(numpy.float32)");
        header.dtype = *dtype;
        has_descr = true;
      } else if (key == "fortran_order") {
        if (word("True"))
          header.fortran_order = true;
        else if (!word("False"))
          return broken();
        has_order = true;
      } else if (key == "shape") {
        if (!shape(header.shape)) return broken();
        has_shape = true;
      } else {
        return broken();
      }
      take(',');
    }
    skip_space();
    if (!rest_.empty() || !has_descr || !has_order || !has_shape) return broken();
    return header;
  }

 private:
  static Status broken() { return invalid_input("not a .npy header"); }
  static std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 32)) out += (c >= 32 && c < 127) ? c : '?';
    return out;
  }
  static std::optional<DType> find_dtype(std::string_view descr) {
    for (const NumpyType& type : kNumpyTypes)
      if (type.descr == descr) return type.dtype;
    return std::nullopt;
  }
  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }
  char peek() {
    skip_space();
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool take(char c) {
    if (peek() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool word(std::string_view text) {
    skip_space();
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  bool quoted(std::string_view& text) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return false;
    const size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return false;
    text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }
  bool shape(Shape& extents) {
    if (!take('(')) return false;
    while (!take(')')) {
      skip_space();
      int64_t extent = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc{} || extent < 0 || extents.size() == 32) return false;
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      extents.push_back(extent);
      if (!take(',') && peek() != ')') return false;
    }
    return true;
  }

  std::string_view rest_;
};

// Bytes of an array of this shape, or nothing when beyond the limit. The extents beside a 0 have to keep to the limit
// as well (NumPy refuses them too): strides and partial products of any shape that passes fit into 64 bits.
std::optional<int64_t> bounded_bytes(const Shape& shape, DType dtype) {
  int64_t bytes = dtype_size(dtype);
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent == 0) {
      empty = true;
      continue;
    }
    if (extent > kMostArrayBytes / bytes) return std::nullopt;
    bytes *= extent;
  }
  return empty ? 0 : bytes;
}

void copy_from_fortran_order(const std::byte* source, Tensor& tensor) {
  const Shape& shape = tensor.shape();
  const size_t size = static_cast<size_t>(dtype_size(tensor.dtype()));
  const size_t rank = shape.size();
  std::vector<int64_t> strides(rank);  // in C order
  int64_t stride = 1;
  for (size_t i = rank; i-- > 0; stride *= shape[i]) strides[i] = stride;
  std::vector<int64_t> index(rank);
  auto* target = static_cast<std::byte*>(tensor.data());
  int64_t offset = 0;
  for (int64_t k = 0; k < tensor.count(); ++k) {
    std::memcpy(target + static_cast<size_t>(offset) * size, source + static_cast<size_t>(k) * size, size);
    for (size_t i = 0; i < rank; ++i) {
      offset += strides[i];
      if (++index[i] < shape[i]) break;
      offset -= index[i] * strides[i];
      index[i] = 0;
    }
  }
}

}  // namespace

Status npy_truncated(const NpyHeader& header, uint64_t present) {
  return invalid_input(fmt::format("a truncated .npy array: {} needs {} bytes of data, there are {}",
                                   shape_to_string(header.shape), header.data_bytes, present));
}

Result<size_t> npy_header_bytes(std::span<const std::byte> start) {
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (!text.starts_with(kMagic) || text.size() < kNpyStartBytes) return invalid_input("not a .npy array");
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(text[i])); };
  const size_t version = byte(6);
  if (version < 1 || version > 3) return unsupported(fmt::format(".npy version {}", version));
  const size_t length_size = version == 1 ? 2 : 4;
  size_t length = 0;
  for (size_t i = 0; i < length_size; ++i) length |= byte(8 + i) << (8 * i);
  if (length > kMostNpyHeaderBytes)
    return invalid_input(
        fmt::format("a .npy header of {} bytes, more than the limit of {}", length, kMostNpyHeaderBytes));
  return 8 + length_size + length;
}

Result<NpyHeader> parse_npy_header(std::span<const std::byte> bytes) {
  SAMC_ASSIGN(const size_t header_bytes, npy_header_bytes(bytes));
  if (header_bytes > bytes.size()) return invalid_input("a truncated .npy array");
  const size_t start = 8 + (bytes[6] == std::byte{1} ? size_t{2} : size_t{4});
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), header_bytes);
  SAMC_ASSIGN(NpyHeader header, HeaderParser(text.substr(start)).parse());
  const std::optional<int64_t> size = bounded_bytes(header.shape, header.dtype);
  if (!size) return invalid_input(fmt::format("an array of more than {} bytes", kMostArrayBytes));
  header.header_bytes = header_bytes;
  header.data_bytes = *size;
  return header;
}

Tensor npy_tensor(const NpyHeader& header, const std::byte* data) {
  Tensor tensor(header.dtype, header.shape);
  if (header.fortran_order && header.shape.size() > 1)
    copy_from_fortran_order(data, tensor);
  else if (header.data_bytes > 0)
    std::memcpy(tensor.data(), data, static_cast<size_t>(header.data_bytes));
  return tensor;
}

Result<Tensor> parse_npy(std::span<const std::byte> bytes) {
  return guarded([&]() -> Result<Tensor> {
    SAMC_ASSIGN(const NpyHeader header, parse_npy_header(bytes));
    const size_t present = bytes.size() - header.header_bytes;
    if (static_cast<size_t>(header.data_bytes) > present) return npy_truncated(header, present);
    return npy_tensor(header, bytes.data() + header.header_bytes);
  });
}

static Result<Tensor> read_npy_unguarded(const std::string& path) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path, FileAccess::kCopy));
  Result<Tensor> tensor = parse_npy(file.bytes());
  if (!tensor.is_ok()) return tensor.status().at(path);
  return tensor;
}

Result<Tensor> read_npy(const std::string& path) {
  return guarded([&] { return read_npy_unguarded(path); });
}

std::string npy_header(const TensorView& tensor) {
  std::string_view descr;
  for (const NumpyType& type : kNumpyTypes)
    if (type.dtype == tensor.dtype) descr = type.descr;
  SAMC_CHECK(!descr.empty(), "numpy has no {}", dtype_name(tensor.dtype));
  std::string shape = "(";
  for (size_t i = 0; i < tensor.shape.size(); ++i)
    shape += fmt::format("{}{}", tensor.shape[i],
                         tensor.shape.size() == 1      ? ","
                         : i + 1 < tensor.shape.size() ? ", "
                                                       : "");
  std::string dictionary = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}), }}", descr, shape);
  constexpr size_t kPreamble = 10, kAlignment = 64;
  dictionary.append(kAlignment - 1 - (kPreamble + dictionary.size()) % kAlignment, ' ');
  dictionary += '\n';
  std::string header(kMagic);
  header += '\1';
  header += '\0';
  header += static_cast<char>(dictionary.size() & 0xff);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

static Status write_npy_unguarded(const std::string& path, const TensorView& tensor) {
  SAMC_ASSIGN(FileWriter writer, FileWriter::create(path));
  SAMC_TRY(writer.write(npy_header(tensor)));
  SAMC_TRY(writer.write(tensor.data, static_cast<size_t>(tensor.bytes())));
  return writer.commit();
}

Status write_npy(const std::string& path, const TensorView& tensor) {
  return guarded([&] { return write_npy_unguarded(path, tensor); });
}

}  // namespace samc
