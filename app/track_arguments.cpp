#include "app/track_arguments.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "app/console.h"
#include "app/image_list.h"
#include "app/jobs.h"
#include "media/image.h"
#include "media/palette_png.h"

namespace samc {
namespace {

Result<int64_t> object_number(const std::string& text) {
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || stop != text.data() + text.size() || number < 0 || number > kMostObjectNumber)
    return usage_error(fmt::format("--object {}: not a whole number from 0 to {}", text, kMostObjectNumber));
  return number;
}

// --object begins an object; points and a box of one object are one prompt.
Result<std::vector<TrackPrompt>> prompts_of_flags(const TrackArguments& arguments) {
  std::vector<TrackPrompt> prompts;
  std::map<int64_t, size_t> of_object;  // the prompt of points and box
  std::set<int64_t> masked;
  int64_t object = 1;
  bool is_prompted = true;  // the object that was begun last
  const auto check_prompted = [&] {
    return is_prompted ? Status::ok()
                       : usage_error(fmt::format("--object {} has no prompt", object),
                                     "let --point, --box or --mask of it follow");
  };
  for (const auto& [kind, value] : arguments.flags) {
    if (kind == "object") {
      SAMC_TRY(check_prompted());
      SAMC_ASSIGN(object, object_number(value));
      is_prompted = false;
      continue;
    }
    is_prompted = true;
    TrackPrompt fresh;
    fresh.frame = arguments.range.from;
    fresh.object = object;
    fresh.where = fmt::format("object {}", object);
    if (kind == "mask") {
      if (!masked.insert(object).second)
        return usage_error(fmt::format("object {} has two masks", object), "begin each object with --object N");
      fresh.mask = value;
      prompts.push_back(std::move(fresh));
      continue;
    }
    const auto [found, is_new] = of_object.try_emplace(object, prompts.size());
    if (is_new) prompts.push_back(std::move(fresh));
    Prompt& prompt = prompts[found->second].prompt;
    if (kind == "point") {
      SAMC_ASSIGN(const PromptPoint point, parse_point(value));
      prompt.points.push_back(point);
    } else if (prompt.box) {
      return usage_error(fmt::format("object {} has two boxes", object), "begin each object with --object N");
    } else {
      SAMC_ASSIGN(prompt.box, parse_box(value));
    }
  }
  SAMC_TRY(check_prompted());
  for (const TrackPrompt& prompt : prompts)
    if (!prompt.mask.empty() && of_object.contains(prompt.object))
      return usage_error(fmt::format("object {} has a mask beside points or a box", prompt.object),
                         "give one or the other");
  return prompts;
}

// Where a PNG has numbers of several objects, as DAVIS's annotations have, those of the prompt's; else what is not 0.
Result<Tensor> read_object_mask(const TrackPrompt& prompt, const FrameSourceInfo& video) {
  ImageSource source;
  SAMC_ASSIGN(const Image image, read_image(prompt.mask, &source));
  if (source.format != "PNG")
    return invalid_input(
        fmt::format("{} is a {}, whose compression changes a mask's pixels", prompt.mask, source.format),
        "save the mask as a PNG");
  if (image.width != video.width || image.height != video.height)
    return invalid_input(fmt::format("{} has {} x {} pixels, and the frames {} x {}", prompt.mask, image.width,
                                     image.height, video.width, video.height));
  Tensor mask(DType::kU8, {image.height, image.width});
  const std::span<uint8_t> out = mask.as<uint8_t>();
  for (size_t i = 0; i < out.size(); ++i) {
    const uint8_t* pixel = &image.rgb[3 * i];
    out[i] = (pixel[0] | pixel[1] | pixel[2]) != 0 ? 1 : 0;
  }
  if (source.colours != "palette") return mask;
  SAMC_ASSIGN(const PaletteImage numbers, read_palette_png(prompt.mask));
  std::set<int> others(numbers.indices.begin(), numbers.indices.end());
  others.erase(0);
  if (others.size() > 1 && !others.contains(static_cast<int>(std::min<int64_t>(prompt.object, kPaletteColours))))
    return invalid_input(
        fmt::format("{} has no pixel of object {}, but of {}", prompt.mask, prompt.object, fmt::join(others, ", ")));
  if (numbers.indices.size() == out.size())
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = others.size() > 1 ? numbers.indices[i] == prompt.object : numbers.indices[i] != 0;
  return mask;
}

void add_prompt_flag(CLI::App& command, TrackArguments& arguments, const char* name, const char* type,
                     const char* text) {
  command
      .add_option_function<std::string>(
          fmt::format("--{}", name),
          [&arguments, name](const std::string& value) { arguments.flags.emplace_back(name, value); }, text)
      ->trigger_on_parse()
      ->allow_extra_args(false)
      ->type_name(type)
      ->group("Prompts");
}

void add_output_options(CLI::App& command, TrackArguments& arguments) {
  const char* group = "Outputs";
  command
      .add_option(
          "-o,--output", arguments.out,
          "FILE.mp4: the video with masks and prompts drawn. Any other name is a folder: a palette PNG for each "
          "frame, as DAVIS has them. May be given twice")
      ->allow_extra_args(false)
      ->type_name("FILE.mp4|DIR")
      ->group(group);
  command.add_option("--per-object", arguments.paths.objects_dir, "A folder for OBJECT/FRAME.png, 255 is mask")
      ->type_name("DIR")
      ->group(group);
  command
      .add_option("--rle", arguments.paths.rle,
                  "A line of JSON for each frame, with COCO run lengths, written as it comes; - is standard output")
      ->type_name("FILE.jsonl")
      ->group(group);
  command
      .add_option("--save-npz", arguments.paths.npz,
                  "frameF.objO.low_res, .object_score and .obj_ptr as NumPy arrays, all kept until the end")
      ->type_name("FILE.npz")
      ->group(group);
  command.add_flag("--quiet,-q", arguments.quiet, "Print no summary")->group(group);
}

}  // namespace

void add_track_options(CLI::App& command, TrackArguments& arguments) {
  add_prompt_flag(command, arguments, "object", "N", "The prompts that follow are of this object; without it 1");
  add_prompt_flag(command, arguments, "point", "X,Y[,LABEL]",
                  "A point on the first frame; label 1 (default): belongs to the object, 0: does not");
  add_prompt_flag(command, arguments, "box", "X0,Y0,X1,Y1", "A box around the object on the first frame");
  add_prompt_flag(command, arguments, "mask", "FILE.png",
                  "The object's mask on the first frame: what is not black, or of a palette PNG its own number");
  command.add_option("--prompts", arguments.prompts, "Prompts on any frames as JSON (docs/video.md)")
      ->type_name("FILE.json")
      ->group("Prompts");

  const char* group = "Frames";
  command.add_option("--from", arguments.range.from, "The first frame that is looked at; they count from 0")
      ->check(CLI::Range(int64_t{0}, kMostTrackedFrame))
      ->type_name("FRAME")
      ->group(group);
  command.add_option("--to", arguments.range.to, "The last one")
      ->check(CLI::Range(int64_t{0}, kMostTrackedFrame))
      ->type_name("FRAME")
      ->group(group);
  command.add_option("--every", arguments.range.every, "Look at every Nth frame only")
      ->check(CLI::Range(int64_t{1}, kMostTrackedFrame))
      ->type_name("N")
      ->group(group);
  CLI::Option* both =
      command.add_flag("--both", arguments.both, "Track from the first prompted frame forwards, then backwards")
          ->group(group);
  command.add_flag("--reverse", arguments.reverse, "Track from the last prompted frame backwards")
      ->excludes(both)
      ->group(group);
  command.add_option("--camera", arguments.input.camera, "Track what a camera sees, such as /dev/video0 (V4L2)")
      ->type_name("DEVICE")
      ->group(group);
  command.add_option("--fps", arguments.input.rate, "Of a folder: images a second (25)")
      ->check(CLI::Range(0.001, 1000.0))
      ->type_name("RATE")
      ->group(group);

  group = "Masks";
  command
      .add_option("--fill-hole-area", arguments.fill_hole_area,
                  "Fill holes of at most so many pixels of the low-res mask (8); 0: none")
      ->check(CLI::Range(0, 1 << 20))
      ->type_name("PIXELS")
      ->group(group);
  command
      .add_flag("--non-overlap-masks", arguments.non_overlap_masks,
                "Where objects overlap, give the pixel to the one of the greatest logit")
      ->group(group);
  command
      .add_flag("--allow-nonfinite", arguments.allow_nonfinite,
                "Take and give NaN and infinite values, which are an error without it")
      ->group(group);
  add_output_options(command, arguments);
}

Status check_track_arguments(TrackArguments& arguments) {
  constexpr std::array<const char*, 7> kOtherVideos{".avi", ".gif", ".mkv", ".mov", ".webm", ".m4v", ".ts"};
  const bool has_camera = !arguments.input.camera.empty();
  if (arguments.input.video.empty() && !has_camera)
    return usage_error("no video", "name a file or a folder, - for standard input, or give --camera");
  if (!arguments.input.video.empty() && has_camera)
    return usage_error("--camera beside a video", "give one or the other");
  if (!std::isfinite(arguments.input.rate) || arguments.input.rate <= 0)
    return usage_error(fmt::format("--fps {}: not a number of frames a second", arguments.input.rate));
  TrackOutputPaths& paths = arguments.paths;
  for (const std::string& out : arguments.out) {
    const std::string ending = lower_case_ending(out);
    if (std::ranges::any_of(kOtherVideos, [&](const char* other) { return ending == other; }))
      return usage_error(fmt::format("-o {}: samc writes mp4", out), "name it .mp4, or name a folder for PNGs");
    if (has_image_ending(out))
      return usage_error(fmt::format("-o {}: a video is more than one image", out), "name a folder, or an .mp4");
    std::string& place = ending == ".mp4" ? paths.video : paths.masks_dir;
    if (!place.empty())
      return usage_error(fmt::format("-o {} beside -o {}", place, out), "give one .mp4 and one folder at most");
    place = out;
  }
  if (paths.video.empty() && paths.masks_dir.empty() && paths.objects_dir.empty() && paths.rle.empty() &&
      paths.npz.empty())
    return usage_error("nothing to write", "give -o, --per-object, --rle or --save-npz");
  if (arguments.range.to && *arguments.range.to < arguments.range.from)
    return usage_error(fmt::format("--to {} is before --from {}", *arguments.range.to, arguments.range.from));
  const bool needs_all = arguments.reverse || arguments.both;
  if (needs_all && (has_camera || arguments.input.video == "-"))
    return usage_error(
        fmt::format("{} needs all frames, and these come only once", arguments.both ? "--both" : "--reverse"),
        "give a video file or a folder of images");
  if (!arguments.prompts.empty() && !arguments.flags.empty())
    return usage_error("--prompts beside other prompts", "write all of them into the file");
  return Status::ok();
}

Result<std::vector<TrackPrompt>> track_prompts(const TrackArguments& arguments) {
  Result<std::vector<TrackPrompt>> prompts =
      arguments.prompts.empty() ? prompts_of_flags(arguments) : read_track_prompts(arguments.prompts);
  if (!prompts.is_ok()) return prompts;
  if (prompts.value().empty())
    return usage_error("no prompts", "give --point, --box or --mask for the first frame, or --prompts");
  for (const TrackPrompt& prompt : prompts.value()) {
    const bool fits = prompt.object >= 1 && prompt.object < static_cast<int64_t>(kPaletteColours);
    if (!arguments.paths.masks_dir.empty() && !fits)
      return invalid_input(fmt::format("{}: object {} does not fit into palette PNGs", prompt.where, prompt.object),
                           "number objects from 1 to 255, or write --per-object");
    if (!arguments.range.holds(prompt.frame))
      return invalid_input(
          fmt::format("{}: frame {} is none of those that --from, --to and --every leave", prompt.where, prompt.frame));
  }
  return prompts;
}

Result<TrackPlan> make_track_plan(const TrackArguments& arguments, std::vector<TrackPrompt> prompts,
                                  const FrameSource& source) {
  const FrameSourceInfo& info = source.info();
  TrackPlan plan;
  plan.range = arguments.range;
  plan.direction = arguments.both      ? TrackDirection::kBoth
                   : arguments.reverse ? TrackDirection::kReverse
                                       : TrackDirection::kForward;
  plan.is_live = !arguments.input.camera.empty();
  plan.shows_untracked = !arguments.paths.video.empty();
  plan.first = plan.last = prompts.front().frame;
  for (const TrackPrompt& prompt : prompts) {
    plan.first = std::min(plan.first, prompt.frame);
    plan.last = std::max(plan.last, prompt.frame);
    Tensor mask;
    if (prompt.mask.empty()) {
      SAMC_TRY(check_prompt(prompt.prompt, info.width, info.height).at(prompt.where));
    } else {
      Result<Tensor> read = read_object_mask(prompt, info);
      if (!read.is_ok()) return read.status().at(prompt.where);
      mask = std::move(read).value();
    }
    plan.masks.push_back(std::move(mask));
  }
  plan.prompts = std::move(prompts);
  return plan;
}

}  // namespace samc
