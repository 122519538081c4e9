#include "app/embedding_file.h"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

#include "base/limits.h"
#include "media/npz.h"
#include "package/model_names.h"

namespace samc {
namespace {

// Beyond the features of the largest image size, 4096, at 256 channels: 416 MB.
constexpr int64_t kMostEmbeddingBytes = int64_t{512} << 20;

TensorView text_view(const std::string& text) { return {DType::kU8, {static_cast<int64_t>(text.size())}, text.data()}; }

// Empty where there is no such array.
std::string text_of(const Npz& npz, const char* name) {
  const Tensor* found = npz.find(name);
  if (found == nullptr || found->dtype() != DType::kU8) return "";
  const std::span<const uint8_t> bytes = found->as<uint8_t>();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

std::string image_identity(const Image& image) {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(image.rgb.data(), image.rgb.size(), static_cast<uint64_t>(image.width));
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Status write_embedding(const std::string& path, const ImageEmbedding& embedding, const ModelInfo& model,
                       const std::string& image_id) {
  const std::array<int64_t, 2> size{embedding.height, embedding.width};
  const std::pair<std::string, TensorView> arrays[] = {{kHighResFeats0, embedding.high_res_feats_0.view()},
                                                       {kHighResFeats1, embedding.high_res_feats_1.view()},
                                                       {kImageEmbed, embedding.image_embed.view()},
                                                       {"original_size", {DType::kI64, {2}, size.data()}},
                                                       {"model", text_view(model.name)},
                                                       {"encoder_id", text_view(embedding.encoder_id)},
                                                       {"image_id", text_view(image_id)}};
  return write_npz(path, arrays, NpzCompression::kStored);  // features are noise to deflate
}

Result<StoredEmbedding> read_embedding(const std::string& path, const ModelInfo& model) {
  SAMC_ASSIGN(const Npz npz, Npz::read(path, kMostEmbeddingBytes));
  const char* hint = "make it with samc encode";
  ImageEmbedding embedding;
  embedding.encoder_id = text_of(npz, "encoder_id");
  // What the encoder is counts, not what it is called: names are compared where nothing else can be.
  const std::string made_with = text_of(npz, "model");
  const bool identities_known = !embedding.encoder_id.empty() && !model.encoder_id.empty();
  if (!identities_known && !made_with.empty() && made_with != model.name)
    return invalid_input(fmt::format("{} was made with {}, and --model is {}", path, made_with, model.name),
                         "use the model that made it");
  const std::pair<const char*, Tensor*> features[] = {{kHighResFeats0, &embedding.high_res_feats_0},
                                                      {kHighResFeats1, &embedding.high_res_feats_1},
                                                      {kImageEmbed, &embedding.image_embed}};
  for (const auto& [name, target] : features) {
    SAMC_ASSIGN(const Tensor* found, npz.get(name));
    if (found->dtype() != DType::kF32)
      return invalid_input(fmt::format("{}: {} is {}, not f32", path, name, dtype_name(found->dtype())), hint);
    *target = Tensor::copy_of(found->view());
  }
  SAMC_ASSIGN(const Tensor* size, npz.get("original_size"));
  if (size->dtype() != DType::kI64 || size->shape() != Shape{2})
    return invalid_input(fmt::format("{}: original_size is not two i64: height, width", path), hint);
  embedding.height = size->as<int64_t>()[0];
  embedding.width = size->as<int64_t>()[1];
  if (!is_image_size(embedding.width, embedding.height))
    return invalid_input(fmt::format("{}: original_size {} x {} is no image's: 1 to {} on a side, at most {} pixels",
                                     path, embedding.width, embedding.height, kLongestSide, kMostPixels),
                         hint);
  return StoredEmbedding{std::move(embedding), text_of(npz, "image_id")};
}

}  // namespace samc
