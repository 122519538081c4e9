/* Segments what lies at one point of an image, with libsamc alone: segment model.samc image.jpg X Y mask.png */
#include <samc/samc.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char** arguments) {
  if (count != 6) return fprintf(stderr, "usage: segment model.samc image.jpg X Y mask.png\n"), 2;
  const samc_point point = {strtof(arguments[3], NULL), strtof(arguments[4], NULL), 1};
  const samc_prompt prompt = {.points = &point, .point_count = 1};
  const samc_predict_options options = {.struct_size = sizeof options, .single_mask = 1};
  samc_model* model = NULL;
  samc_picture* picture = NULL;
  samc_image_predictor* predictor = NULL;
  samc_masks* masks = NULL;
  uint8_t* grey = NULL;
  samc_image image;
  samc_masks_view view = {.struct_size = sizeof view};

  samc_status status = samc_model_load(arguments[1], 0, &model);
  if (status == SAMC_OK) status = samc_picture_read(arguments[2], &picture);
  if (status == SAMC_OK) status = samc_picture_get(picture, &image);
  if (status == SAMC_OK) status = samc_image_predictor_create(model, NULL, &predictor);
  if (status == SAMC_OK) status = samc_image_predictor_set_image(predictor, &image);
  if (status == SAMC_OK) status = samc_image_predictor_predict(predictor, &prompt, 1, &options, &masks);
  if (status == SAMC_OK) status = samc_masks_get(masks, &view);
  if (status == SAMC_OK) {
    const size_t pixels = (size_t)(view.width * view.height);
    grey = malloc(pixels); /* without memory samc_write_png() says that it is missing */
    for (size_t i = 0; grey != NULL && i < pixels; ++i) grey[i] = view.binary[i] != 0 ? 255 : 0;
    status = samc_write_png(arguments[5], grey, view.width, view.height);
  }
  if (status == SAMC_OK) printf("predicted IoU %.3f\n", (double)view.scores[0]);
  if (status != SAMC_OK) fprintf(stderr, "segment: %s\n", samc_last_error());
  free(grey);
  samc_masks_free(masks);
  samc_image_predictor_free(predictor);
  samc_picture_free(picture);
  samc_model_free(model);
  return status == SAMC_OK ? 0 : 1;
}
