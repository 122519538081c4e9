#include "targets/sophgo/device/bmodel.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "base/files.h"

namespace samc::sophgo {
namespace {

constexpr uint32_t kMagic = 0xFF55AAEE;
constexpr uint64_t kHeaderBytes = 64;
constexpr size_t kMostEntries = 65536;  // of a list: no bmodel comes near it
constexpr size_t kMostExtents = 8;
// Of all lists and texts together: a damaged file can name the same ones any number of times.
constexpr uint64_t kMostWork = uint64_t{1} << 24;

// A flatbuffer. The first read outside the bytes is remembered, and everything read after it is zero and empty.
class Buffer {
 public:
  explicit Buffer(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  T read(uint64_t place) {
    T value{};
    if (failed_ || place > bytes_.size() || bytes_.size() - place < sizeof(T)) {
      failed_ = true;
      return value;
    }
    std::memcpy(&value, bytes_.data() + place, sizeof(T));
    return value;
  }
  std::string text(uint64_t place) {
    const auto size = read<uint32_t>(place);
    if (!failed_) spend(size);
    if (failed_ || bytes_.size() - place - 4 < size) {
      failed_ = true;
      return {};
    }
    return {reinterpret_cast<const char*>(bytes_.data()) + place + 4, size};
  }
  // Offsets are relative to where they stand.
  uint64_t follow(uint64_t place) {
    const auto offset = read<uint32_t>(place);
    if (offset == 0) failed_ = true;
    return place + offset;
  }
  // Fails when the file makes its reader do far more than any bmodel does.
  void spend(uint64_t work) {
    spent_ += work;
    if (spent_ > kMostWork) failed_ = true;
  }
  bool failed() const { return failed_; }
  void fail() { failed_ = true; }

 private:
  std::span<const std::byte> bytes_;
  uint64_t spent_ = 0;
  bool failed_ = false;
};

class Table {
 public:
  Table(Buffer& buffer, uint64_t place) : buffer_(&buffer), place_(place) {
    const auto back = buffer.read<int32_t>(place);
    const int64_t fields = static_cast<int64_t>(place) - back;
    if (fields < 0) buffer.fail();
    fields_ = static_cast<uint64_t>(fields);
    fields_bytes_ = buffer.read<uint16_t>(fields_);
  }

  // 0 when the field is absent.
  uint64_t field(unsigned index) const {
    const unsigned entry = 4 + 2 * index;
    if (buffer_->failed() || entry + 2 > fields_bytes_) return 0;
    const auto offset = buffer_->read<uint16_t>(fields_ + entry);
    return offset == 0 ? 0 : place_ + offset;
  }
  template <class T>
  T number(unsigned index, T otherwise = {}) const {
    const uint64_t place = field(index);
    return place == 0 ? otherwise : buffer_->read<T>(place);
  }
  std::string text(unsigned index) const {
    const uint64_t place = field(index);
    return place == 0 ? std::string() : buffer_->text(buffer_->follow(place));
  }
  bool has(unsigned index) const { return field(index) != 0; }
  Table table(unsigned index) const { return {*buffer_, buffer_->follow(field(index))}; }
  // struct Binary {start, size}, inline
  uint64_t binary_bytes(unsigned index) const {
    const uint64_t place = field(index);
    return place == 0 ? 0 : buffer_->read<uint64_t>(place + 8);
  }
  // Where the elements begin, and how many there are.
  std::pair<uint64_t, size_t> list(unsigned index) const {
    const uint64_t place = field(index);
    if (place == 0) return {0, 0};
    const uint64_t start = buffer_->follow(place);
    const size_t count = buffer_->read<uint32_t>(start);
    if (count > kMostEntries) buffer_->fail();
    return {start + 4, buffer_->failed() ? 0 : count};
  }
  template <class Visit>
  void each_table(unsigned index, const Visit& visit) const {
    const auto [start, count] = list(index);
    for (size_t i = 0; i < count && !buffer_->failed(); ++i) {
      buffer_->spend(64);
      visit(Table(*buffer_, buffer_->follow(start + 4 * i)));
    }
  }

 private:
  Buffer* buffer_;
  uint64_t place_ = 0;
  uint64_t fields_ = 0;
  unsigned fields_bytes_ = 0;
};

// The numbers are those of the schema's field ids.
BmodelTensor read_tensor(Buffer& buffer, const Table& table) {
  BmodelTensor tensor;
  tensor.name = table.text(0);
  tensor.type = table.number<uint32_t>(1);
  tensor.scale = table.number<float>(7, 1.0f);
  tensor.zero_point = table.number<int32_t>(10);
  bool is_first = true;
  table.each_table(5, [&](const Table& shape) {
    const auto [start, count] = shape.list(0);
    if (count > kMostExtents) return buffer.fail();
    for (size_t i = 0; is_first && i < count; ++i) {
      const auto extent = buffer.read<uint64_t>(start + 8 * i);
      if (extent > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) return buffer.fail();
      tensor.shape.push_back(static_cast<int64_t>(extent));
    }
    is_first = false;
  });
  return tensor;
}

uint64_t command_bytes(const Table& group) { return group.binary_bytes(2) + group.binary_bytes(3); }

BmodelStage read_stage(Buffer& buffer, const Table& table) {
  BmodelStage stage;
  table.each_table(0, [&](const Table& tensor) { stage.inputs.push_back(read_tensor(buffer, tensor)); });
  table.each_table(1, [&](const Table& tensor) { stage.outputs.push_back(read_tensor(buffer, tensor)); });
  stage.neuron_bytes = table.number<uint64_t>(3);
  if (table.has(4)) stage.weight_bytes = table.table(4).binary_bytes(2);
  stage.is_dynamic = table.number<int32_t>(5) != 0;
  stage.cores = std::max(1u, table.number<uint32_t>(16));
  table.each_table(8, [&](const Table& group) { stage.command_bytes += command_bytes(group); });
  table.each_table(12, [&](const Table& subnet) {
    subnet.each_table(1, [&](const Table& group) { stage.command_bytes += command_bytes(group); });
    subnet.each_table(14, [&](const Table& core) {
      core.each_table(0, [&](const Table& group) { stage.command_bytes += command_bytes(group); });
    });
  });
  const auto [start, count] = table.list(14);
  for (size_t i = 0; i < count && !buffer.failed(); ++i) {
    if (i == 0) stage.neuron_bytes = 0;  // the list counts instead of the single number
    buffer.spend(8);
    stage.neuron_bytes += buffer.read<uint64_t>(start + 8 * i);
  }
  return stage;
}

}  // namespace

bool is_bmodel(std::span<const std::byte> bytes) {
  uint32_t magic = 0;
  if (bytes.size() < sizeof(magic)) return false;
  std::memcpy(&magic, bytes.data(), sizeof(magic));
  return magic == kMagic;
}

Result<Bmodel> Bmodel::parse(std::span<const std::byte> bytes) {
  if (!is_bmodel(bytes)) return invalid_input("it does not begin as a bmodel does");
  Buffer header(bytes);
  const auto header_bytes = header.read<uint32_t>(4);
  const auto flat_bytes = header.read<uint32_t>(8);
  const auto binary_bytes = header.read<uint64_t>(12);
  if (header.failed() || header_bytes != kHeaderBytes || bytes.size() < kHeaderBytes)
    return invalid_input("its header is damaged");
  const uint64_t rest = bytes.size() - kHeaderBytes;
  if (flat_bytes > rest || binary_bytes > rest - flat_bytes)
    return invalid_input(
        fmt::format("it is cut short: {} bytes of {}", bytes.size(),
                    static_cast<double>(kHeaderBytes) + flat_bytes + static_cast<double>(binary_bytes)));
  Buffer buffer(bytes.subspan(kHeaderBytes, flat_bytes));
  const Table root(buffer, buffer.follow(0));
  Bmodel model;
  model.file_bytes = bytes.size();
  model.type = root.text(0);
  model.version = root.text(1);
  model.time = root.text(2);
  while (model.time.ends_with('\n') || model.time.ends_with('\0')) model.time.pop_back();
  model.chip = root.text(3);
  model.neuron_bytes = root.number<uint64_t>(5);
  if (root.has(6)) {
    const Table module = root.table(6);
    model.kernel_module = module.text(0);
    model.kernel_bytes = module.binary_bytes(1);
  }
  root.each_table(4, [&](const Table& net) {
    BmodelNetwork network;
    network.name = net.text(0);
    network.address_mode = net.number<int32_t>(5);
    net.each_table(3, [&](const Table& parameter) { network.stages.push_back(read_stage(buffer, parameter)); });
    model.networks.push_back(std::move(network));
  });
  if (buffer.failed()) return invalid_input("its table of contents is damaged");
  return model;
}

Result<Bmodel> Bmodel::read(const std::string& path) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path));
  Result<Bmodel> model = parse(file.bytes());
  if (!model.is_ok()) return model.status().at(path);
  return model;
}

std::string bmodel_type_name(uint32_t type) {
  static constexpr const char* kNames[] = {"f32", "f16", "i8", "u8", "i16", "u16", "i32", "u32", "bf16", "i4", "u4"};
  return type < std::size(kNames) ? kNames[type] : fmt::format("type {}", type);
}

std::string bmodel_address_mode_name(int32_t mode) {
  static constexpr const char* kNames[] = {"basic", "io_alone", "io_tag", "io_tag_fuse", "io_reloc"};
  return mode >= 0 && static_cast<size_t>(mode) < std::size(kNames) ? kNames[mode] : fmt::format("{}", mode);
}

}  // namespace samc::sophgo
