#include "package/writer.h"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/files.h"
#include "base/guard.h"
#include "package/check.h"
#include "package/format.h"

namespace samc {
namespace {

class ByteWriter {
 public:
  template <class T>
  void number(T value) {
    const size_t position = bytes_.size();
    bytes_.resize(position + sizeof(T));
    std::memcpy(bytes_.data() + position, &value, sizeof(T));
  }
  void count(size_t value) { number(static_cast<uint32_t>(value)); }
  void text(const std::string& value) {
    count(value.size());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  template <class T>
  void numbers(const std::vector<T>& values) {
    count(values.size());
    for (const T& value : values) number(value);
  }
  // sizes: how many free sizes the function has.
  void extents(const Extents& values, size_t sizes) {
    count(values.size());
    for (const Extent& extent : values) {
      number(extent.base);
      for (size_t i = 0; i < sizes; ++i) number(extent.steps[i]);
    }
  }
  const std::vector<char>& bytes() const { return bytes_; }

 private:
  std::vector<char> bytes_;
};

void write_video(ByteWriter& out, const VideoFacts& video) {
  const auto flag = [&](bool value) { out.number(static_cast<uint8_t>(value ? 1 : 0)); };
  out.number(video.num_maskmem);
  out.number(video.max_cond_frames_in_attn);
  out.number(video.memory_temporal_stride_for_eval);
  flag(video.binarize_mask_from_pts_for_mem_enc);
  flag(video.use_mask_input_as_output_without_sam);
  flag(video.multimask_output_in_sam);
  out.number(video.multimask_min_pt_num);
  out.number(video.multimask_max_pt_num);
  flag(video.multimask_output_for_tracking);
  flag(video.use_multimask_token_for_obj_ptr);
  flag(video.use_obj_ptrs_in_encoder);
  out.number(video.max_obj_ptrs_in_encoder);
  flag(video.use_signed_tpos_enc_to_obj_ptrs);
  flag(video.only_obj_ptrs_in_the_past_for_eval);
  flag(video.pred_obj_scores);
  flag(video.non_overlap_masks_for_mem_enc);
}

ByteWriter info_section(const PlanModule& module) {
  const ModelInfo& info = module.info;
  ByteWriter out;
  out.text(module.target);
  out.text(info.name);
  out.text(info.build_id);
  out.text(info.encoder_id);
  out.number(info.image_size);
  out.numbers(info.pixel_mean);
  out.numbers(info.pixel_std);
  out.number(info.mask_threshold);
  out.number(static_cast<uint8_t>(info.dynamic_multimask_via_stability ? 1 : 0));
  out.number(info.stability_delta);
  out.number(info.stability_threshold);
  out.number(static_cast<uint8_t>(info.video.has_value() ? 1 : 0));
  if (info.video.has_value()) write_video(out, *info.video);
  out.count(info.notes.size());
  for (const auto& [key, value] : info.notes) {
    out.text(key);
    out.text(value);
  }
  return out;
}

void write_value(ByteWriter& out, const Value& value, size_t sizes) {
  out.text(value.name);
  out.number(static_cast<uint8_t>(value.dtype));
  out.number(static_cast<uint8_t>(value.place));
  out.number(value.alias_of);
  out.number(value.weight);
  out.extents(value.shape, sizes);
}

void write_operation(ByteWriter& out, const Operation& operation, size_t sizes) {
  out.text(operation.kernel);
  out.number(static_cast<uint8_t>(operation.precision));
  out.text(operation.name);
  out.numbers(operation.operands);
  out.numbers(operation.results);
  out.count(operation.integers.size());
  for (const IntegerAttribute& attribute : operation.integers) {
    out.text(attribute.name);
    out.extents(attribute.values, sizes);
  }
  out.count(operation.floats.size());
  for (const FloatAttribute& attribute : operation.floats) {
    out.text(attribute.name);
    out.number(attribute.value);
  }
  out.count(operation.strings.size());
  for (const StringAttribute& attribute : operation.strings) {
    out.text(attribute.name);
    out.text(attribute.value);
  }
}

ByteWriter functions_section(const std::vector<PlanFunction>& functions) {
  ByteWriter out;
  out.count(functions.size());
  for (const PlanFunction& function : functions) {
    out.text(function.name);
    out.count(function.sizes.size());
    for (const FreeSize& size : function.sizes) {
      out.text(size.name);
      out.number(size.least);
      out.number(size.greatest);
    }
    out.numbers(function.inputs);
    out.numbers(function.outputs);
    out.count(function.values.size());
    for (const Value& value : function.values) write_value(out, value, function.sizes.size());
    out.count(function.operations.size());
    for (const Operation& operation : function.operations) write_operation(out, operation, function.sizes.size());
  }
  return out;
}

// Takes the weights' bytes as one stream, padded as in the file, and hashes it block by block.
class BlockChecksums {
 public:
  BlockChecksums() { XXH3_64bits_reset(&state_); }
  void add(const void* data, size_t size) {
    const char* next = static_cast<const char*>(data);
    while (size > 0) {
      const size_t part = std::min<size_t>(size, kChecksumBlock - filled_);
      XXH3_64bits_update(&state_, next, part);
      next += part;
      size -= part;
      filled_ += part;
      if (filled_ == kChecksumBlock) close_block();
    }
  }
  std::vector<uint64_t> finish() {
    if (filled_ > 0) close_block();
    return std::move(checksums_);
  }

 private:
  void close_block() {
    checksums_.push_back(XXH3_64bits_digest(&state_));
    XXH3_64bits_reset(&state_);
    filled_ = 0;
  }
  XXH3_state_t state_;
  uint64_t filled_ = 0;
  std::vector<uint64_t> checksums_;
};

constexpr std::array<char, kSectionAlignment> kZeros{};

// Calls sink(data, size) for the weights section from its first byte to its last.
template <class Sink>
Status each_weight_piece(const std::vector<WeightData>& weights, Sink&& sink) {
  uint64_t position = 0;
  for (const WeightData& weight : weights) {
    const uint64_t padding = align_section(position) - position;
    SAMC_TRY(sink(kZeros.data(), padding));
    SAMC_TRY(sink(weight.bytes.data(), weight.bytes.size()));
    position += padding + weight.bytes.size();
  }
  return Status::ok();
}

}  // namespace

static Status write_module_unguarded(const PlanModule& module, const std::string& path) {
  SAMC_TRY(check_module(module));
  ByteWriter weight_table;
  weight_table.count(module.weights.size());
  uint64_t weight_bytes = 0;
  for (const WeightData& weight : module.weights) {
    const uint64_t offset = align_section(weight_bytes);
    weight_table.text(weight.name);
    weight_table.number(static_cast<uint8_t>(weight.dtype));
    weight_table.number(static_cast<uint8_t>(weight.layout));
    weight_table.number(offset);
    weight_table.number(static_cast<uint64_t>(weight.bytes.size()));
    weight_bytes = offset + weight.bytes.size();
  }
  BlockChecksums blocks;
  SAMC_TRY(each_weight_piece(module.weights, [&](const void* data, size_t size) {
    blocks.add(data, size);
    return Status::ok();
  }));
  ByteWriter checksums;
  for (const uint64_t checksum : blocks.finish()) checksums.number(checksum);

  const std::array<ByteWriter, 4> sections = {info_section(module), functions_section(module.functions),
                                              std::move(weight_table), std::move(checksums)};
  std::array<SectionEntry, kSectionOrder.size()> table{};
  uint64_t position = sizeof(ModuleHeader) + sizeof(table);
  for (size_t index = 0; index < kSectionOrder.size(); ++index) {
    SectionEntry& entry = table[index];
    entry.kind = static_cast<uint32_t>(kSectionOrder[index]);
    entry.offset = align_section(position);
    if (index < sections.size()) {
      const std::vector<char>& bytes = sections[index].bytes();
      entry.bytes = bytes.size();
      entry.checksum = XXH3_64bits(bytes.data(), bytes.size());
    } else {
      entry.bytes = weight_bytes;
    }
    position = entry.offset + entry.bytes;
  }
  ModuleHeader header{kModuleMagic, kModuleVersion, static_cast<uint32_t>(table.size()), position, 0};
  std::array<char, sizeof(header) + sizeof(table)> start;
  std::memcpy(start.data(), &header, sizeof(header));
  std::memcpy(start.data() + sizeof(header), table.data(), sizeof(table));
  header.checksum = XXH3_64bits(start.data(), start.size());
  std::memcpy(start.data(), &header, sizeof(header));

  SAMC_ASSIGN(FileWriter file, FileWriter::create(path));
  SAMC_TRY(file.write(start.data(), start.size()));
  for (size_t index = 0; index < table.size(); ++index) {
    SAMC_TRY(file.write(kZeros.data(), table[index].offset - file.position()));
    if (index < sections.size()) {
      SAMC_TRY(file.write(sections[index].bytes().data(), sections[index].bytes().size()));
    } else {
      SAMC_TRY(
          each_weight_piece(module.weights, [&](const void* data, size_t size) { return file.write(data, size); }));
    }
  }
  return file.commit();
}

Status write_module(const PlanModule& module, const std::string& path) {
  return guarded([&] { return write_module_unguarded(module, path); });
}

}  // namespace samc
