/* Segments what lies at one point of an image, with libsamc alone: segment model.samc image.jpg X Y mask.png */
#include <samc/samc.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char** arguments) {
  if (count != 6) return fprintf(stderr, "usage: segment model.samc image.jpg X Y mask.png\n"), 2;
  samc_model* model = NULL;
  samc_picture* picture = NULL;
  samc_image_predictor* predictor = NULL;
  samc_masks* masks = NULL;
  uint8_t* grey = NULL;
  int code = 1;

  samc_image image;
  if (samc_model_load(arguments[1], 0, &model) != SAMC_OK) goto failed;
  if (samc_picture_read(arguments[2], &picture) != SAMC_OK) goto failed;
  if (samc_picture_get(picture, &image) != SAMC_OK) goto failed;
  if (samc_image_predictor_create(model, NULL, &predictor) != SAMC_OK) goto failed;
  if (samc_image_predictor_set_image(predictor, &image) != SAMC_OK) goto failed;

  const samc_point point = {strtof(arguments[3], NULL), strtof(arguments[4], NULL), 1};
  const samc_prompt prompt = {.points = &point, .point_count = 1};
  const samc_predict_options options = {.struct_size = sizeof options, .single_mask = 1};
  if (samc_image_predictor_predict(predictor, &prompt, 1, &options, &masks) != SAMC_OK) goto failed;

  samc_masks_view view = {.struct_size = sizeof view};
  if (samc_masks_get(masks, &view) != SAMC_OK) goto failed;
  const size_t pixels = (size_t)(view.width * view.height);
  if ((grey = malloc(pixels)) == NULL) goto done;
  for (size_t i = 0; i < pixels; ++i) grey[i] = view.binary[i] != 0 ? 255 : 0;
  if (samc_write_png(arguments[5], grey, view.width, view.height) != SAMC_OK) goto failed;
  printf("predicted IoU %.3f\n", (double)view.scores[0]);
  code = 0;
  goto done;

failed:
  fprintf(stderr, "segment: %s\n", samc_last_error());
done:
  free(grey);
  samc_masks_free(masks);
  samc_image_predictor_free(predictor);
  samc_picture_free(picture);
  samc_model_free(model);
  return code;
}
