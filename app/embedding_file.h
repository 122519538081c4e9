#pragma once
// An image embedding as .npz: `samc encode` writes it, `samc segment --embedding` and NumPy read it.

#include <string>

#include "base/status.h"
#include "package/plan.h"
#include "runtime/image_predictor.h"

namespace samc {

// Arrays: high_res_feats_0, high_res_feats_1, image_embed (f32), original_size (i64: height, width), model (u8: the
// model's name).
Status write_embedding(const std::string& path, const ImageEmbedding& embedding, const ModelInfo& model);
// An error when the file is of another model's name. Shapes are judged by ImagePredictor::set_embedding.
Result<ImageEmbedding> read_embedding(const std::string& path, const ModelInfo& model);

}  // namespace samc
