#include <memory>
#include <random>

#include "app/bench_table.h"
#include "app/bench_video.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/model_opener.h"
#include "app/orientation_option.h"
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
  bool allow_nonfinite = false;
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
Status time_loading(const ModelArguments& arguments) {
  SAMC_ASSIGN(const bool bmodels, are_bmodels(arguments));
  if (bmodels) return Status::ok();
  SAMC_ASSIGN(const bool is_module, is_module_file(arguments.model));
  if (!is_module) return Status::ok();
  LoadOptions options;
  options.threads = arguments.threads;
  Stopwatch watch;
  SAMC_ASSIGN(const std::shared_ptr<Module> module, Module::load(arguments.model, options));
  say_phase("load module", watch.lap());
  return Status::ok();
}

Status bench(const Arguments& arguments, const ModelOpener& opener) {
  Progress progress;
  SAMC_ASSIGN(const Isa isa, choose_isa());
  Image image;
  if (arguments.image.empty()) {
    image = made_up_picture();
  } else {
    SAMC_ASSIGN(image, read_image(arguments.image, nullptr, kMostPixels, arguments.orientation));
  }
  ThreadPool pool(arguments.model.threads);
  progress.show("measuring the machine ...");
  const Peaks peaks = measure_peaks(isa, pool);
  progress.clear();
  say("{}\n{} instructions, {} thread(s), measured FMA peak {:.1f} GFLOP/s (f32){}, {:.1f} GFLOP/s (int8)\n",
      machine_description(), isa.name, pool.threads(), peaks.f32,
      peaks.bf16 > 0 ? fmt::format(", {:.1f} GFLOP/s (bf16)", peaks.bf16) : "", peaks.int8);
  if (arguments.video.on) return bench_video(arguments.model, arguments.video, arguments.repeat, peaks, opener);
  say("image {} x {}, {} repetition(s) after one for warming up; medians\n\n", image.width, image.height,
      arguments.repeat);

  say("  {:<28} {:>10}\n", "phase", "ms");
  std::string device;
  SAMC_TRY(opener.time_compilation(arguments.model, progress));
  SAMC_ASSIGN(std::unique_ptr<ImageModel> model, opener.open(arguments.model, progress, device));
  SAMC_TRY(time_loading(arguments.model));
  progress.clear();
  PredictorOptions options;
  options.threads = arguments.model.threads;
  options.allow_nonfinite = arguments.allow_nonfinite;
  SAMC_ASSIGN(ImagePredictor predictor, ImagePredictor::create(std::move(model), options));
  if (!device.empty()) say("  {} runs on {}\n", predictor.info().name, device);
  ObjectPrompt prompt;
  for (int i = 0; i < arguments.points; ++i)
    prompt.points.push_back(
        {static_cast<float>((i * 37 + 50) % 100) / 100, static_cast<float>((i * 53 + 50) % 100) / 100, 1});
  PredictOptions predict_options;
  predict_options.normalize_coords = false;

  Recorder encoder, decoder;
  std::vector<double> set_image, predict;
  for (int i = 0; i <= arguments.repeat; ++i) {
    const bool is_measured = i > 0;
    progress.show(is_measured ? fmt::format("repetition {} of {} ...", i, arguments.repeat) : "warming up ...");
    if (is_measured) encoder.start_repetition();
    predictor.observe([&](const OperationTiming& timing) {
      if (is_measured) encoder.add(timing);
    });
    Stopwatch watch;
    SAMC_TRY(predictor.set_image(image));
    if (is_measured) set_image.push_back(watch.lap());
    if (is_measured) decoder.start_repetition();
    predictor.observe([&](const OperationTiming& timing) {
      if (is_measured) decoder.add(timing);
    });
    watch.lap();
    SAMC_ASSIGN(const Prediction prediction, predictor.predict(prompt, predict_options));
    if (is_measured) predict.push_back(watch.lap());
  }
  progress.clear();
  say_phase("set_image", median(set_image));
  double rest = print_functions(encoder, median(set_image), peaks);
  say_phase("  preprocessing", rest);
  say_phase("predict", median(predict), fmt::format("one prompt of {} point(s), three masks", arguments.points));
  rest = print_functions(decoder, median(predict), peaks);
  say_phase("  upscaling and the rest", rest);
  if (!device.empty()) return Status::ok();  // a chip does not tell its operations
  say("  working memory {}\n\n", human_bytes(static_cast<double>(predictor.working_bytes())));

  const Recorder* recorders[] = {&encoder, &decoder};
  print_kernels(recorders, peaks, arguments.video.operations);
  return Status::ok();
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
  command->add_flag("--allow-nonfinite", arguments->allow_nonfinite,
                    "Go on where a result holds NaN or infinite values");
  command->add_flag("--ops", arguments->video.operations, "Also a line for each operation, in order");
  add_video_bench_options(*command, arguments->video);
  command->footer("Example:\n  samc bench --model tiny.samc --threads 2 --ops");
  return [arguments, &opener] { return bench(*arguments, opener); };
}

}  // namespace samc
