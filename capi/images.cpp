// samc_image_predictor, masks, embeddings.

#include <algorithm>
#include <array>
#include <span>

#include "capi/handles.h"

using namespace samc;
using namespace samc::capi;

samc_status samc_image_predictor_create(const samc_model* model, const samc_image_predictor_options* options,
                                        samc_image_predictor** predictor) {
  clear(predictor);
  return border([&]() -> Status {
    SAMC_NEED(model);
    SAMC_NEED(predictor);
    SAMC_ASSIGN(const samc_image_predictor_options given, read_options(options));
    if (given.threads < 0) return usage_error(fmt::format("{} threads", given.threads), "0: one for each core");
    PredictorOptions wanted;
    wanted.threads = given.threads;
    if (given.mask_threshold != nullptr) wanted.mask_threshold = *given.mask_threshold;
    wanted.max_hole_area = given.max_hole_area;
    wanted.max_sprinkle_area = given.max_sprinkle_area;
    SAMC_ASSIGN(ImagePredictor made, ImagePredictor::create(model->module, wanted));
    *predictor = std::make_unique<samc_image_predictor>(std::move(made)).release();
    return Status::ok();
  });
}

void samc_image_predictor_free(samc_image_predictor* predictor) { delete predictor; }

samc_status samc_image_predictor_set_image(samc_image_predictor* predictor, const samc_image* image) {
  return samc_image_predictor_set_images(predictor, image, 1);
}

samc_status samc_image_predictor_set_images(samc_image_predictor* predictor, const samc_image* images, size_t count) {
  return border_of_one(predictor, "predictor", [&](samc_image_predictor& self) -> Status {
    self.predictor.reset();
    SAMC_NEED(images);
    std::vector<RgbView> views;
    for (size_t i = 0; i < count; ++i) {
      SAMC_ASSIGN(const RgbView view, view_of(images[i]));
      views.push_back(view);
    }
    return self.predictor.set_images(views);
  });
}

samc_status samc_image_predictor_reset(samc_image_predictor* predictor) {
  return border_of_one(predictor, "predictor", [](samc_image_predictor& self) {
    self.predictor.reset();
    return Status::ok();
  });
}

samc_status samc_image_predictor_predict(samc_image_predictor* predictor, const samc_prompt* prompts, size_t count,
                                         const samc_predict_options* options, samc_masks** masks) {
  clear(masks);
  return border_of_one(predictor, "predictor", [&](samc_image_predictor& self) -> Status {
    SAMC_NEED(prompts);
    SAMC_NEED(masks);
    SAMC_ASSIGN(const samc_predict_options given, read_options(options));
    PredictOptions wanted;
    wanted.multimask_output = given.single_mask == 0;
    wanted.return_logits = given.return_logits != 0;
    wanted.normalize_coords = given.coordinates_are_normalized == 0;
    std::vector<ObjectPrompt> objects;
    for (size_t i = 0; i < count; ++i) {
      Result<ObjectPrompt> prompt = prompt_of(prompts[i], low_size(self.predictor.info()));
      if (!prompt.is_ok()) return prompt.status().at(fmt::format("prompt {}", i));
      objects.push_back(std::move(prompt).value());
    }
    SAMC_ASSIGN(Prediction prediction, self.predictor.predict(objects, wanted, given.image));
    give(std::move(prediction), masks);
    return Status::ok();
  });
}

samc_status samc_masks_get(const samc_masks* masks, samc_masks_view* view) {
  return border([&]() -> Status {
    SAMC_NEED(masks);
    SAMC_NEED(view);
    const Prediction& prediction = masks->prediction;
    const Shape& shape = prediction.masks.shape();
    samc_masks_view all{};
    all.prompts = shape[0];
    all.masks = shape[1];
    all.height = shape[2];
    all.width = shape[3];
    all.low_size = prediction.low_res_logits.shape()[3];
    if (prediction.masks.dtype() == DType::kF32)
      all.logits = prediction.masks.f32().data();
    else
      all.binary = prediction.masks.as<uint8_t>().data();
    all.scores = prediction.iou_predictions.f32().data();
    all.low_res_logits = prediction.low_res_logits.f32().data();
    return give_view(all, view);
  });
}

void samc_masks_free(samc_masks* masks) { delete masks; }

samc_status samc_image_predictor_get_embedding(samc_image_predictor* predictor, size_t image,
                                               samc_embedding** embedding) {
  clear(embedding);
  return border_of_one(predictor, "predictor", [&](samc_image_predictor& self) -> Status {
    SAMC_NEED(embedding);
    SAMC_ASSIGN(const ImageEmbedding* found, self.predictor.embedding(image));
    ImageEmbedding copy;
    copy.high_res_feats_0 = Tensor::copy_of(found->high_res_feats_0.view());
    copy.high_res_feats_1 = Tensor::copy_of(found->high_res_feats_1.view());
    copy.image_embed = Tensor::copy_of(found->image_embed.view());
    copy.width = found->width;
    copy.height = found->height;
    copy.encoder_id = found->encoder_id;
    give(std::move(copy), embedding);
    return Status::ok();
  });
}

samc_status samc_image_predictor_set_embedding(samc_image_predictor* predictor, const samc_embedding* embedding) {
  return border_of_one(predictor, "predictor", [&](samc_image_predictor& self) -> Status {
    self.predictor.reset();
    SAMC_NEED(embedding);
    const ImageEmbedding& given = embedding->embedding;
    ImageEmbedding copy;
    copy.high_res_feats_0 = Tensor::copy_of(given.high_res_feats_0.view());
    copy.high_res_feats_1 = Tensor::copy_of(given.high_res_feats_1.view());
    copy.image_embed = Tensor::copy_of(given.image_embed.view());
    copy.width = given.width;
    copy.height = given.height;
    copy.encoder_id = given.encoder_id;
    return self.predictor.set_embedding(std::move(copy));
  });
}

namespace {

constexpr int64_t kLongestExtent = 1 << 20;

Result<Tensor> copy_part(const float* data, const int64_t* shape, const char* name) {
  if (data == nullptr) return is_null(name);
  Shape extents(shape, shape + 4);
  for (const int64_t extent : extents)
    if (extent < 1 || extent > kLongestExtent)
      return usage_error(fmt::format("{} of the shape {}", name, shape_to_string(extents)));
  return Tensor::copy_of({DType::kF32, extents, data});
}

}  // namespace

samc_status samc_embedding_create(const samc_embedding_view* view, samc_embedding** embedding) {
  clear(embedding);
  return border([&]() -> Status {
    SAMC_NEED(view);
    SAMC_NEED(embedding);
    SAMC_ASSIGN(const samc_embedding_view given, read_options(view));
    ImageEmbedding made;
    SAMC_ASSIGN(made.high_res_feats_0,
                copy_part(given.high_res_feats_0, std::begin(given.high_res_feats_0_shape), "high_res_feats_0"));
    SAMC_ASSIGN(made.high_res_feats_1,
                copy_part(given.high_res_feats_1, std::begin(given.high_res_feats_1_shape), "high_res_feats_1"));
    SAMC_ASSIGN(made.image_embed, copy_part(given.image_embed, std::begin(given.image_embed_shape), "image_embed"));
    made.width = given.width;
    made.height = given.height;
    if (given.encoder_id != nullptr) made.encoder_id = given.encoder_id;
    give(std::move(made), embedding);
    return Status::ok();
  });
}

samc_status samc_embedding_get(const samc_embedding* embedding, samc_embedding_view* view) {
  return border([&]() -> Status {
    SAMC_NEED(embedding);
    SAMC_NEED(view);
    const ImageEmbedding& found = embedding->embedding;
    samc_embedding_view all{};
    all.high_res_feats_0 = found.high_res_feats_0.f32().data();
    all.high_res_feats_1 = found.high_res_feats_1.f32().data();
    all.image_embed = found.image_embed.f32().data();
    std::ranges::copy(found.high_res_feats_0.shape(), std::begin(all.high_res_feats_0_shape));
    std::ranges::copy(found.high_res_feats_1.shape(), std::begin(all.high_res_feats_1_shape));
    std::ranges::copy(found.image_embed.shape(), std::begin(all.image_embed_shape));
    all.width = found.width;
    all.height = found.height;
    all.encoder_id = found.encoder_id.c_str();
    return give_view(all, view);
  });
}

void samc_embedding_free(samc_embedding* embedding) { delete embedding; }
