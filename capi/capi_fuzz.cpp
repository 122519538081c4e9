// Any bytes as a sequence of calls of the C interface: wrong orders, sizes, indices, shapes and struct sizes give
// errors, and what is given can be read to its last byte.

#include <fuzzer/FuzzedDataProvider.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "capi/handles.h"
#include "runtime/testing_models.h"
#include "runtime/testing_video.h"

namespace {

constexpr int64_t kMostPixels = 1 << 12;

volatile float sum_of_all = 0;

template <class T>
void read_all(const T* values, int64_t count) {
  float sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<float>(values[i]);
  sum_of_all = sum;
}

// Mostly the right size.
template <class T>
T with_size(FuzzedDataProvider& input, T given) {
  given.struct_size =
      input.ConsumeIntegralInRange(0, 7) == 0 ? input.ConsumeIntegralInRange<size_t>(0, sizeof(T)) : sizeof(T);
  return given;
}

struct Prompt {
  explicit Prompt(FuzzedDataProvider& input) {
    for (int i = input.ConsumeIntegralInRange(0, 4); i > 0; --i)
      points.push_back({input.ConsumeFloatingPoint<float>(), input.ConsumeFloatingPoint<float>(),
                        input.ConsumeIntegralInRange<int32_t>(-2, 4)});
    box = {input.ConsumeFloatingPoint<float>(), input.ConsumeFloatingPoint<float>(),
           input.ConsumeFloatingPoint<float>(), input.ConsumeFloatingPoint<float>()};
    has_box = input.ConsumeBool();
    flags = input.ConsumeIntegral<uint8_t>();
    mask.assign(samc::kTinyModelLow * samc::kTinyModelLow, input.ConsumeFloatingPoint<float>());
  }
  samc_prompt image() const {
    return {points.data(), points.size(), has_box ? &box : nullptr, (flags & 1) != 0 ? mask.data() : nullptr};
  }
  samc_video_prompt video() const {
    return {points.data(), points.size(), has_box ? &box : nullptr, flags & 1, flags >> 1 & 1};
  }
  std::vector<samc_point> points;
  samc_box box{};
  bool has_box = false;
  int flags = 0;
  std::vector<float> mask;
};

// An image whose bytes are there, whatever it says of itself.
struct AnyImage {
  explicit AnyImage(FuzzedDataProvider& input) : bytes(kMostPixels * 3, input.ConsumeIntegral<uint8_t>()) {
    image.rgb = input.ConsumeIntegralInRange(0, 15) == 0 ? nullptr : bytes.data();
    image.width = input.ConsumeIntegralInRange<int64_t>(-1, 32);
    image.height = input.ConsumeIntegralInRange<int64_t>(-1, 32);
    image.stride = input.ConsumeBool() ? 0 : input.ConsumeIntegralInRange<int64_t>(-10, 128);
    if (image.width < 1 || image.height < 1) image.width = input.ConsumeIntegral<int64_t>() | 1 << 20;  // refused
  }
  std::vector<uint8_t> bytes;
  samc_image image{};
};

void look(const samc_masks* masks) {
  samc_masks_view view{};
  view.struct_size = sizeof view;
  SAMC_CHECK(samc_masks_get(masks, &view) == SAMC_OK, "{}", samc_last_error());
  const int64_t count = view.prompts * view.masks;
  if (view.binary != nullptr) read_all(view.binary, count * view.height * view.width);
  if (view.logits != nullptr) read_all(view.logits, count * view.height * view.width);
  read_all(view.scores, count);
  read_all(view.low_res_logits, count * view.low_size * view.low_size);
}

void look(const samc_automatic_masks* masks) {
  size_t count = 0;
  SAMC_CHECK(samc_automatic_masks_count(masks, &count) == SAMC_OK, "{}", samc_last_error());
  for (size_t place = 0; place <= count; ++place) {
    samc_automatic_mask_view view{};
    view.struct_size = sizeof view;
    const samc_status status = samc_automatic_masks_get(masks, place, &view);
    SAMC_CHECK((status == SAMC_OK) == (place < count), "mask {}: {}", place, samc_last_error());
    if (view.binary != nullptr) read_all(view.binary, view.height * view.width);
    if (view.runs != nullptr) read_all(view.runs, static_cast<int64_t>(view.run_count));
    if (view.coco_counts != nullptr) read_all(view.coco_counts, static_cast<int64_t>(std::strlen(view.coco_counts)));
  }
}

void look(const samc_video_masks* masks) {
  if (masks == nullptr) return;
  samc_video_masks_view view{};
  view.struct_size = sizeof view;
  SAMC_CHECK(samc_video_masks_get(masks, &view) == SAMC_OK, "{}", samc_last_error());
  read_all(view.logits, static_cast<int64_t>(view.object_count) * view.height * view.width);
  for (size_t place = 0; place <= view.object_count; ++place) {
    samc_object_view object{};
    object.struct_size = sizeof object;
    const samc_status status = samc_video_masks_get_object(masks, place, &object);
    SAMC_CHECK((status == SAMC_OK) == (place < view.object_count), "object {}: {}", place, samc_last_error());
    if (object.low_res_logits != nullptr) read_all(object.low_res_logits, object.low_size * object.low_size);
    if (object.object_pointer != nullptr) read_all(object.object_pointer, object.channels);
  }
}

samc_model& tiny_model() {
  static samc_model model{samc::Module::from_plan(samc::tiny_model_in_parts()).value()};
  return model;
}

// Any options, of few points so that a call takes milliseconds.
void use_automatic_masks(FuzzedDataProvider& input) {
  const std::array<float, 3> thresholds{input.ConsumeFloatingPoint<float>(), input.ConsumeFloatingPoint<float>(),
                                        input.ConsumeFloatingPoint<float>()};
  const std::array<double, 3> overlaps{input.ConsumeFloatingPoint<double>(), input.ConsumeFloatingPoint<double>(),
                                       input.ConsumeFloatingPointInRange(-0.1, 1.1)};
  const std::array<double, 4> points{input.ConsumeFloatingPoint<double>(), input.ConsumeFloatingPoint<double>(), 0.5,
                                     input.ConsumeFloatingPointInRange(0.0, 1.0)};
  const std::array<samc_point_grid, 2> grids{
      {{points.data(), input.ConsumeIntegralInRange<size_t>(0, 2)}, {points.data() + 2, 1}}};
  constexpr std::array<const char*, 5> kModes{nullptr, "binary_mask", "uncompressed_rle", "coco_rle", ""};
  const int given = input.ConsumeIntegral<uint8_t>();
  samc_automatic_masks_options options = with_size(input, samc_automatic_masks_options{});
  options.threads = 1;
  options.points_per_side = input.ConsumeIntegralInRange<int64_t>(-1, 4);
  options.points_per_batch = input.ConsumeIntegralInRange<int64_t>(-1, 4);
  if ((given & 1) != 0) options.pred_iou_thresh = &thresholds[0];
  if ((given & 2) != 0) options.stability_score_thresh = &thresholds[1];
  if ((given & 4) != 0) options.stability_score_offset = &thresholds[2];
  options.mask_threshold = input.ConsumeFloatingPointInRange(-300.0f, 300.0f);
  if ((given & 8) != 0) options.box_nms_thresh = &overlaps[0];
  options.crop_n_layers = input.ConsumeIntegralInRange<int64_t>(-1, 2);
  if ((given & 16) != 0) options.crop_nms_thresh = &overlaps[1];
  if ((given & 32) != 0) options.crop_overlap_ratio = &overlaps[2];
  options.crop_n_points_downscale_factor = input.ConsumeIntegralInRange<int64_t>(-1, 3);
  if ((given & 64) != 0) options.point_grids = grids.data();
  options.point_grid_count = input.ConsumeIntegralInRange<size_t>(0, 2);
  // 32 x 32 points, which is what nothing at all says, would take too long.
  if (options.points_per_side == 0 &&
      (options.struct_size < sizeof options || options.point_grids == nullptr || options.point_grid_count == 0))
    options.points_per_side = 2;
  options.min_mask_region_area = input.ConsumeIntegralInRange<int64_t>(-1, 30);
  options.output_mode = kModes[input.ConsumeIntegralInRange<size_t>(0, kModes.size() - 1)];
  options.use_m2m = input.ConsumeBool() ? 1 : 0;
  options.single_mask = input.ConsumeBool() ? 1 : 0;
  options.allow_nonfinite = input.ConsumeBool() ? 1 : 0;
  samc_automatic_masks_generator* generator = nullptr;
  if (samc_automatic_masks_generator_create(&tiny_model(), &options, &generator) != SAMC_OK) return;
  const AnyImage image(input);
  samc_automatic_masks* masks = nullptr;
  if (samc_automatic_masks_generate(generator, &image.image, nullptr, nullptr, &masks) == SAMC_OK) look(masks);
  samc_automatic_masks_free(masks);
  samc_automatic_masks_generator_free(generator);
}

void use_images(FuzzedDataProvider& input) {
  samc_image_predictor_options options = with_size(input, samc_image_predictor_options{});
  options.threads = 1;
  options.max_hole_area = input.ConsumeFloatingPointInRange(-1.0, 4.0);
  samc_image_predictor* predictor = nullptr;
  if (samc_image_predictor_create(&tiny_model(), &options, &predictor) != SAMC_OK) return;
  samc_embedding* embedding = nullptr;
  while (input.remaining_bytes() > 0) switch (input.ConsumeIntegralInRange(0, 6)) {
      case 0: {
        const AnyImage first(input), second(input);
        const std::array<samc_image, 2> images{first.image, second.image};
        (void)samc_image_predictor_set_images(predictor, images.data(), input.ConsumeIntegralInRange<size_t>(0, 2));
        break;
      }
      case 1: {
        const Prompt first(input), second(input);
        const std::array<samc_prompt, 2> prompts{first.image(), second.image()};
        samc_predict_options wanted = with_size(input, samc_predict_options{});
        wanted.single_mask = input.ConsumeBool() ? 1 : 0;
        wanted.return_logits = input.ConsumeBool() ? 1 : 0;
        wanted.coordinates_are_normalized = input.ConsumeBool() ? 1 : 0;
        wanted.image = input.ConsumeIntegralInRange<size_t>(0, 2);
        samc_masks* masks = nullptr;
        const size_t count = input.ConsumeIntegralInRange<size_t>(0, 2);
        if (samc_image_predictor_predict(predictor, prompts.data(), count, &wanted, &masks) == SAMC_OK) look(masks);
        samc_masks_free(masks);
        break;
      }
      case 2:
        samc_embedding_free(embedding);
        (void)samc_image_predictor_get_embedding(predictor, input.ConsumeIntegralInRange<size_t>(0, 2), &embedding);
        break;
      case 3: {
        samc_embedding_view view{};
        view.struct_size = sizeof view;
        if (samc_embedding_get(embedding, &view) != SAMC_OK) break;
        view.width = input.ConsumeIntegralInRange<int64_t>(-1, 40);
        view.image_embed_shape[input.ConsumeIntegralInRange<size_t>(0, 3)] =
            input.ConsumeIntegralInRange<int64_t>(-1, 1);
        samc_embedding* changed = nullptr;
        if (samc_embedding_create(&view, &changed) == SAMC_OK)
          (void)samc_image_predictor_set_embedding(predictor, changed);
        samc_embedding_free(changed);
        break;
      }
      case 4:
        (void)samc_image_predictor_set_embedding(predictor, embedding);
        break;
      case 5: {
        const AnyImage only(input);
        (void)samc_image_predictor_set_image(predictor, &only.image);
        break;
      }
      default:
        (void)samc_image_predictor_reset(predictor);
    }
  samc_embedding_free(embedding);
  samc_image_predictor_free(predictor);
}

constexpr int64_t kFrames = 4;

int read_frame(void* context, int64_t frame, samc_image* image) {
  auto* bytes = static_cast<std::vector<uint8_t>*>(context);
  if (bytes->front() == 255 && frame == 2) return 1;
  *image = {bytes->data() + frame, 16, 12, 0};
  return 0;
}

void use_video(FuzzedDataProvider& input) {
  auto made = samc::VideoPredictor::create(
      std::make_unique<samc::FakeVideoModel>(samc::VideoFacts{}, std::make_shared<samc::FakeLog>(), 1000), {});
  auto* predictor = new samc_video_predictor{std::make_shared<samc_tracked_video>(std::move(made).value())};
  std::vector<uint8_t> bytes(16 * 12 * 3 + kFrames, input.ConsumeIntegral<uint8_t>());
  samc_propagation* propagation = nullptr;
  for (int calls = 0; calls < 30 && input.remaining_bytes() > 0; ++calls) {
    samc_video_masks* masks = nullptr;
    const auto frame = input.ConsumeIntegralInRange<int64_t>(-1, kFrames);
    const auto object = input.ConsumeIntegralInRange<int64_t>(-1, 2);
    switch (input.ConsumeIntegralInRange(0, 9)) {
      case 0: {
        const samc_frame_source source{frame, 16, 12, &bytes, read_frame, nullptr};
        (void)samc_video_predictor_init(predictor, &source);
        break;
      }
      case 1:
        (void)samc_video_predictor_add_points_or_box(predictor, frame, object, nullptr, &masks);
        break;
      case 2: {
        const Prompt prompt(input);
        const samc_video_prompt wanted = prompt.video();
        (void)samc_video_predictor_add_points_or_box(predictor, frame, object, &wanted, &masks);
        break;
      }
      case 3:
        (void)samc_video_predictor_add_mask(predictor, frame, object, bytes.data(),
                                            input.ConsumeIntegralInRange<int64_t>(-1, 16),
                                            input.ConsumeIntegralInRange<int64_t>(-1, 12), &masks);
        break;
      case 4:
        (void)samc_video_predictor_clear_prompts_in_frame(predictor, frame, object, &masks);
        break;
      case 5:
        (void)samc_video_predictor_remove_object(predictor, object, input.ConsumeBool() ? 1 : 0);
        break;
      case 6: {
        samc_propagation_free(propagation);
        samc_propagate_options options = with_size(input, samc_propagate_options{});
        options.start_frame = input.ConsumeBool() ? &frame : nullptr;
        options.max_frames = input.ConsumeBool() ? &object : nullptr;
        options.reverse = input.ConsumeBool() ? 1 : 0;
        (void)samc_video_predictor_propagate(predictor, &options, &propagation);
        break;
      }
      case 7:
        (void)samc_propagation_next(propagation, &masks);
        break;
      case 8: {
        std::array<int64_t, 2> ids{};
        size_t count = 0;
        const size_t room = input.ConsumeIntegralInRange<size_t>(0, ids.size());
        if (samc_video_predictor_objects(predictor, ids.data(), room, &count) == SAMC_OK)
          read_all(ids.data(), static_cast<int64_t>(std::min(room, count)));
        break;
      }
      default:
        (void)samc_video_predictor_reset(predictor);
    }
    look(masks);
    samc_video_masks_free(masks);
  }
  samc_video_predictor_free(predictor);
  samc_propagation_free(propagation);
}

void use_stream(FuzzedDataProvider& input) {
  auto made = samc::VideoStream::create(
      std::make_unique<samc::FakeVideoModel>(samc::VideoFacts{}, std::make_shared<samc::FakeLog>(), 1000), {},
      {.num_frames = input.ConsumeIntegralInRange<int64_t>(0, 3)});
  auto* stream = std::make_unique<samc_video_stream>(std::move(made).value()).release();
  const std::vector<uint8_t> mask(16 * 12, input.ConsumeIntegral<uint8_t>());
  for (int calls = 0; calls < 30 && input.remaining_bytes() > 0; ++calls) {
    samc_video_masks* masks = nullptr;
    const auto object = input.ConsumeIntegralInRange<int64_t>(-1, 2);
    switch (input.ConsumeIntegralInRange(0, 7)) {
      case 0:
      case 1: {  // more often than the others, so that frames follow on prompts
        AnyImage frame(input);
        if (input.ConsumeIntegralInRange(0, 3) != 0) frame.image = {frame.bytes.data(), 16, 12, 0};
        (void)samc_video_stream_push(stream, &frame.image, &masks);
        break;
      }
      case 2:
        (void)samc_video_stream_add_points_or_box(stream, object, nullptr, &masks);
        break;
      case 3: {
        const Prompt prompt(input);
        const samc_video_prompt wanted = prompt.video();
        (void)samc_video_stream_add_points_or_box(stream, object, &wanted, &masks);
        break;
      }
      case 4:
        (void)samc_video_stream_add_mask(stream, object, mask.data(), input.ConsumeIntegralInRange<int64_t>(-1, 16),
                                         input.ConsumeIntegralInRange<int64_t>(-1, 12), &masks);
        break;
      case 5:
        (void)samc_video_stream_clear_prompts(stream, object, &masks);
        break;
      case 6:
        (void)samc_video_stream_remove_object(stream, object, &masks);
        break;
      default:
        (void)samc_video_stream_reset(stream);
    }
    look(masks);
    samc_video_masks_free(masks);
  }
  samc_video_stream_free(stream);
}

// Any bytes as a file, which is an image or a model or neither; and a model that cannot track.
void use_files(FuzzedDataProvider& input) {
  samc_model_info info = with_size(input, samc_model_info{});
  (void)samc_model_get_info(&tiny_model(), &info);
  const samc_video_options options = with_size(input, samc_video_options{});
  samc_video_predictor* predictor = nullptr;
  samc_video_stream* stream = nullptr;
  (void)samc_video_predictor_create(&tiny_model(), &options, &predictor);
  (void)samc_video_stream_create(&tiny_model(), &options, input.ConsumeIntegralInRange<int64_t>(-1, 1), &stream);
  samc_video_predictor_free(predictor);
  samc_video_stream_free(stream);

  const std::string bytes = input.ConsumeRemainingBytesAsString();
  const int file = memfd_create("fuzz", 0);
  SAMC_CHECK(file >= 0 && write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "no memory");
  const std::string path = fmt::format("/proc/self/fd/{}", file);
  samc_picture* picture = nullptr;
  samc_image image{};
  if (samc_picture_read(path.c_str(), &picture) == SAMC_OK && samc_picture_get(picture, &image) == SAMC_OK)
    read_all(image.rgb, image.height * image.stride);
  samc_picture_free(picture);
  samc_model* model = nullptr;
  if (samc_model_load(path.c_str(), 1, &model) == SAMC_OK) (void)samc_model_get_info(model, &info);
  samc_model_free(model);
  close(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  switch (input.ConsumeIntegralInRange(0, 4)) {
    case 0:
      use_images(input);
      break;
    case 1:
      use_video(input);
      break;
    case 2:
      use_stream(input);
      break;
    case 3:
      use_files(input);
      break;
    default:
      use_automatic_masks(input);
  }
  return 0;
}
