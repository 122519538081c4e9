#pragma once
// An image embedding as .npz: `samc encode` writes it, `samc segment --embedding` and NumPy read it.

#include <string>

#include "base/status.h"
#include "media/image.h"
#include "package/plan.h"
#include "runtime/image_predictor.h"

namespace samc {

// Tells an image from others: a hash of its pixels as they were encoded, upright or not, in hexadecimal.
std::string image_identity(const Image& image);

// Arrays: high_res_feats_0, high_res_feats_1, image_embed (f32), original_size (i64: height, width), model, encoder_id
// and image_id (u8: the model's name, ModelInfo::encoder_id, image_identity()).
Status write_embedding(const std::string& path, const ImageEmbedding& embedding, const ModelInfo& model,
                       const std::string& image_id);

struct StoredEmbedding {
  ImageEmbedding embedding;
  std::string image_id;  // empty where the file does not say
};
// Where the file or the model does not say which encoder it is of, the models' names are compared. Identities, shapes
// and values are judged by ImagePredictor::set_embedding.
Result<StoredEmbedding> read_embedding(const std::string& path, const ModelInfo& model);

}  // namespace samc
