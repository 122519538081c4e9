#include "app/embedding_file.h"

#include <cmath>

#include "base/limits.h"
#include "media/npz.h"

namespace samc {
namespace {

// Beyond the features of the largest image size, 4096, at 256 channels: 416 MB.
constexpr int64_t kMostEmbeddingBytes = int64_t{512} << 20;

}  // namespace

Status write_embedding(const std::string& path, const ImageEmbedding& embedding, const ModelInfo& model) {
  const std::array<int64_t, 2> size{embedding.height, embedding.width};
  const std::pair<std::string, TensorView> arrays[] = {
      {"high_res_feats_0", embedding.high_res_feats_0.view()},
      {"high_res_feats_1", embedding.high_res_feats_1.view()},
      {"image_embed", embedding.image_embed.view()},
      {"original_size", {DType::kI64, {2}, size.data()}},
      {"model", {DType::kU8, {static_cast<int64_t>(model.name.size())}, model.name.data()}}};
  return write_npz(path, arrays, NpzCompression::kStored);  // features are noise to deflate
}

Result<ImageEmbedding> read_embedding(const std::string& path, const ModelInfo& model) {
  SAMC_ASSIGN(const Npz npz, Npz::read(path, kMostEmbeddingBytes));
  const char* hint = "make it with samc encode";
  if (const Tensor* name = npz.find("model"); name != nullptr && name->dtype() == DType::kU8) {
    const std::span<const uint8_t> bytes = name->as<uint8_t>();
    const std::string made_with(bytes.begin(), bytes.end());
    if (made_with != model.name)
      return invalid_input(fmt::format("{} was made with {}, and --model is {}", path, made_with, model.name),
                           "use the model that made it");
  }
  ImageEmbedding embedding;
  const std::pair<const char*, Tensor*> features[] = {{"high_res_feats_0", &embedding.high_res_feats_0},
                                                      {"high_res_feats_1", &embedding.high_res_feats_1},
                                                      {"image_embed", &embedding.image_embed}};
  for (const auto& [name, target] : features) {
    SAMC_ASSIGN(const Tensor* found, npz.get(name));
    if (found->dtype() != DType::kF32)
      return invalid_input(fmt::format("{}: {} is {}, not f32", path, name, dtype_name(found->dtype())), hint);
    for (const float value : found->f32())
      if (!std::isfinite(value))
        return invalid_input(fmt::format("{}: {} holds values that are not finite", path, name), hint);
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
  return embedding;
}

}  // namespace samc
