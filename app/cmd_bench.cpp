#include <memory>
#include <random>

#include "app/bench_report.h"
#include "app/bench_video.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/model_opener.h"
#include "app/orientation_option.h"
#include "app/output_guard.h"
#include "base/cpu_features.h"
#include "base/stopwatch.h"
#include "base/thread_pool.h"
#include "media/image.h"
#include "package/reader.h"
#include "runtime/image_predictor.h"

namespace samc {
namespace {

struct Arguments {
  ModelArguments model;
  std::string image;
  Orientation orientation = Orientation::kUpright;
  int repeat = 5;
  int points = 1;
  VideoBenchArguments video;
  BenchOutputs outputs;
  bool allow_nonfinite = false;
  bool float_masks = false;
};

// A picture with detail at every scale, the same each time: speed does not depend on content, but zeros would flatter.
Image made_up_picture() {
  Image image(1800, 1200);
  std::minstd_rand random(1);
  for (size_t i = 0; i < image.rgb.size(); ++i)
    image.rgb[i] = static_cast<uint8_t>((i / 3 % 1800 / 9 + i / 5400 / 7 + random() % 64) % 256);
  return image;
}

// Of a module: once it is in the system's memory, as it is for every start but the first.
Status time_loading(const ModelArguments& arguments, BenchReport& report) {
  SAMC_ASSIGN(const bool bmodels, are_bmodels(arguments));
  if (bmodels) return Status::ok();
  SAMC_ASSIGN(const bool is_module, is_module_file(arguments.model));
  if (!is_module) return Status::ok();
  LoadOptions options;
  options.threads = arguments.threads;
  Stopwatch watch;
  SAMC_ASSIGN(const std::shared_ptr<Module> module, Module::load(arguments.model, options));
  report.phase("load module", {watch.lap()});
  return Status::ok();
}

Status bench_image(const Arguments& arguments, const ModelOpener& opener, const Image& image, BenchReport& report,
                   Progress& progress) {
  report.say("image {} x {}, {} repetition(s) after one for warming up; medians\n\n", image.width, image.height,
             arguments.repeat);
  report.set("image", {{"width", image.width}, {"height", image.height}});
  report.set("repetitions", arguments.repeat);
  report.set("points", arguments.points);

  report.begin_phases();
  std::string device;
  SAMC_ASSIGN(const std::vector<CompilePhase> compiling, opener.time_compilation(arguments.model, progress));
  for (const auto& [name, milliseconds] : compiling) report.phase(name, {milliseconds});
  SAMC_ASSIGN(std::unique_ptr<ImageModel> model, opener.open(arguments.model, progress, device));
  SAMC_TRY(time_loading(arguments.model, report));
  progress.clear();
  PredictorOptions options;
  options.threads = arguments.model.threads;
  options.allow_nonfinite = arguments.allow_nonfinite;
  SAMC_ASSIGN(ImagePredictor predictor, ImagePredictor::create(std::move(model), options));
  report.set("model", predictor.info().name);
  if (!device.empty()) report.say("  {} runs on {}\n", predictor.info().name, device);
  ObjectPrompt prompt;
  for (int i = 0; i < arguments.points; ++i)
    prompt.points.push_back(
        {static_cast<float>((i * 37 + 50) % 100) / 100, static_cast<float>((i * 53 + 50) % 100) / 100, 1});
  PredictOptions predict_options;
  predict_options.normalize_coords = false;
  predict_options.masks_as_f32 = arguments.float_masks;

  report.add_step(
      "set_image", [&] { return predictor.set_image(image); }, {}, "preprocessing");
  Prediction last;  // is looked at until the next one is there, as in most programs
  report.add_step(
      "predict",
      [&]() -> Status {
        SAMC_ASSIGN(Prediction prediction, predictor.predict(prompt, predict_options));
        std::swap(last, prediction);
        predictor.reuse(std::move(prediction.masks));
        return Status::ok();
      },
      fmt::format("one prompt of {} point(s), three masks{}", arguments.points, arguments.float_masks ? " in f32" : ""),
      "upscaling and the rest");
  SAMC_TRY(report.run_steps(
      arguments.repeat, [&](OperationObserver observer) { predictor.observe(std::move(observer)); }, predictor.pool()));
  report.say_steps();
  if (device.empty()) {  // a chip does not tell its operations
    report.say("  working memory {}\n\n", human_bytes(static_cast<double>(predictor.working_bytes())));
    report.set("working_bytes", predictor.working_bytes());
  } else {
    report.set("device", device);
  }
  return report.finish();
}

Status bench(const Arguments& arguments, const ModelOpener& opener) {
  OutputGuard guard;
  guard.add_input(arguments.image);
  guard.add_inputs([&] { return opener.files(arguments.model); });
  guard_bench_outputs(arguments.outputs, guard);
  SAMC_TRY(guard.check());
  Progress progress;
  SAMC_ASSIGN(const Isa isa, choose_isa());
  Image image;
  if (arguments.image.empty()) {
    image = made_up_picture();
  } else {
    SAMC_ASSIGN(image, read_image(arguments.image, nullptr, kMostPixels, arguments.orientation));
  }
  ThreadPool pool(arguments.model.threads);
  BenchReport report(arguments.outputs, isa, pool, progress);
  return arguments.video.on ? bench_video(arguments.model, arguments.video, arguments.repeat, report, opener, progress)
                            : bench_image(arguments, opener, image, report, progress);
}

}  // namespace

Command add_bench(CLI::App& parent, const ModelOpener& opener) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      parent.add_subcommand("bench", "Time a model by phase and by operation, beside what the machine can do");
  opener.add_options(*command, arguments->model);
  command->add_option("--image", arguments->image, "An image; else one of 1800 x 1200 is made up")->type_name("IMAGE");
  add_orientation_option(*command, arguments->orientation);
  command->add_option("--repeat", arguments->repeat, "How often (5)")->check(CLI::Range(1, 10000))->type_name("N");
  command->add_option("--points", arguments->points, "How many points the prompt has (1)")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  command->add_flag("--float-masks", arguments->float_masks,
                    "Masks in f32 of 0 and 1, as Python gets them; else in bytes");
  command->add_flag("--allow-nonfinite", arguments->allow_nonfinite,
                    "Go on where a result holds NaN or infinite values");
  add_video_bench_options(*command, arguments->video);
  add_bench_output_options(*command, arguments->outputs);
  command->footer(
      "Examples:\n"
      "  samc bench --model tiny.samc --threads 2 --ops\n"
      "  samc bench --model tiny.samc --json bench.json --trace trace.json");
  return [arguments, &opener] { return bench(*arguments, opener); };
}

}  // namespace samc
