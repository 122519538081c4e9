#include <malloc.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "app/commands.h"
#include "app/console.h"
#include "app/everything_outputs.h"
#include "app/image_lanes.h"
#include "app/image_list.h"
#include "app/json_list.h"
#include "app/model_opener.h"
#include "app/orientation_option.h"
#include "app/output_guard.h"
#include "app/output_names.h"
#include "app/outputs.h"
#include "base/limits.h"
#include "media/image.h"
#include "runtime/automatic_masks.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> images;
  ModelArguments model;
  std::optional<int> jobs;
  Orientation orientation = Orientation::kUpright;
  AutomaticMaskOptions masks;
  int64_t points_per_side = 32;
  bool single = false;
  std::string overlay;
  std::string masks_dir;
  std::string json;
  bool quiet = false;
};

// One image and what its files are called.
struct Task {
  std::string path;
  std::string name;
  Status fault;  // why it cannot be done
};

// Whether -o is a folder: when there may be more than one image.
bool is_batch(const Arguments& arguments, const std::vector<Task>& tasks) {
  return has_folder(arguments.images) || tasks.size() != 1;
}

std::vector<Task> make_tasks(const std::vector<std::string>& images, std::vector<std::string>& warnings) {
  std::vector<Task> tasks;
  std::vector<std::string> paths;
  for (ListedImage& listed : list_images(images, warnings)) {
    if (listed.fault.is_ok()) listed.fault = check_image_is_there(listed.path);
    paths.push_back(listed.path);
    tasks.push_back({std::move(listed.path), "", std::move(listed.fault)});
  }
  const std::vector<std::string> names = output_names(paths);
  for (size_t i = 0; i < tasks.size(); ++i) tasks[i].name = names[i];
  return tasks;
}

std::string overlay_path(const Arguments& arguments, const Task& task, bool batch) {
  if (arguments.overlay.empty() || !batch) return arguments.overlay;
  return (fs::path(arguments.overlay) / (task.name + ".png")).string();
}

// Before the work: no output is one of the files that are read, and all can be written. How many masks there will be is
// not known: their names are looked at when it is.
Status check_outputs(const Arguments& arguments, const ModelOpener& opener, const std::vector<Task>& tasks,
                     bool batch) {
  OutputGuard guard;
  guard.add_inputs([&] { return opener.files(arguments.model); });
  if (arguments.json != "-") guard.add_output("--json", arguments.json);
  guard.add_output_folder("--masks-dir", arguments.masks_dir);
  if (batch) guard.add_output_folder("-o", arguments.overlay);
  for (const Task& task : tasks) {
    guard.add_input(task.path);
    if (task.fault.is_ok()) guard.add_output("-o", overlay_path(arguments, task, batch));
  }
  return guard.check();
}

Status check_mask_paths(const Arguments& arguments, const std::vector<Task>& tasks, const Task& task, size_t masks) {
  OutputGuard guard;
  for (const Task& each : tasks) guard.add_input(each.path);
  for (size_t mask = 0; mask < masks; ++mask)
    guard.add_output("--masks-dir", mask_png_path(arguments.masks_dir, task.name, mask));
  return guard.check();
}

// Masks of one image into its files and the report.
Status find_masks(const Arguments& arguments, const std::vector<Task>& tasks, const Task& task, bool batch,
                  AutomaticMaskGenerator& generator, Progress& progress, ImageReport& report) {
  ImageSource source;
  SAMC_ASSIGN(Image image, read_image(task.path, &source, kMostPixels, arguments.orientation));
  for (const std::string& warning : source.warnings)
    report.warnings.push_back(fmt::format("{}: {}", task.path, warning));
  Result<std::vector<AutomaticMask>> found = generator.generate(image, [&](int64_t done, int64_t all) {
    progress.show(fmt::format("{}: point {} of {} ...", task.path, done, all));
    return Status::ok();
  });
  if (!found.is_ok()) return found.status().at(task.path);
  const std::vector<AutomaticMask>& masks = found.value();
  progress.show(fmt::format("{}: writing ...", task.path));
  if (!arguments.json.empty())
    for (const AutomaticMask& mask : masks) report.entries.push_back(result_entry(task.name, mask, runs_of(mask)));
  if (!arguments.masks_dir.empty()) {
    SAMC_TRY(check_mask_paths(arguments, tasks, task, masks.size()));
    SAMC_TRY(write_mask_pngs(arguments.masks_dir, task.name, masks));
  }
  const std::string overlay = overlay_path(arguments, task, batch);
  if (!overlay.empty()) {
    draw_masks(image, masks);
    SAMC_TRY(write_png(overlay, image));
  }
  // Without a mask, what changes that: the default thresholds are those for official weights.
  report.summary = fmt::format("{}: {} x {}, {} mask{}{}\n", printable(task.path), image.width, image.height,
                               masks.size(), masks.size() == 1 ? "" : "s",
                               masks.empty() ? "; lower --pred-iou-thresh or --stability-score-thresh" : "");
  return Status::ok();
}

Status check_arguments(const Arguments& arguments, bool batch) {
  if (arguments.overlay.empty() && arguments.masks_dir.empty() && arguments.json.empty())
    return usage_error("nothing to write", "give -o, --masks-dir or --json");
  if (!batch) SAMC_TRY(check_overlay_name(arguments.overlay));
  return Status::ok();
}

// `samc` keeps freed memory for the compiler's next tensor (main.cpp). The logits of batches of points leave holes
// there that the next ones do not fit in, so that each batch would take more: 300 MB more for 1,024 points with tiny.
// From here on what is large comes from the system and goes back to it, which costs 1 % of a batch's time.
void give_freed_memory_back() {
  constexpr int kLargestOnTheHeap = 4 << 20;
  (void)::mallopt(M_MMAP_THRESHOLD, kLargestOnTheHeap);
  (void)::mallopt(M_TRIM_THRESHOLD, 2 * kLargestOnTheHeap);
  (void)::malloc_trim(0);
}

Status everything(Arguments& arguments, const ModelOpener& opener) {
  std::vector<std::string> warnings;
  const std::vector<Task> tasks = make_tasks(arguments.images, warnings);
  const bool batch = is_batch(arguments, tasks);
  SAMC_TRY(check_arguments(arguments, batch));
  for (const std::string& warning : warnings) warn(warning);
  if (tasks.size() == 1 && !tasks[0].fault.is_ok()) return tasks[0].fault;
  std::vector<const Task*> good;
  std::vector<std::string> names;
  for (const Task& task : tasks) {
    names.push_back(task.name);
    if (task.fault.is_ok()) {
      good.push_back(&task);
    } else {
      report_error(task.fault);
    }
  }
  if (good.empty()) return images_failed(tasks.size(), tasks.size());
  SAMC_TRY(check_outputs(arguments, opener, tasks, batch));

  Progress progress;
  std::string device;
  SAMC_ASSIGN(std::vector<std::unique_ptr<ImageModel>> models,
              open_lanes(opener, arguments.model, arguments.jobs, good.size(), progress, device));
  give_freed_memory_back();
  AutomaticMaskOptions options = arguments.masks;
  options.points_per_side = arguments.points_per_side;
  options.multimask_output = !arguments.single;
  options.output_mode = MaskForm::kUncompressedRle;
  std::vector<AutomaticMaskGenerator> generators;
  for (std::unique_ptr<ImageModel>& model : models) {
    SAMC_ASSIGN(AutomaticMaskGenerator generator, AutomaticMaskGenerator::create(std::move(model), options));
    generators.push_back(std::move(generator));
  }
  const bool speaks = !arguments.quiet && arguments.json != "-";
  if (!device.empty() && speaks) say("{} runs on {}\n", generators[0].info().name, device);
  SAMC_TRY(make_folders({batch ? arguments.overlay : "", arguments.masks_dir}, names));
  std::optional<JsonList> list;
  if (!arguments.json.empty()) {
    SAMC_ASSIGN(JsonList opened, JsonList::open(arguments.json));
    list.emplace(std::move(opened));
  }

  Progress none(true);
  SAMC_ASSIGN(const size_t failed, do_images(
                                       good.size(), generators.size(), batch, progress,
                                       [&](size_t image, size_t lane, ImageReport& report) {
                                         return find_masks(arguments, tasks, *good[image], batch, generators[lane],
                                                           generators.size() > 1 ? none : progress, report);
                                       },
                                       [&](ImageReport& report) {
                                         for (const nlohmann::ordered_json& entry : report.entries)
                                           SAMC_TRY(list->add(entry));
                                         if (speaks) print_text(report.summary);
                                         return Status::ok();
                                       }));
  if (list.has_value()) SAMC_TRY(list->finish());
  const size_t all_failed = failed + tasks.size() - good.size();
  return all_failed > 0 ? images_failed(all_failed, tasks.size()) : Status::ok();
}

void add_mask_options(CLI::App& command, Arguments& arguments) {
  AutomaticMaskOptions& masks = arguments.masks;
  const char* group = "Points and crops";
  command.add_option("--points-per-side", arguments.points_per_side, "A grid of N x N points over the image (32)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->group(group);
  command
      .add_option("--points-per-batch", masks.points_per_batch,
                  "At most so many points are decoded together (64). Changes no mask")
      ->check(CLI::Range(1, 1000 * 1000))
      ->type_name("N")
      ->group(group);
  command
      .add_option("--crop-n-layers", masks.crop_n_layers,
                  "Look at crops too, for small things: 2^n x 2^n of them in each layer n (0: none)")
      ->check(CLI::Range(0, 6))
      ->type_name("N")
      ->group(group);
  command
      .add_option("--crop-n-points-downscale-factor", masks.crop_n_points_downscale_factor,
                  "The grid has so many times fewer points a side in each further layer (1)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->group(group);
  command
      .add_option("--crop-overlap-ratio", masks.crop_overlap_ratio,
                  "How far crops overlap, as a part of the shorter side (0.3413)")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("PART")
      ->group(group);

  group = "Which masks are kept";
  command
      .add_option("--pred-iou-thresh", masks.pred_iou_thresh,
                  "Masks of more quality than this, by the model's own guess (0.8)")
      ->check(CLI::Number)
      ->type_name("SCORE")
      ->group(group);
  command
      .add_option("--stability-score-thresh", masks.stability_score_thresh,
                  "Masks of at least this stability when the threshold moves (0.95)")
      ->check(CLI::Number)
      ->type_name("SCORE")
      ->group(group);
  command.add_option("--stability-score-offset", masks.stability_score_offset, "How far it moves, up and down (1)")
      ->check(CLI::Number)
      ->type_name("LOGIT")
      ->group(group);
  command
      .add_option("--box-nms-thresh", masks.box_nms_thresh,
                  "Of masks whose boxes overlap by more (IoU) the best one is kept (0.7)")
      ->check(CLI::Number)
      ->type_name("IOU")
      ->group(group);
  command
      .add_option("--crop-nms-thresh", masks.crop_nms_thresh,
                  "The same between crops, where the mask of the smaller crop is kept (0.7)")
      ->check(CLI::Number)
      ->type_name("IOU")
      ->group(group);

  group = "Masks";
  command.add_option("--mask-threshold", masks.mask_threshold, "Logits above it are mask (0)")
      ->check(CLI::Number)
      ->type_name("LOGIT")
      ->group(group);
  command
      .add_option("--min-mask-region-area", masks.min_mask_region_area,
                  "Fill holes and remove islands of fewer pixels than this; 0: none")
      ->check(CLI::Range(int64_t{0}, kMostPixels))
      ->type_name("PIXELS")
      ->group(group);
  command.add_flag("--use-m2m", masks.use_m2m, "Refine each mask by giving it back to the model once: slower")
      ->group(group);
  command.add_flag("--single", arguments.single, "One mask for each point instead of three")->group(group);
  command
      .add_flag("--allow-nonfinite", masks.allow_nonfinite,
                "Take NaN and infinite values, which are an error without it")
      ->group(group);
}

void add_output_options(CLI::App& command, Arguments& arguments) {
  const char* group = "Outputs";
  command
      .add_option("-o,--overlay", arguments.overlay, "The image with all masks in colours; for several images a folder")
      ->type_name("FILE.png")
      ->group(group);
  command.add_option("--masks-dir", arguments.masks_dir, "A folder for each mask as NAME_maskN.png, 255 is mask")
      ->type_name("DIR")
      ->group(group);
  command
      .add_option("--json", arguments.json,
                  "All masks in the form of COCO's results (docs/everything.md); - is standard output")
      ->type_name("FILE.json")
      ->group(group);
  command.add_flag("--quiet,-q", arguments.quiet, "Print no summary")->group(group);
}

}  // namespace

Command add_everything(CLI::App& parent, const ModelOpener& opener) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = parent.add_subcommand("everything", "Find masks of everything in images, without prompts");
  command->add_option("images", arguments->images, "JPEGs, PNGs, or folders of them")->required()->type_name("IMAGE");
  opener.add_options(*command, arguments->model);
  add_jobs_option(*command, arguments->jobs);
  add_orientation_option(*command, arguments->orientation);
  add_mask_options(*command, *arguments);
  add_output_options(*command, *arguments);
  command->footer(
      "The options have the names and defaults of SAM2AutomaticMaskGenerator. samc-mini guesses low qualities: with "
      "it\n"
      "use --pred-iou-thresh 0.5 --stability-score-thresh 0.7. With several images an error in one is reported, the\n"
      "others are done, and the exit code is 1. Examples:\n"
      "  samc everything truck.jpg --model sam2_hiera_tiny.pt -o overlay.png\n"
      "  samc everything photos/ --model tiny.samc -o overlays/ --json masks.json\n"
      "  samc everything truck.jpg --model tiny.samc --crop-n-layers 1 --masks-dir masks/");
  return [arguments, &opener] { return everything(*arguments, opener); };
}

}  // namespace samc
