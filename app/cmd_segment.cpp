#include <cmath>
#include <filesystem>
#include <memory>

#include "app/build_id.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/image_lanes.h"
#include "app/image_list.h"
#include "app/jobs.h"
#include "app/json_list.h"
#include "app/model_opener.h"
#include "app/orientation_option.h"
#include "app/output_guard.h"
#include "app/outputs.h"
#include "app/segmenter.h"
#include "base/files.h"
#include "base/limits.h"
#include "media/image.h"
#include "runtime/image_predictor.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> images;
  ModelArguments model;
  PromptArguments prompts;
  std::optional<int> jobs;
  std::string embedding;
  Orientation orientation = Orientation::kUpright;
  bool single = false;
  bool multimask = false;  // says what is so without it
  std::optional<float> mask_threshold;
  double max_hole_area = 0;
  double max_sprinkle_area = 0;
  std::string overlay;
  std::string masks_dir;
  std::string json;
  std::string npz;
  bool quiet = false;
  bool allow_nonfinite = false;
};

// Whether -o and --save-npz are folders: when there may be more than one picture.
bool is_batch(const Arguments& arguments, const std::vector<Job>& jobs) {
  return has_folder(arguments.images) || jobs.size() != 1;
}

Status check_arguments(const Arguments& arguments, const std::vector<Job>& jobs) {
  if (arguments.overlay.empty() && arguments.masks_dir.empty() && arguments.json.empty() && arguments.npz.empty())
    return usage_error("nothing to write", "give -o, --masks-dir, --json or --save-npz");
  if (!std::isfinite(arguments.mask_threshold.value_or(0)) || !std::isfinite(arguments.max_hole_area) ||
      !std::isfinite(arguments.max_sprinkle_area))
    return usage_error("thresholds and areas must be finite numbers");
  if (!is_batch(arguments, jobs)) SAMC_TRY(check_overlay_name(arguments.overlay));
  if (arguments.embedding.empty()) {
    for (const Job& job : jobs)
      if (job.image.empty() && job.fault.is_ok())
        return usage_error("no image", "name one, or give --embedding or --prompts");
  } else {
    if (is_batch(arguments, jobs)) return usage_error("--embedding is of one image, and there are several");
    if (jobs[0].image.empty() && !arguments.overlay.empty())
      return usage_error("-o draws on the image, and none is given", "name the image beside --embedding");
  }
  return Status::ok();
}

OutputPaths paths_for(const Arguments& arguments, const Job& job, bool batch) {
  OutputPaths paths{arguments.overlay, arguments.masks_dir, arguments.npz, !arguments.json.empty()};
  if (batch && !paths.overlay.empty()) paths.overlay = (fs::path(paths.overlay) / (job.stem + ".png")).string();
  if (batch && !paths.npz.empty()) paths.npz = (fs::path(paths.npz) / (job.stem + ".npz")).string();
  return paths;
}

// Before the work: no output is one of the files that are read, and all can be written.
Status check_outputs(const Arguments& arguments, const ModelOpener& opener, const std::vector<Job>& jobs, bool batch) {
  constexpr size_t kMultimasks = 3;
  OutputGuard guard;
  guard.add_input(arguments.embedding);
  guard.add_input(arguments.prompts.file);
  guard.add_inputs([&] { return opener.files(arguments.model); });
  if (arguments.json != "-") guard.add_output("--json", arguments.json);
  guard.add_output_folder("--masks-dir", arguments.masks_dir);
  if (batch) {
    guard.add_output_folder("-o", arguments.overlay);
    guard.add_output_folder("--save-npz", arguments.npz);
  }
  for (const Job& job : jobs) {
    guard.add_input(job.image);
    if (!job.fault.is_ok()) continue;
    const OutputPaths paths = paths_for(arguments, job, batch);
    guard.add_output("-o", paths.overlay);
    guard.add_output("--save-npz", paths.npz);
    for (size_t prompt = 0; prompt < job.prompts.size(); ++prompt) {
      guard.add_input(job.prompts[prompt].mask_input);
      for (size_t mask = 0; !paths.masks_dir.empty() && mask < (job.multimask ? kMultimasks : 1); ++mask)
        guard.add_output("--masks-dir", mask_path(paths, job, prompt, mask));
    }
  }
  return guard.check();
}

PredictorOptions predictor_options(const Arguments& arguments, bool is_one_image) {
  PredictorOptions options;
  options.spare_memory = is_one_image;  // no further image wants the encoder's memory
  options.mask_threshold = arguments.mask_threshold;
  options.max_hole_area = arguments.max_hole_area;
  options.max_sprinkle_area = arguments.max_sprinkle_area;
  options.allow_nonfinite = arguments.allow_nonfinite;
  return options;
}

void note_missing_images(std::vector<Job>& jobs) {
  for (Job& job : jobs)
    if (!job.image.empty() && job.fault.is_ok()) job.fault = check_image_is_there(job.image);
}

// What can be said of bad jobs before any work is done. Gives their number.
size_t report_faults(const std::vector<Job>& jobs) {
  size_t failed = 0;
  for (const Job& job : jobs)
    if (!job.fault.is_ok()) {
      report_error(job.fault);
      ++failed;
    }
  return failed;
}

Status segment(Arguments& arguments, const ModelOpener& opener) {
  arguments.prompts.multimask = !arguments.single;
  std::vector<std::string> warnings;
  SAMC_ASSIGN(std::vector<Job> jobs, make_jobs(arguments.images, arguments.prompts, warnings));
  SAMC_TRY(check_arguments(arguments, jobs));
  note_missing_images(jobs);
  for (const std::string& warning : warnings) warn(warning);
  if (jobs.size() == 1 && !jobs[0].fault.is_ok()) return jobs[0].fault;
  size_t failed = report_faults(jobs);
  if (failed == jobs.size()) return images_failed(failed, jobs.size());

  const bool batch = is_batch(arguments, jobs);
  SAMC_TRY(check_outputs(arguments, opener, jobs, batch));
  std::vector<const Job*> good;
  std::vector<std::string> names;
  for (const Job& job : jobs) {
    names.push_back(job.stem);
    if (job.fault.is_ok()) good.push_back(&job);
  }
  Progress progress;
  std::string device;
  SAMC_ASSIGN(std::vector<std::unique_ptr<ImageModel>> models,
              open_lanes(opener, arguments.model, arguments.jobs, good.size(), progress, device));
  std::vector<ImagePredictor> predictors;
  for (std::unique_ptr<ImageModel>& model : models) {
    SAMC_ASSIGN(ImagePredictor predictor,
                ImagePredictor::create(std::move(model), predictor_options(arguments, good.size() == 1)));
    predictors.push_back(std::move(predictor));
  }
  const std::string& model_name = predictors[0].info().name;
  SAMC_TRY(make_folders({arguments.masks_dir, batch ? arguments.overlay : "", batch ? arguments.npz : ""}, names));

  const bool speaks = !arguments.quiet && arguments.json != "-";
  if (!device.empty() && speaks) say("{} runs on {}\n", model_name, device);
  std::optional<JsonList> list;
  if (!arguments.json.empty()) {
    nlohmann::ordered_json document{{"samc", version()}, {"model", model_name}, {"pictures", nullptr}};
    if (!device.empty()) document["device"] = device;
    SAMC_ASSIGN(JsonList opened, JsonList::open_member(arguments.json, document, "pictures"));
    list.emplace(std::move(opened));
  }
  Progress none(true);
  SAMC_ASSIGN(const size_t failed_now,
              do_images(
                  good.size(), predictors.size(), batch, progress,
                  [&](size_t image, size_t lane, ImageReport& report) {
                    Segmenter segmenter(predictors[lane], predictors.size() > 1 ? none : progress, arguments.embedding,
                                        arguments.orientation);
                    return segmenter.run(*good[image], paths_for(arguments, *good[image], batch), report);
                  },
                  [&](ImageReport& report) {
                    for (const nlohmann::ordered_json& entry : report.entries) SAMC_TRY(list->add(entry));
                    if (speaks) print_text(report.summary);
                    return Status::ok();
                  }));
  failed += failed_now;
  if (list.has_value()) SAMC_TRY(list->finish());
  return failed > 0 ? images_failed(failed, jobs.size()) : Status::ok();
}

void add_prompt_options(CLI::App& command, Arguments& arguments) {
  PromptArguments& prompts = arguments.prompts;
  const char* group = "Prompts";
  command
      .add_option("--point", prompts.points,
                  "A point in pixels; label 1 (default): belongs to the object, 0: does not. Several are of one object")
      ->allow_extra_args(false)
      ->type_name("X,Y[,LABEL]")
      ->group(group);
  command.add_option("--box", prompts.boxes, "A box around the object. Several boxes are several objects")
      ->allow_extra_args(false)
      ->type_name("X0,Y0,X1,Y1")
      ->group(group);
  command
      .add_option(
          "--mask-input", prompts.mask_input,
          "Logits of an earlier call: what --save-npz wrote of one mask, or low_res_logits of it, (1, S/4, S/4)")
      ->type_name("FILE.npz|FILE.npy")
      ->group(group);
  command.add_option("--prompts", prompts.file, "The prompts of each image as JSON (docs/prompts_json.md)")
      ->type_name("FILE.json")
      ->group(group);
  command.add_flag("--normalized", prompts.normalized, "Coordinates run from 0 to 1 over the image")->group(group);
  command
      .add_option("--embedding", arguments.embedding,
                  "What samc encode wrote: the encoder is not run. The image is then needed for -o only")
      ->type_name("FILE.npz")
      ->group(group);
}

void add_mask_options(CLI::App& command, Arguments& arguments) {
  const char* group = "Masks";
  CLI::Option* single =
      command.add_flag("--single", arguments.single, "One mask for each prompt: best for several points or a box")
          ->group(group);
  command
      .add_flag("--multimask", arguments.multimask,
                "Three masks for each prompt (the default): best for one ambiguous point")
      ->excludes(single)
      ->group(group);
  command.add_option("--mask-threshold", arguments.mask_threshold, "Logits above it are mask (the model's default: 0)")
      ->type_name("LOGIT")
      ->group(group);
  command
      .add_option("--max-hole-area", arguments.max_hole_area,
                  "Fill holes of at most so many pixels of the low-res mask; 0: none")
      ->check(CLI::Range(0.0, static_cast<double>(kMostPixels)))
      ->type_name("PIXELS")
      ->group(group);
  command
      .add_option("--max-sprinkle-area", arguments.max_sprinkle_area,
                  "Remove specks of at most so many pixels of the low-res mask; 0: none")
      ->check(CLI::Range(0.0, static_cast<double>(kMostPixels)))
      ->type_name("PIXELS")
      ->group(group);
  command
      .add_flag("--allow-nonfinite", arguments.allow_nonfinite,
                "Take and give NaN and infinite values, which are an error without it")
      ->group(group);
}

void add_output_options(CLI::App& command, Arguments& arguments) {
  const char* group = "Outputs";
  command
      .add_option("-o,--overlay", arguments.overlay,
                  "The image with each prompt's best mask and the prompts drawn; for several images a folder. Images "
                  "of one name in several folders keep these folders in it")
      ->type_name("FILE.png")
      ->group(group);
  command
      .add_option("--masks-dir", arguments.masks_dir, "A folder for each mask as NAME_promptP_maskM.png, 255 is mask")
      ->type_name("DIR")
      ->group(group);
  command
      .add_option("--json", arguments.json,
                  "Masks as COCO run lengths, areas, boxes, scores (docs/segment_json.md); - is standard output")
      ->type_name("FILE.json")
      ->group(group);
  command
      .add_option("--save-npz", arguments.npz,
                  "low_res_logits, iou_predictions, masks as NumPy arrays; for several images a folder")
      ->type_name("FILE.npz")
      ->group(group);
  command.add_flag("--quiet,-q", arguments.quiet, "Print no summary")->group(group);
}

}  // namespace

Command add_segment(CLI::App& parent, const ModelOpener& opener) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = parent.add_subcommand("segment", "Segment images by points, boxes and masks");
  command->add_option("images", arguments->images, "JPEGs, PNGs, or folders of them")->type_name("IMAGE");
  opener.add_options(*command, arguments->model);
  add_jobs_option(*command, arguments->jobs);
  add_orientation_option(*command, arguments->orientation);
  add_prompt_options(*command, *arguments);
  add_mask_options(*command, *arguments);
  add_output_options(*command, *arguments);
  command->footer(
      "Pixels count from the top left corner of the image as it is seen, after its EXIF orientation. A point "
      "outside\n"
      "the image is an error. With several images an error in one is reported, the others are done, and the exit\n"
      "code is 1. Of a folder hidden files are skipped, and images that are neither JPEG nor PNG are named. Examples:\n"
      "  samc segment truck.jpg --model sam2_hiera_tiny.pt --point 500,375 -o overlay.png\n"
      "  samc segment truck.jpg --model tiny.samc --box 425,600,700,875 --point 575,750,0 --single --json masks.json\n"
      "  samc segment photos/ --model tiny.samc --prompts prompts.json -o overlays/");
  return [arguments, &opener] { return segment(*arguments, opener); };
}

}  // namespace samc
