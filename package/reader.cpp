#include "package/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/files.h"
#include "base/guard.h"
#include "base/memory_budget.h"
#include "package/check.h"
#include "package/format.h"

namespace samc {
namespace {

constexpr const char* kMakeAgain = "make it again with samc compile";

// Reads numbers and texts from a section; once anything is out of bounds, everything after reads as 0 and ok() is
// false.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  T number() {
    T value{};
    if (bytes_.size() < sizeof(T)) {
      fail();
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  // A count of things that take at least `least_bytes` each: more cannot follow, so nothing large is ever reserved.
  size_t count(size_t least_bytes) {
    const size_t value = number<uint32_t>();
    if (value > bytes_.size() / least_bytes) {
      fail();
      return 0;
    }
    return value;
  }
  std::string text() {
    const size_t size = count(1);
    std::string value(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return value;
  }
  template <class T>
  std::vector<T> numbers() {
    std::vector<T> values(count(sizeof(T)));
    for (T& value : values) value = number<T>();
    return values;
  }
  Extents extents(size_t sizes) {
    Extents values(count((1 + sizes) * sizeof(int64_t)));
    for (Extent& extent : values) {
      extent.base = number<int64_t>();
      for (size_t i = 0; i < sizes; ++i) extent.steps[i] = number<int64_t>();
    }
    return values;
  }
  // As count(), of what a plan holds no more of than `most`.
  size_t count(size_t least_bytes, size_t most) {
    const size_t value = count(least_bytes);
    if (value <= most) return value;
    fail();
    return 0;
  }
  // An enum stored as one byte, or a flag.
  uint8_t below(uint8_t limit) {
    const uint8_t value = number<uint8_t>();
    if (value >= limit) {
      fail();
      return 0;
    }
    return value;
  }
  bool finished() const { return ok_ && bytes_.empty(); }
  bool ok() const { return ok_; }

 private:
  void fail() {
    ok_ = false;
    bytes_ = {};
  }
  std::span<const std::byte> bytes_;
  bool ok_ = true;
};

VideoFacts read_video(ByteReader& in) {
  const auto flag = [&] { return in.below(2) == 1; };
  VideoFacts video;
  video.num_maskmem = in.number<int64_t>();
  video.max_cond_frames_in_attn = in.number<int64_t>();
  video.memory_temporal_stride_for_eval = in.number<int64_t>();
  video.binarize_mask_from_pts_for_mem_enc = flag();
  video.use_mask_input_as_output_without_sam = flag();
  video.multimask_output_in_sam = flag();
  video.multimask_min_pt_num = in.number<int64_t>();
  video.multimask_max_pt_num = in.number<int64_t>();
  video.multimask_output_for_tracking = flag();
  video.use_multimask_token_for_obj_ptr = flag();
  video.use_obj_ptrs_in_encoder = flag();
  video.max_obj_ptrs_in_encoder = in.number<int64_t>();
  video.use_signed_tpos_enc_to_obj_ptrs = flag();
  video.only_obj_ptrs_in_the_past_for_eval = flag();
  video.pred_obj_scores = flag();
  video.non_overlap_masks_for_mem_enc = flag();
  return video;
}

ModelInfo read_info(ByteReader& in) {
  ModelInfo info;
  info.name = in.text();
  info.build_id = in.text();
  info.encoder_id = in.text();
  info.image_size = in.number<int64_t>();
  info.pixel_mean = in.numbers<float>();
  info.pixel_std = in.numbers<float>();
  info.mask_threshold = in.number<float>();
  info.dynamic_multimask_via_stability = in.below(2) == 1;
  info.stability_delta = in.number<float>();
  info.stability_threshold = in.number<float>();
  if (in.below(2) == 1) info.video = read_video(in);
  info.notes.resize(in.count(8));
  for (auto& [key, value] : info.notes) {
    key = in.text();
    value = in.text();
  }
  return info;
}

Value read_value(ByteReader& in, size_t sizes) {
  Value value;
  value.name = in.text();
  value.dtype = static_cast<DType>(in.below(kDTypeCount));
  value.place = static_cast<Place>(in.below(kPlaceCount));
  value.alias_of = in.number<int32_t>();
  value.weight = in.number<int32_t>();
  value.shape = in.extents(sizes);
  return value;
}

Operation read_operation(ByteReader& in, size_t sizes) {
  Operation operation;
  operation.kernel = in.text();
  operation.precision = static_cast<Precision>(in.below(kPrecisionCount));
  operation.name = in.text();
  operation.operands = in.numbers<int32_t>();
  operation.results = in.numbers<int32_t>();
  operation.integers.resize(in.count(8));
  for (IntegerAttribute& attribute : operation.integers) {
    attribute.name = in.text();
    attribute.values = in.extents(sizes);
  }
  operation.floats.resize(in.count(12));
  for (FloatAttribute& attribute : operation.floats) {
    attribute.name = in.text();
    attribute.value = in.number<double>();
  }
  operation.strings.resize(in.count(8));
  for (StringAttribute& attribute : operation.strings) {
    attribute.name = in.text();
    attribute.value = in.text();
  }
  return operation;
}

std::vector<PlanFunction> read_functions(ByteReader& in) {
  std::vector<PlanFunction> functions(in.count(24));
  for (PlanFunction& function : functions) {
    function.name = in.text();
    function.sizes.resize(in.count(20, kMostSizes));
    for (FreeSize& size : function.sizes) {
      size.name = in.text();
      size.least = in.number<int64_t>();
      size.greatest = in.number<int64_t>();
    }
    const size_t sizes = function.sizes.size();
    function.inputs = in.numbers<int32_t>();
    function.outputs = in.numbers<int32_t>();
    function.values.resize(in.count(18));
    for (Value& value : function.values) value = read_value(in, sizes);
    function.operations.resize(in.count(29));
    for (Operation& operation : function.operations) operation = read_operation(in, sizes);
    if (!in.ok()) break;
  }
  return functions;
}

class ModuleReader {
 public:
  ModuleReader(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  Status read_header() {
    ModuleHeader header;
    if (bytes_.size() < sizeof(kModuleMagic) ||
        std::memcmp(bytes_.data(), kModuleMagic.data(), kModuleMagic.size()) != 0)
      return invalid_input(fmt::format("{} is not a samc module", name_), "samc compile makes one from a checkpoint");
    if (bytes_.size() < sizeof(header)) return cut_short(sizeof(header) + sizeof(table_));
    std::memcpy(&header, bytes_.data(), sizeof(header));
    if (header.version != kModuleVersion)
      return invalid_input(
          fmt::format("{} has format version {}, this samc reads version {}", name_, header.version, kModuleVersion),
          kMakeAgain);
    if (bytes_.size() < sizeof(header) + sizeof(table_)) return cut_short(sizeof(header) + sizeof(table_));

    std::array<char, sizeof(header) + sizeof(table_)> start;
    std::memcpy(start.data(), bytes_.data(), start.size());
    std::memcpy(table_.data(), start.data() + sizeof(header), sizeof(table_));
    std::memset(start.data() + offsetof(ModuleHeader, checksum), 0, sizeof(header.checksum));
    if (XXH3_64bits(start.data(), start.size()) != header.checksum) return damaged("header");
    if (header.file_bytes > bytes_.size()) return cut_short(header.file_bytes);
    if (header.file_bytes < bytes_.size()) return damaged("end: more bytes than it says");
    if (header.section_count != table_.size()) return damaged("section table");
    return check_sections();
  }

  // Sections stand in a fixed order, each at the first multiple of 64 after the one before, zeros between.
  Status check_sections() {
    uint64_t position = sizeof(ModuleHeader) + sizeof(table_);
    for (size_t index = 0; index < table_.size(); ++index) {
      const SectionEntry& entry = table_[index];
      if (entry.kind != static_cast<uint32_t>(kSectionOrder[index]) || entry.reserved != 0 ||
          entry.offset != align_section(position) || entry.offset > bytes_.size() ||
          entry.bytes > bytes_.size() - entry.offset)
        return damaged("section table");
      const auto padding = bytes_.subspan(position, entry.offset - position);
      if (std::any_of(padding.begin(), padding.end(), [](std::byte byte) { return byte != std::byte{0}; }))
        return damaged("padding");
      position = entry.offset + entry.bytes;
      if (kSectionOrder[index] == SectionKind::kWeights) {
        if (entry.checksum != 0) return damaged("section table");
      } else if (XXH3_64bits(bytes_.data() + entry.offset, entry.bytes) != entry.checksum) {
        return damaged(kSectionNames[index]);
      }
    }
    if (position != bytes_.size()) return damaged("section table");
    return Status::ok();
  }

  Result<PlanModule> read_body(std::shared_ptr<const void> owner) {
    PlanModule module;
    ByteReader info(section(SectionKind::kInfo));
    module.target = info.text();
    module.info = read_info(info);
    if (!info.finished()) return damaged("info");
    // A value, an operation or a weight takes several times its bytes.
    constexpr int64_t kGrowth = 8;
    for (const SectionKind kind : {SectionKind::kFunctions, SectionKind::kWeightTable})
      SAMC_TRY(check_memory(kGrowth * static_cast<int64_t>(section(kind).size()), "the plan of a module").at(name_));
    ByteReader functions(section(SectionKind::kFunctions));
    module.functions = read_functions(functions);
    if (!functions.finished()) return damaged("functions");

    const std::span<const std::byte> weights = section(SectionKind::kWeights);
    ByteReader table(section(SectionKind::kWeightTable));
    module.weights.resize(table.count(22));
    for (WeightData& weight : module.weights) {
      weight.name = table.text();
      weight.dtype = static_cast<DType>(table.below(kDTypeCount));
      weight.layout = static_cast<WeightLayout>(table.below(kWeightLayoutCount));
      const auto offset = table.number<uint64_t>();
      const auto size = table.number<uint64_t>();
      if (!table.ok() || offset % kSectionAlignment != 0 || offset > weights.size() || size > weights.size() - offset)
        return damaged("weight table");
      weight.bytes = weights.subspan(offset, size);
      weight.owner = owner;
    }
    if (!table.finished()) return damaged("weight table");
    if (Status status = check_module(module); !status.is_ok())
      return invalid_input(fmt::format("{}: {}", name_, status.message()), kMakeAgain);
    return module;
  }

  Status verify_weights(ThreadPool* pool) {
    const std::span<const std::byte> weights = section(SectionKind::kWeights);
    const std::span<const std::byte> checksums = section(SectionKind::kBlockChecksums);
    const uint64_t blocks = (weights.size() + kChecksumBlock - 1) / kChecksumBlock;
    if (checksums.size() != blocks * sizeof(uint64_t)) return damaged("block checksums");
    std::atomic<bool> matches{true};
    const auto verify = [&](int64_t block, int) {
      const uint64_t offset = static_cast<uint64_t>(block) * kChecksumBlock;
      const auto bytes = weights.subspan(offset, std::min<uint64_t>(kChecksumBlock, weights.size() - offset));
      uint64_t expected;
      std::memcpy(&expected, checksums.data() + static_cast<uint64_t>(block) * sizeof(expected), sizeof(expected));
      if (XXH3_64bits(bytes.data(), bytes.size()) != expected) matches.store(false);
    };
    if (pool != nullptr) {
      pool->run(static_cast<int64_t>(blocks), verify);
    } else {
      for (uint64_t block = 0; block < blocks; ++block) verify(static_cast<int64_t>(block), 0);
    }
    return matches.load() ? Status::ok() : damaged("weights");
  }

 private:
  std::span<const std::byte> section(SectionKind kind) const {
    const SectionEntry& entry = table_[static_cast<size_t>(kind) - 1];
    return bytes_.subspan(entry.offset, entry.bytes);
  }
  Status damaged(const char* where) const {
    return invalid_input(fmt::format("{} is damaged ({})", name_, where), kMakeAgain);
  }
  Status cut_short(uint64_t expected) const {
    return invalid_input(fmt::format("{} is cut short: {} of {} bytes", name_, bytes_.size(), expected), kMakeAgain);
  }

  std::span<const std::byte> bytes_;
  std::string name_;
  std::array<SectionEntry, kSectionOrder.size()> table_{};
};

}  // namespace

Result<bool> is_module_file(const std::string& path) {
  if (is_folder(path)) return false;
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path));
  const size_t size = kModuleMagic.size();
  return file.bytes().size() >= size && std::memcmp(file.bytes().data(), kModuleMagic.data(), size) == 0;
}

static Result<PlanModule> read_module_bytes_unguarded(std::span<const std::byte> bytes,
                                                      std::shared_ptr<const void> owner, const std::string& name,
                                                      const ReadOptions& options) {
  ModuleReader reader(bytes, name);
  SAMC_TRY(reader.read_header());
  if (options.verify_weights) SAMC_TRY(reader.verify_weights(options.pool));
  return reader.read_body(std::move(owner));
}

Result<PlanModule> read_module_bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                     const std::string& name, const ReadOptions& options) {
  return guarded([&] { return read_module_bytes_unguarded(bytes, std::move(owner), name, options); });
}

Result<PlanModule> read_module(const std::string& path, const ReadOptions& options) {
  return guarded([&]() -> Result<PlanModule> {
    SAMC_ASSIGN(MappedFile file, MappedFile::open(path, options.access));
    return read_module(std::move(file), options);
  });
}

static Result<PlanModule> read_module_unguarded(MappedFile mapped, const ReadOptions& options) {
  const auto file = std::make_shared<const MappedFile>(std::move(mapped));
  SAMC_ASSIGN(PlanModule module, read_module_bytes(file->bytes(), file, file->path(), options));
  // The checksums have touched every page. What no function reads need not stay resident.
  file->drop_pages();
  return module;
}

Result<PlanModule> read_module(MappedFile file, const ReadOptions& options) {
  return guarded([&] { return read_module_unguarded(std::move(file), options); });
}

}  // namespace samc
