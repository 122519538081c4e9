#include "model/identity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/files.h"
#include "model/recognise.h"

namespace samc {
namespace {

bool is_of_encoder(const ModelConfig& config, const std::string& tensor) {
  for (const char* prefix : {"image_encoder.", "sam_mask_decoder.conv_s0.", "sam_mask_decoder.conv_s1."})
    if (tensor.starts_with(prefix)) return true;
  return config.directly_add_no_mem_embed && tensor == "no_mem_embed";
}

// What the encoder does beside its tensors; names and shapes of those say the rest.
std::string structure(const ModelConfig& config) {
  const HieraConfig& trunk = config.trunk;
  return fmt::format(
      "image_size {}; num_heads {}; head_mul {}; stages {}; window_spec {}; global_att_blocks {}; "
      "fpn_top_down_levels {}; directly_add_no_mem_embed {}",
      config.image_size, trunk.num_heads, trunk.head_mul, trunk.stages, trunk.window_spec, trunk.global_att_blocks,
      config.neck.fpn_top_down_levels, config.directly_add_no_mem_embed);
}

}  // namespace

struct ContentHash::State {
  XXH3_state_t hash;
};

ContentHash::ContentHash() : state_(std::make_shared<State>()) { XXH3_128bits_reset(&state_->hash); }

void ContentHash::add(const void* data, size_t bytes) {
  const uint64_t count = bytes;
  XXH3_128bits_update(&state_->hash, &count, sizeof count);
  XXH3_128bits_update(&state_->hash, data, bytes);
}

Status ContentHash::add_file(const std::string& path) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path));
  std::span<const std::byte> rest = file.bytes();
  const uint64_t count = rest.size();
  XXH3_128bits_update(&state_->hash, &count, sizeof count);
  while (!rest.empty()) {
    const size_t part = std::min(rest.size(), size_t{1} << 24);
    XXH3_128bits_update(&state_->hash, rest.data(), part);
    rest = rest.subspan(part);
    file.drop_pages();
  }
  return Status::ok();
}

std::string ContentHash::hexadecimal() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->hash);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Result<std::string> encoder_identity(const ModelConfig& config, const Checkpoint& checkpoint) {
  ContentHash hash;
  hash.add("samc image encoder 1");
  hash.add(structure(config));
  for (const TensorSpec& spec : expected_tensors(config)) {
    if (!is_of_encoder(config, spec.name)) continue;
    const CheckpointTensor* tensor = checkpoint.find(spec.name);
    SAMC_CHECK(tensor != nullptr && tensor->shape == spec.shape, "{} has not passed check_tensors()", spec.name);
    hash.add(spec.name + shape_to_string(spec.shape));
    if (Checkpoint::can_view_f32(*tensor)) {
      SAMC_ASSIGN(const TensorView view, checkpoint.view_f32(*tensor));
      hash.add(view.data, static_cast<size_t>(view.bytes()));
    } else {
      SAMC_ASSIGN(const Tensor converted, checkpoint.read_f32(*tensor));
      hash.add(converted.data(), static_cast<size_t>(converted.bytes()));
    }
  }
  return hash.hexadecimal();
}

Result<std::string> encoder_identity(std::span<const std::string> files) {
  ContentHash hash;
  hash.add("samc image encoder of files 1");
  for (const std::string& path : files) SAMC_TRY(hash.add_file(path));
  return hash.hexadecimal();
}

}  // namespace samc
