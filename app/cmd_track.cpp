#include <atomic>
#include <filesystem>
#include <memory>
#include <utility>

#include "app/commands.h"
#include "app/console.h"
#include "app/image_list.h"
#include "app/kept_masks.h"
#include "app/orientation_option.h"
#include "app/output_guard.h"
#include "app/signals.h"
#include "app/track_arguments.h"
#include "app/tracker.h"
#include "base/stopwatch.h"
#include "runtime/video_model.h"

namespace samc {
namespace {

namespace fs = std::filesystem;

// PNGs of masks are named as frames are: none may take the place of an image that is read, nor become a frame of the
// next run.
Status check_folder(const std::string& option, const std::string& folder, const std::vector<std::string>& inputs) {
  std::error_code error;
  for (const std::string& input : inputs) {
    const fs::path path(input), parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!folder.empty() && has_image_ending(input) && fs::equivalent(parent, folder, error))
      return usage_error(fmt::format("{} {} is the folder of {}, which is read", option, folder, input),
                         "write to another place");
  }
  return Status::ok();
}

bool is_same_place(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::weakly_canonical(fs::absolute(a), error) == fs::weakly_canonical(fs::absolute(b), error);
}

// Folders get files whose names are found while tracking: none may be another output, and none a frame.
Status check_png_folders(const TrackOutputPaths& paths, const std::vector<TrackPrompt>& prompts,
                         const std::vector<std::string>& inputs) {
  std::vector<std::pair<std::string, std::string>> folders = {{"-o", paths.masks_dir}};
  for (const TrackPrompt& prompt : prompts)
    if (!paths.objects_dir.empty())
      folders.emplace_back("--per-object", (fs::path(paths.objects_dir) / object_folder(prompt.object)).string());
  for (const auto& [option, folder] : folders) {
    if (folder.empty()) continue;
    SAMC_TRY(check_folder(option, folder, inputs));
    if (option == "--per-object" && !paths.masks_dir.empty() && is_same_place(folder, paths.masks_dir))
      return usage_error(fmt::format("-o {} is a folder of --per-object", paths.masks_dir), "name another");
    for (const std::string& file : {paths.rle, paths.npz})
      if (fs::path(file).extension() == ".png" && is_same_place(fs::absolute(file).parent_path(), folder))
        return usage_error(fmt::format("{} may be an image of {} {}", file, option, folder), "name another");
  }
  return Status::ok();
}

Status check_outputs(const TrackArguments& arguments, const ModelOpener& opener, const TrackInput& input,
                     const std::vector<TrackPrompt>& prompts) {
  std::vector<std::string> inputs = input.files;
  inputs.push_back(arguments.prompts);
  for (const TrackPrompt& prompt : prompts) inputs.push_back(prompt.mask);
  OutputGuard guard;
  for (const std::string& path : inputs) guard.add_input(path);
  guard.add_inputs([&] { return opener.files(arguments.model); });
  const TrackOutputPaths& paths = arguments.paths;
  guard.add_output("-o", paths.video);
  if (paths.rle != "-") guard.add_output("--rle", paths.rle);
  guard.add_output("--save-npz", paths.npz);
  guard.add_output_folder("-o", paths.masks_dir);
  guard.add_output_folder("--per-object", paths.objects_dir);
  SAMC_TRY(check_png_folders(paths, prompts, inputs));
  return guard.check();
}

std::string headline(const FrameSourceInfo& info, int64_t tracked, double milliseconds) {
  return fmt::format("{}: {} x {}, {}; {} frame{} tracked, {:.2f} frames/s\n", printable(info.name), info.width,
                     info.height, printable(info.format), tracked, tracked == 1 ? "" : "s",
                     milliseconds > 0 ? static_cast<double>(tracked) * 1000 / milliseconds : 0.0);
}

// What was tracked is in the files, whatever ended it.
Status with_hint(const Status& status, int64_t tracked) {
  if (status.code() != StatusCode::kInterrupted) return status;
  return {StatusCode::kInterrupted,
          fmt::format("interrupted behind {} tracked frame{}", tracked, tracked == 1 ? "" : "s"),
          tracked > 0 ? "they are in the outputs" : ""};
}

Status track(TrackArguments& arguments, const ModelOpener& opener) {
  SAMC_TRY(check_track_arguments(arguments));
  SAMC_ASSIGN(std::vector<TrackPrompt> prompts, track_prompts(arguments));
  std::atomic<bool> stop{false};
  SAMC_ASSIGN(const TrackInput input, open_track_input(arguments.input, stop));
  FrameSource& source = *input.source;
  for (const std::string& warning : input.warnings) warn(warning);
  SAMC_ASSIGN(const TrackPlan plan, make_track_plan(arguments, std::move(prompts), source));
  const bool needs_all = plan.direction != TrackDirection::kForward || !plan.is_first_only();
  if (plan.direction != TrackDirection::kForward && !source.can_seek())
    return usage_error(
        fmt::format("{} gives its frames only once, and tracking backwards needs all", source.info().name));
  SAMC_TRY(check_outputs(arguments, opener, input, plan.prompts));

  Progress progress(arguments.quiet);
  SAMC_ASSIGN(std::unique_ptr<VideoModel> model, opener.open_video(arguments.model, progress));
  VideoOptions options;
  options.threads = arguments.model.threads;
  options.fill_hole_area = arguments.fill_hole_area;
  options.non_overlap_masks = arguments.non_overlap_masks;
  options.allow_nonfinite = arguments.allow_nonfinite;

  TrackedVideo video{source.info(), input.names, plan.prompts};
  video.info.rate /= static_cast<double>(plan.range.every);
  const TrackOutputPaths& paths = arguments.paths;
  const bool draws_later = !paths.video.empty() && plan.direction != TrackDirection::kForward;
  std::vector<std::unique_ptr<TrackOutput>> outputs = make_track_outputs(paths, video);
  const auto kept = std::make_shared<KeptMasks>();
  if (draws_later) outputs.push_back(make_keeping_output(kept));
  if (!paths.video.empty() && !draws_later) outputs.push_back(make_video_output(paths.video, video));

  const FinishOnSignal finish_on_signal;
  TrackWriter writer(std::move(outputs), video.info.width, video.info.height);
  Tracker tracker(plan, source, writer, progress, stop);
  Stopwatch watch;
  Status status = needs_all && source.can_seek() ? tracker.run_offline(std::move(model), options)
                                                 : tracker.run_stream(std::move(model), options);
  const double milliseconds = watch.lap();
  const Status written = writer.finish();
  if (status.is_ok()) status = written;
  std::string summary = writer.summary();
  if (draws_later && writer.tracked() > 0) {
    const bool is_whole = status.is_ok();
    std::string line;
    const Status drawn = draw_kept_video(
        paths.video, video, *kept, source, plan.range, is_whole,
        [&](int64_t frame) {
          progress.show(fmt::format("{}: drawing frame {} ...", paths.video, frame));
          return is_whole && FinishOnSignal::is_asked() ? Status(StatusCode::kInterrupted, "interrupted")
                                                        : Status::ok();
        },
        line);
    if (!line.empty()) summary += fmt::format("  {}\n", printable(line));
    if (status.is_ok()) status = drawn;
  }
  progress.clear();
  if (!arguments.quiet && paths.rle != "-" && writer.tracked() > 0)
    print_text(headline(video.info, writer.tracked(), milliseconds) + summary);
  return with_hint(status, writer.tracked());
}

}  // namespace

Command add_track(CLI::App& parent, const ModelOpener& opener) {
  auto arguments = std::make_shared<TrackArguments>();
  CLI::App* command = parent.add_subcommand("track", "Track objects through a video by points, boxes and masks");
  command
      ->add_option("video", arguments->input.video,
                   "An mp4, mov, mkv, webm or gif; a folder of images; - for raw frames on standard input")
      ->type_name("VIDEO|DIR|-");
  opener.add_options(*command, arguments->model);
  add_orientation_option(*command, arguments->input.orientation);
  add_track_options(*command, *arguments);
  command->footer(
      "Pixels count from the top left corner of the frame as it is seen, turned upright. Frames count from 0, "
      "whatever\n"
      "--from and --every are. Ctrl-C ends tracking and finishes the files; twice ends at once. Examples:\n"
      "  samc track clip.mp4 --model sam2.1_hiera_tiny.pt --point 210,350 -o tracked.mp4\n"
      "  samc track frames/ --model tiny.samc --object 1 --point 210,350 --object 2 --box 300,0,500,400 -o masks/\n"
      "  samc track clip.mp4 --model tiny.samc --prompts p.json --both -o tracked.mp4 --rle masks.jsonl\n"
      "  ffmpeg -i clip.avi -f yuv4mpegpipe - | samc track - --model tiny.samc --point 210,350 --rle -");
  return [arguments, &opener] { return track(*arguments, opener); };
}

}  // namespace samc
