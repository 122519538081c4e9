#pragma once
// An image embedding as .npz: `samc encode` writes it, `samc segment --embedding` and NumPy read it.

#include <string>

#include "base/status.h"
#include "package/plan.h"
#include "runtime/image_predictor.h"

namespace samc {

// Arrays: high_res_feats_0, high_res_feats_1, image_embed (f32), original_size (i64: height, width), model and
// encoder_id (u8: the model's name, ModelInfo::encoder_id).
Status write_embedding(const std::string& path, const ImageEmbedding& embedding, const ModelInfo& model);
// Where the file or the model does not say which encoder it is of, the models' names are compared. Identities, shapes
// and values are judged by ImagePredictor::set_embedding.
Result<ImageEmbedding> read_embedding(const std::string& path, const ModelInfo& model);

}  // namespace samc
