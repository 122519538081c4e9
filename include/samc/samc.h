/* The C interface of samc: segments images and tracks objects through videos with compiled SAM 2 models. C11.
 *
 *   samc_model *model = NULL;
 *   samc_image_predictor *predictor = NULL;
 *   if (samc_model_load("tiny.samc", 0, &model) != SAMC_OK) puts(samc_last_error());
 *   ...
 *
 * examples/segment.c is a whole program. Link with -lsamc (pkg-config samc; in CMake samc::samc).
 *
 * What holds for every function:
 *
 * Errors. A samc_status that is not SAMC_OK says what kind of fault it was. samc_last_error() has one line for people.
 * NULL where something is needed, a number out of its range and a call at the wrong time are SAMC_ERROR_USAGE or
 * SAMC_ERROR_INPUT, never a crash. No C++ exception comes out. A function that fails sets its results to NULL.
 *
 * Memory. What a function gives through a `**` argument belongs to the caller, who frees it with the function named
 * after its type; NULL is freed without effect. What is reached through a view struct belongs to the object that was
 * looked at, and is there until that is freed. What the caller passes is read during the call and not kept, unless the
 * function says so. Objects may be freed in any order: a predictor keeps its model alive.
 *
 * Threads. Every function may be called from any thread. A samc_model and all results may be used by several threads at
 * once. A predictor, a generator, a stream, a propagation serves one thread at a time: a second one that calls
 * meanwhile gets SAMC_ERROR_USAGE and changes nothing. Any number of predictors may share a model, each on a thread of
 * its own. Nothing may be used while another thread frees it.
 *
 * Structs. struct_size is sizeof the struct, by which a newer library knows an older caller. In structs of options all
 * other fields may be 0, which is what the official code takes where it is told nothing:
 *     samc_predict_options options = {.struct_size = sizeof options, .single_mask = 1};
 * NULL for options means the same as 0 everywhere.
 *
 * Units. Points and boxes are pixels of the image, x to the right and y down from its upper left corner. Images are
 * rows of RGB bytes. Arrays are dense, in C order. Logits are f32: above 0 is mask. `size` below is the side of the
 * square that the model sees (1024 for SAM 2), `low` a quarter of it (256).
 */
#ifndef SAMC_SAMC_H
#define SAMC_SAMC_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SAMC_API __attribute__((visibility("default")))
#else
#define SAMC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum samc_status {
  SAMC_OK = 0,
  SAMC_ERROR_INPUT = 1,       /* a file or value is at fault */
  SAMC_ERROR_USAGE = 2,       /* the call is at fault: NULL, a wrong struct_size, a predictor that is in use */
  SAMC_ERROR_UNSUPPORTED = 3, /* well-formed, but nothing that this samc does */
  SAMC_ERROR_IO = 4,          /* the operating system refused: no such file, disk full */
  SAMC_ERROR_MEMORY = 5,      /* memory is missing, or the limit of it is reached */
  SAMC_ERROR_INTERRUPTED = 6,
  SAMC_ERROR_INTERNAL = 7 /* a fault of samc's; please report it */
} samc_status;

/* ---- The library ------------------------------------------------------------------------------------------------ */

/* "0.2.0". Static. */
SAMC_API const char* samc_version(void);

/* 1 if samc_compile() works in this library, 0 if it was built to run models only. */
SAMC_API int samc_has_compiler(void);

/* What the last call of this thread that failed said: "what and where; what to do". Never NULL; "" where none failed.
 * Valid until the thread's next call that fails. */
SAMC_API const char* samc_last_error(void);

/* The most bytes that tensors, arenas, results and decoded images of this process may take together; 0: nine tenths of
 * what machine and container have, which is the default. */
SAMC_API samc_status samc_set_memory_limit(int64_t bytes);

/* ---- Images ------------------------------------------------------------------------------------------------------ */

/* An image in the caller's memory. */
typedef struct samc_image {
  const uint8_t* rgb; /* (height, width, 3) */
  int64_t width;      /* pixels */
  int64_t height;     /* pixels */
  int64_t stride;     /* bytes from one row to the next; 0: 3 * width */
} samc_image;

/* An image in samc's memory. */
typedef struct samc_picture samc_picture;

/* Reads a JPEG or PNG, and turns it upright as its EXIF says. Errors: SAMC_ERROR_IO, SAMC_ERROR_INPUT (no image,
 * damaged, more than 178,956,970 pixels). */
SAMC_API samc_status samc_picture_read(const char* path, samc_picture** picture);
/* image: gets the pixels, which are there until the picture is freed. */
SAMC_API samc_status samc_picture_get(const samc_picture* picture, samc_image* image);
SAMC_API void samc_picture_free(samc_picture* picture);

/* Writes bytes (height, width) as a grey PNG, whole or not at all. A binary mask is seen better times 255. */
SAMC_API samc_status samc_write_png(const char* path, const uint8_t* grey, int64_t width, int64_t height);

/* ---- Models ------------------------------------------------------------------------------------------------------ */

/* A compiled model, loaded and checked. Immutable. */
typedef struct samc_model samc_model;

typedef struct samc_model_info {
  size_t struct_size;   /* set before the call */
  const char* name;     /* "sam2.1_hiera_tiny"; of the model */
  int64_t image_size;   /* size */
  int64_t low_size;     /* low */
  float mask_threshold; /* logits above it are mask */
  int has_video;        /* 1 if samc_video_predictor and samc_video_stream can use it */
} samc_model_info;

/* Loads a .samc file, which is mapped: nobody may write over it in place while it is in use (renaming another over it
 * is safe). threads: that share the checksums; 0: one for each core. */
SAMC_API samc_status samc_model_load(const char* path, int threads, samc_model** model);
SAMC_API samc_status samc_model_get_info(const samc_model* model, samc_model_info* info);
SAMC_API void samc_model_free(samc_model* model);

typedef struct samc_compile_options {
  size_t struct_size;
  const char* config;    /* of a checkpoint: official-format YAML; NULL: beside it, or recognised by its tensors */
  int64_t image_size;    /* of a checkpoint: size, instead of the config's; 0: the config's */
  const char* precision; /* "f32", "bf16" or "int8"; NULL: "f32" */
} samc_compile_options;

/* Compiles a checkpoint (.pt), or a folder with encoder.onnx and decoder.onnx, to a .samc file: about a second. One
 * call at a time takes part of the memory that the model has as f32. Errors: SAMC_ERROR_UNSUPPORTED where
 * samc_has_compiler() is 0. In this function alone the process ends, with a line on standard error, where the system
 * gives no memory at all to the compiler's IR: whoever cannot have that compiles beforehand, or in a process of its
 * own. */
SAMC_API samc_status samc_compile(const char* model, const samc_compile_options* options, const char* output);

/* ---- Prompts ----------------------------------------------------------------------------------------------------- */

typedef struct samc_point {
  float x, y;    /* may lie outside of the image; not NaN */
  int32_t label; /* 1 object, 0 background; also -1 no point, 2 and 3 upper left and lower right corner of a box */
} samc_point;

typedef struct samc_box {
  float x0, y0; /* upper left */
  float x1, y1; /* lower right */
} samc_box;

/* What names one object: any mixture, or nothing at all. */
typedef struct samc_prompt {
  const samc_point* points; /* point_count; may be NULL if that is 0 */
  size_t point_count;       /* at most 4095, where a box counts as two */
  const samc_box* box;      /* NULL: none */
  const float* mask;        /* (low, low) logits of an earlier call; NULL: none */
} samc_prompt;

/* ---- Segmenting images: SAM2ImagePredictor ----------------------------------------------------------------------- */

typedef struct samc_image_predictor samc_image_predictor;

typedef struct samc_image_predictor_options {
  size_t struct_size;
  int threads;                 /* 0: one for each core that the process may use */
  const float* mask_threshold; /* logits above it are mask; NULL: the model's */
  double max_hole_area;        /* low-res pixels: holes of at most so many are filled; 0: none */
  double max_sprinkle_area;    /* low-res pixels: regions of at most so many are removed; 0: none */
} samc_image_predictor_options;

SAMC_API samc_status samc_image_predictor_create(const samc_model* model, const samc_image_predictor_options* options,
                                                 samc_image_predictor** predictor);
SAMC_API void samc_image_predictor_free(samc_image_predictor* predictor);

/* Runs the image encoder. Replaces the images that were set before, also when it fails. The pixels are not needed
 * afterwards. */
SAMC_API samc_status samc_image_predictor_set_image(samc_image_predictor* predictor, const samc_image* image);
/* The same for several images, of any sizes. */
SAMC_API samc_status samc_image_predictor_set_images(samc_image_predictor* predictor, const samc_image* images,
                                                     size_t count);
/* Forgets the images. */
SAMC_API samc_status samc_image_predictor_reset(samc_image_predictor* predictor);

typedef struct samc_predict_options {
  size_t struct_size;
  int single_mask;                /* 1: one mask for each prompt; 0: three, in the model's order, not by score */
  int return_logits;              /* 1: masks as logits; 0: as bytes of 0 and 1 */
  int coordinates_are_normalized; /* 1: coordinates are in [0, 1] of width and height; 0: in pixels */
  size_t image;                   /* which of the images that are set */
} samc_predict_options;

/* Masks of one call of samc_image_predictor_predict(). */
typedef struct samc_masks samc_masks;

typedef struct samc_masks_view {
  size_t struct_size;          /* set before the call */
  int64_t prompts;             /* as given */
  int64_t masks;               /* of each prompt: 3, or 1 */
  int64_t width, height;       /* of the image */
  int64_t low_size;            /* low */
  const uint8_t* binary;       /* (prompts, masks, height, width) of 0 and 1; NULL with return_logits */
  const float* logits;         /* (prompts, masks, height, width); NULL without */
  const float* scores;         /* (prompts, masks): the model's guess of each mask's IoU */
  const float* low_res_logits; /* (prompts, masks, low, low), in [-32, 32]: samc_prompt.mask of a later call */
} samc_masks_view;

/* Masks for each of count prompts (at least 1). Prompts are independent of each other. */
SAMC_API samc_status samc_image_predictor_predict(samc_image_predictor* predictor, const samc_prompt* prompts,
                                                  size_t count, const samc_predict_options* options,
                                                  samc_masks** masks);
SAMC_API samc_status samc_masks_get(const samc_masks* masks, samc_masks_view* view);
SAMC_API void samc_masks_free(samc_masks* masks);

/* What the image encoder makes of an image: all that predicting needs of it. */
typedef struct samc_embedding samc_embedding;

typedef struct samc_embedding_view {
  size_t struct_size;            /* set before the call */
  const float* high_res_feats_0; /* shapes, each (1, channels, height, width): */
  const float* high_res_feats_1;
  const float* image_embed;
  int64_t high_res_feats_0_shape[4]; /* (1, 32, 256, 256) for SAM 2 */
  int64_t high_res_feats_1_shape[4]; /* (1, 64, 128, 128) */
  int64_t image_embed_shape[4];      /* (1, 256, 64, 64) */
  int64_t width, height;             /* of the image, pixels */
  const char* encoder_id;            /* what made it; "" or NULL: not known, and then not compared */
} samc_embedding_view;

/* A copy of the embedding of an image that is set. */
SAMC_API samc_status samc_image_predictor_get_embedding(samc_image_predictor* predictor, size_t image,
                                                        samc_embedding** embedding);
/* Takes it instead of an image, without running the encoder. Errors: another model's. */
SAMC_API samc_status samc_image_predictor_set_embedding(samc_image_predictor* predictor,
                                                        const samc_embedding* embedding);
/* A copy of what the view names: an embedding that was kept elsewhere. */
SAMC_API samc_status samc_embedding_create(const samc_embedding_view* view, samc_embedding** embedding);
SAMC_API samc_status samc_embedding_get(const samc_embedding* embedding, samc_embedding_view* view);
SAMC_API void samc_embedding_free(samc_embedding* embedding);

/* ---- Masks of everything in an image: SAM2AutomaticMaskGenerator ------------------------------------------------- */

/* Asks for a grid of points, and keeps the masks that are good, stable and no duplicates. */
typedef struct samc_automatic_masks_generator samc_automatic_masks_generator;

/* Where points are asked for. */
typedef struct samc_point_grid {
  const double* points; /* (count, 2): x, y in [0, 1] of the width and height of a crop; may be NULL if count is 0 */
  size_t count;
} samc_point_grid;

/* The options have the names and the meaning of the official ones. */
typedef struct samc_automatic_masks_options {
  size_t struct_size;
  int threads;                         /* 0: one for each core that the process may use */
  int64_t points_per_side;             /* points_per_side^2 points over the image; 0: 32, or what point_grids says */
  int64_t points_per_batch;            /* so many are decoded together at most; changes no mask; 0: 64 */
  const float* pred_iou_thresh;        /* masks of more quality, as the model guesses it, are kept; 0: all; NULL: 0.8 */
  const float* stability_score_thresh; /* masks of at least this stability are kept; 0: all; NULL: 0.95 */
  const float* stability_score_offset; /* logits: stability compares mask_threshold + and - this; NULL: 1 */
  float mask_threshold;                /* logits above it are mask */
  const double* box_nms_thresh;        /* of masks whose boxes overlap more (IoU) the better one is kept; NULL: 0.7 */
  int64_t crop_n_layers;               /* also looks at crops: 4 in layer 1, 16 in layer 2; at most 6; 0: the image */
  const double* crop_nms_thresh;       /* the same between crops: the mask of the smaller crop is kept; NULL: 0.7 */
  const double* crop_overlap_ratio;    /* of crops, as a part of the shorter side, in [0, 1]; NULL: 512 / 1500 */
  int64_t crop_n_points_downscale_factor; /* each further layer has so many times fewer points a side; 0: 1 */
  const samc_point_grid* point_grids;     /* (point_grid_count), one a layer, instead of points_per_side; copied */
  size_t point_grid_count;                /* 0: none, or at least crop_n_layers + 1 */
  int64_t min_mask_region_area; /* pixels of the image: smaller holes are filled, smaller islands removed; 0: none */
  const char* output_mode;      /* "binary_mask", "uncompressed_rle" or "coco_rle"; NULL: "binary_mask" */
  int use_m2m;                  /* 1: each mask is given back to the model once; about four times the work */
  int single_mask;              /* 1: one mask for each point; 0: three */
  int allow_nonfinite;          /* 1: takes NaN and infinite values of the model; 0: they are SAMC_ERROR_INPUT */
} samc_automatic_masks_options;

/* Errors: options that contradict each other or are out of their range. */
SAMC_API samc_status samc_automatic_masks_generator_create(const samc_model* model,
                                                           const samc_automatic_masks_options* options,
                                                           samc_automatic_masks_generator** generator);
SAMC_API void samc_automatic_masks_generator_free(samc_automatic_masks_generator* generator);

/* The masks of one image. */
typedef struct samc_automatic_masks samc_automatic_masks;

/* Told of points that are done, and of all there are, in all crops; in the thread that called, which must not free the
 * generator in it. */
typedef void (*samc_automatic_masks_progress)(void* context, int64_t done, int64_t all);

/* The best mask first; with crops, those of the smallest crops first. Encodes the image, and each crop; the pixels are
 * not needed afterwards. progress: NULL: none. */
SAMC_API samc_status samc_automatic_masks_generate(samc_automatic_masks_generator* generator, const samc_image* image,
                                                   samc_automatic_masks_progress progress, void* context,
                                                   samc_automatic_masks** masks);
/* Sets *count to the number of masks, which may be 0. */
SAMC_API samc_status samc_automatic_masks_count(const samc_automatic_masks* masks, size_t* count);

/* One mask: one of binary, runs and coco_counts is there, as output_mode says. */
typedef struct samc_automatic_mask_view {
  size_t struct_size;    /* set before the call */
  int64_t width, height; /* of the image, pixels */
  const uint8_t* binary; /* (height, width) of 0 and 1 */
  const uint32_t* runs;  /* (run_count): pixels down the columns, left to right: off, on, off ...; the first may be 0 */
  size_t run_count;      /* 0 without runs */
  const char* coco_counts; /* the same runs as COCO's compressed text */
  int64_t area;            /* pixels */
  float bbox[4];           /* x, y, width, height; from the first to the last pixel: 0 wide if the mask is one pixel */
  float predicted_iou;     /* the model's guess of the mask's quality */
  float point_coords[2];   /* x, y of the point that was asked for */
  float stability_score;
  float crop_box[4]; /* x, y, width, height of the crop that it was found in */
} samc_automatic_mask_view;

/* The mask at this place of the list. */
SAMC_API samc_status samc_automatic_masks_get(const samc_automatic_masks* masks, size_t place,
                                              samc_automatic_mask_view* view);
SAMC_API void samc_automatic_masks_free(samc_automatic_masks* masks);

/* ---- Tracking through videos: SAM2VideoPredictor ----------------------------------------------------------------- */

typedef struct samc_video_options {
  size_t struct_size;
  int threads; /* 0: one for each core that the process may use */
  int64_t
      fill_hole_area; /* low-res pixels: holes of at most so many become mask; 0: 8, as the official code; -1: none */
  int non_overlap_masks;                 /* 1: where several objects claim a pixel, the greatest logit wins */
  int clear_non_cond_mem_around_input;   /* 1: a prompt makes an object forget its tracked frames around it */
  int add_all_frames_to_correct_as_cond; /* 1: a prompt on a tracked frame makes it a conditioning frame */
  int64_t max_conditioning_frames;       /* of an object, that take part; at least 2; 0: what the model says */
} samc_video_options;

/* Points, a box, or both, of one object on one frame. */
typedef struct samc_video_prompt {
  const samc_point* points; /* point_count; may be NULL if that is 0 */
  size_t point_count;
  const samc_box* box;            /* NULL: none */
  int keep_old_points;            /* 1: adds to the object's points on this frame; not with a box */
  int coordinates_are_normalized; /* 1: coordinates are in [0, 1] of width and height; 0: in pixels */
} samc_video_prompt;

/* The masks of one frame. */
typedef struct samc_video_masks samc_video_masks;

typedef struct samc_video_masks_view {
  size_t struct_size;     /* set before the call */
  int64_t frame;          /* counted from 0 */
  size_t object_count;    /* may be 0 */
  int64_t width, height;  /* of the video */
  const int64_t* objects; /* (object_count): their ids, in the order in which they were added */
  const float* logits;    /* (object_count, height, width) */
} samc_video_masks_view;

typedef struct samc_object_view {
  size_t struct_size;          /* set before the call */
  int64_t low_size;            /* low */
  int64_t channels;            /* of the pointer */
  const float* low_res_logits; /* (low, low); NULL, as the others, where the object has no result on the frame */
  const float* object_score;   /* (1): a logit, above 0 where the object is seen */
  const float* object_pointer; /* (channels) */
} samc_object_view;

SAMC_API samc_status samc_video_masks_get(const samc_video_masks* masks, samc_video_masks_view* view);
/* What the model says of the object at this place of the list. */
SAMC_API samc_status samc_video_masks_get_object(const samc_video_masks* masks, size_t place, samc_object_view* view);
SAMC_API void samc_video_masks_free(samc_video_masks* masks);

typedef struct samc_video_predictor samc_video_predictor;

/* Errors: a model without has_video. */
SAMC_API samc_status samc_video_predictor_create(const samc_model* model, const samc_video_options* options,
                                                 samc_video_predictor** predictor);
SAMC_API void samc_video_predictor_free(samc_video_predictor* predictor);

/* Where frames come from. read() gives one of count frames, each width x height, in image; its pixels must stay until
 * the next call of read() or release(). It returns 0, or anything else for an error. Frames are asked for in the order
 * of tracking, and again where a prompt or a second direction needs them; on the thread that calls the predictor. It
 * may not call that predictor, throw or longjmp. release() may be NULL; it is called once, when the video is not needed
 * any more, also when init fails. */
typedef struct samc_frame_source {
  int64_t count;
  int64_t width, height;
  void* context;
  int (*read)(void* context, int64_t frame, samc_image* image);
  void (*release)(void* context);
} samc_frame_source;

/* Begins a video; forgets the one before. */
SAMC_API samc_status samc_video_predictor_init(samc_video_predictor* predictor, const samc_frame_source* frames);
/* The same for a folder of JPEGs and PNGs of one size, in the order of the numbers in their names; or for a video file,
 * where FFmpeg's libraries are installed. */
SAMC_API samc_status samc_video_predictor_init_path(samc_video_predictor* predictor, const char* path);

/* Prompts one object on one frame, and gives the masks of all objects on it. An id that is new is a new object. */
SAMC_API samc_status samc_video_predictor_add_points_or_box(samc_video_predictor* predictor, int64_t frame,
                                                            int64_t object, const samc_video_prompt* prompt,
                                                            samc_video_masks** masks);
/* mask: (height, width) bytes of any size, not 0 where the object is. */
SAMC_API samc_status samc_video_predictor_add_mask(samc_video_predictor* predictor, int64_t frame, int64_t object,
                                                   const uint8_t* mask, int64_t width, int64_t height,
                                                   samc_video_masks** masks);
/* Takes an object's prompts on a frame back, and gives the frame's masks. */
SAMC_API samc_status samc_video_predictor_clear_prompts_in_frame(samc_video_predictor* predictor, int64_t frame,
                                                                 int64_t object, samc_video_masks** masks);
/* Forgets an object. strict 1: one that is not there is an error; 0: nothing happens. */
SAMC_API samc_status samc_video_predictor_remove_object(samc_video_predictor* predictor, int64_t object, int strict);
/* Forgets all objects, prompts and results; the video stays. */
SAMC_API samc_status samc_video_predictor_reset(samc_video_predictor* predictor);
/* Sets *count to the number of objects, and up to capacity of ids to their ids. ids may be NULL if capacity is 0. */
SAMC_API samc_status samc_video_predictor_objects(samc_video_predictor* predictor, int64_t* ids, size_t capacity,
                                                  size_t* count);

typedef struct samc_propagate_options {
  size_t struct_size;
  const int64_t* start_frame; /* NULL: the earliest that is prompted */
  const int64_t* max_frames;  /* beyond the first; NULL: all */
  int reverse;                /* 1: from the start frame backwards */
} samc_propagate_options;

/* Tracking that goes on frame by frame. Keeps its predictor alive, and counts as a use of it. */
typedef struct samc_propagation samc_propagation;

/* Begins to track all objects. Errors: no object, no such frame. */
SAMC_API samc_status samc_video_predictor_propagate(samc_video_predictor* predictor,
                                                    const samc_propagate_options* options,
                                                    samc_propagation** propagation);
/* The next frame's masks; NULL, with SAMC_OK, when all are done. A call that fails may be repeated. After a change of
 * the prompts it fails: begin a new propagation. Stopping earlier needs no call but that which frees. */
SAMC_API samc_status samc_propagation_next(samc_propagation* propagation, samc_video_masks** masks);
SAMC_API void samc_propagation_free(samc_propagation* propagation);

/* ---- Tracking through a stream: one frame after the other, in bounded memory ------------------------------------- */

typedef struct samc_video_stream samc_video_stream;

/* frames: how many will come, where that is known; 0: not known. */
SAMC_API samc_status samc_video_stream_create(const samc_model* model, const samc_video_options* options,
                                              int64_t frames, samc_video_stream** stream);
SAMC_API void samc_video_stream_free(samc_video_stream* stream);
/* Tracks all objects into the next frame and gives their masks. When it fails the frame may be pushed again. */
SAMC_API samc_status samc_video_stream_push(samc_video_stream* stream, const samc_image* frame,
                                            samc_video_masks** masks);
/* As those of samc_video_predictor, on the frame that was pushed last. */
SAMC_API samc_status samc_video_stream_add_points_or_box(samc_video_stream* stream, int64_t object,
                                                         const samc_video_prompt* prompt, samc_video_masks** masks);
SAMC_API samc_status samc_video_stream_add_mask(samc_video_stream* stream, int64_t object, const uint8_t* mask,
                                                int64_t width, int64_t height, samc_video_masks** masks);
SAMC_API samc_status samc_video_stream_clear_prompts(samc_video_stream* stream, int64_t object,
                                                     samc_video_masks** masks);
SAMC_API samc_status samc_video_stream_remove_object(samc_video_stream* stream, int64_t object,
                                                     samc_video_masks** masks);
/* Forgets objects and frames; the next frame is frame 0 and may have another size. */
SAMC_API samc_status samc_video_stream_reset(samc_video_stream* stream);

#ifdef __cplusplus
}
#endif

#endif
