// VideoPredictor: one video with its prompts and results.

#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <tuple>

#include "app/whole_video.h"
#include "python/src/module.h"
#include "python/src/support.h"
#include "runtime/video_predictor.h"

namespace samc::python {
namespace {

// frame, ids of the objects, f32 (objects, 1, height, width)
using Masks = std::tuple<int64_t, std::vector<int64_t>, nb::ndarray<nb::numpy, float>>;

// Frames in arrays, which are held.
class ArrayFrames : public VideoFrames {
 public:
  explicit ArrayFrames(std::vector<ByteImage> arrays) : arrays_(std::move(arrays)) {
    for (const ByteImage& array : arrays_) {
      views_.push_back(view_of(array));
      if (views_.back().width != views_[0].width || views_.back().height != views_[0].height)
        raise(invalid_input(fmt::format("frame {} has {} x {} pixels, frame 0 {} x {}", views_.size() - 1,
                                        views_.back().width, views_.back().height, views_[0].width, views_[0].height)));
    }
    if (views_.empty()) raise(invalid_input("no frames"));
  }
  int64_t count() const override { return static_cast<int64_t>(views_.size()); }
  int64_t width() const override { return views_[0].width; }
  int64_t height() const override { return views_[0].height; }
  Result<RgbView> frame(int64_t index) override { return views_[static_cast<size_t>(index)]; }

 private:
  std::vector<ByteImage> arrays_;
  std::vector<RgbView> views_;
};

struct Video {
  Video(VideoPredictor made, const std::shared_ptr<VideoFrames>& frames)
      : predictor(std::move(made)), count(frames->count()), width(frames->width()), height(frames->height()) {}

  VideoPredictor predictor;
  int64_t count, width, height;
  std::atomic_flag in_use;
};

struct Propagation {
  VideoPropagation propagation;
  const Video* video;
};

Masks masks_of(const Video& video, VideoMasks found) {
  Tensor logits = std::move(found.logits);
  if (found.objects.empty()) logits = Tensor({0, 1, video.height, video.width});
  return {found.frame, std::move(found.objects), array_of(std::move(logits))};
}

VideoOptions options_of(int threads, int64_t fill_hole_area, bool non_overlap_masks,
                        bool clear_non_cond_mem_around_input, bool add_all_frames_to_correct_as_cond) {
  VideoOptions options;
  options.threads = threads;
  options.fill_hole_area = fill_hole_area;
  options.non_overlap_masks = non_overlap_masks;
  options.clear_non_cond_mem_around_input = clear_non_cond_mem_around_input;
  options.add_all_frames_to_correct_as_cond = add_all_frames_to_correct_as_cond;
  return options;
}

Result<std::unique_ptr<Video>> open(const LoadedModule& loaded, const VideoOptions& options,
                                    const std::shared_ptr<VideoFrames>& frames) {
  SAMC_ASSIGN(VideoPredictor predictor, VideoPredictor::create(loaded.module, options));
  SAMC_TRY(predictor.init_state(frames));
  return std::make_unique<Video>(std::move(predictor), frames);
}

std::unique_ptr<Video> open_path(const LoadedModule& loaded, const std::string& path, int threads,
                                 int64_t fill_hole_area, bool non_overlap, bool clear_around, bool all_as_cond) {
  const VideoOptions options = options_of(threads, fill_hole_area, non_overlap, clear_around, all_as_cond);
  return take(unlocked([&]() -> Result<std::unique_ptr<Video>> {
    SAMC_ASSIGN(const std::shared_ptr<VideoFrames> frames, open_whole_video(path));
    return open(loaded, options, frames);
  }));
}

std::unique_ptr<Video> open_bytes(const LoadedModule& loaded, const nb::bytes& bytes, int threads,
                                  int64_t fill_hole_area, bool non_overlap, bool clear_around, bool all_as_cond) {
  const VideoOptions options = options_of(threads, fill_hole_area, non_overlap, clear_around, all_as_cond);
  std::string copy(bytes.c_str(), bytes.size());
  return take(unlocked([&]() -> Result<std::unique_ptr<Video>> {
    SAMC_ASSIGN(const std::shared_ptr<VideoFrames> frames, open_whole_video_of_bytes(std::move(copy)));
    return open(loaded, options, frames);
  }));
}

std::unique_ptr<Video> open_frames(const LoadedModule& loaded, std::vector<ByteImage> frames, int threads,
                                   int64_t fill_hole_area, bool non_overlap, bool clear_around, bool all_as_cond) {
  const VideoOptions options = options_of(threads, fill_hole_area, non_overlap, clear_around, all_as_cond);
  // Made and dropped under the lock: arrays are Python's.
  const auto held = std::make_shared<ArrayFrames>(std::move(frames));
  return take(unlocked([&] { return open(loaded, options, held); }));
}

Masks add_points_or_box(Video& self, int64_t frame, int64_t object, const Floats<2>& points, const Integers<1>& labels,
                        const std::optional<Floats<1>>& box, bool clear_old_points, bool normalize_coords) {
  const InUse use(self.in_use);
  VideoPrompt prompt;
  if (points.shape(1) != 2 || points.shape(0) != labels.shape(0) || (box && box->shape(0) != 4))
    raise(invalid_input("the prompt's arrays do not belong together"));
  for (size_t i = 0; i < labels.shape(0); ++i)
    prompt.points.push_back({points.data()[2 * i], points.data()[2 * i + 1], labels.data()[i]});
  if (box) prompt.box = BoxPrompt{box->data()[0], box->data()[1], box->data()[2], box->data()[3]};
  prompt.clear_old_points = clear_old_points;
  prompt.normalize_coords = normalize_coords;
  return masks_of(self, take(unlocked([&] { return self.predictor.add_new_points_or_box(frame, object, prompt); })));
}

Masks add_mask(Video& self, int64_t frame, int64_t object, const ByteMask& mask) {
  const InUse use(self.in_use);
  const TensorView view{
      DType::kU8, {static_cast<int64_t>(mask.shape(0)), static_cast<int64_t>(mask.shape(1))}, mask.data()};
  return masks_of(self, take(unlocked([&] { return self.predictor.add_new_mask(frame, object, view); })));
}

Masks clear_prompts(Video& self, int64_t frame, int64_t object) {
  const InUse use(self.in_use);
  return masks_of(self, take(unlocked([&] { return self.predictor.clear_all_prompts_in_frame(frame, object); })));
}

std::vector<Masks> remove_object(Video& self, int64_t object, bool strict) {
  const InUse use(self.in_use);
  std::vector<VideoMasks> frames = take(unlocked([&] { return self.predictor.remove_object(object, strict); }));
  std::vector<Masks> result;
  for (VideoMasks& frame : frames) result.push_back(masks_of(self, std::move(frame)));
  return result;
}

Propagation propagate(Video& self, std::optional<int64_t> start_frame, std::optional<int64_t> max_frames,
                      bool reverse) {
  const InUse use(self.in_use);
  return {take(unlocked([&] { return self.predictor.propagate_in_video({start_frame, max_frames, reverse}); })), &self};
}

std::optional<Masks> next(Video& self, Propagation& propagation) {
  const InUse use(self.in_use);
  if (propagation.video != &self) raise(usage_error("a propagation of another video"));
  std::optional<VideoMasks> found = take(unlocked([&] { return propagation.propagation.next(); }));
  if (!found) return std::nullopt;
  return masks_of(self, std::move(*found));
}

}  // namespace

void add_videos(nb::module_& module) {
  nb::class_<Propagation>(module, "Propagation");
  nb::class_<Video>(module, "Video")
      .def_ro("num_frames", &Video::count)
      .def_ro("width", &Video::width)
      .def_ro("height", &Video::height)
      .def("objects",
           [](Video& self) {
             const InUse use(self.in_use);
             return self.predictor.objects();
           })
      .def("add_points_or_box", &add_points_or_box, nb::arg("frame"), nb::arg("object"), nb::arg("points"),
           nb::arg("labels"), nb::arg("box").none(), nb::arg("clear_old_points"), nb::arg("normalize_coords"))
      .def("add_mask", &add_mask, nb::arg("frame"), nb::arg("object"), nb::arg("mask"))
      .def("clear_prompts", &clear_prompts, nb::arg("frame"), nb::arg("object"))
      .def("remove_object", &remove_object, nb::arg("object"), nb::arg("strict"))
      .def("reset",
           [](Video& self) {
             const InUse use(self.in_use);
             self.predictor.reset_state();
           })
      .def("propagate", &propagate, nb::arg("start_frame").none(), nb::arg("max_frames").none(), nb::arg("reverse"),
           nb::keep_alive<0, 1>())
      .def("next", &next, nb::arg("propagation"));
  const auto def = [&](const char* name, auto function, const char* of) {
    module.def(name, function, nb::arg("module"), nb::arg(of), nb::arg("threads"), nb::arg("fill_hole_area"),
               nb::arg("non_overlap_masks"), nb::arg("clear_non_cond_mem_around_input"),
               nb::arg("add_all_frames_to_correct_as_cond"));
  };
  def("open_video", &open_path, "path");
  def("open_video_bytes", &open_bytes, "data");
  def("open_video_frames", &open_frames, "frames");
}

}  // namespace samc::python
