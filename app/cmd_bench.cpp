#include <algorithm>
#include <map>
#include <memory>
#include <random>

#include "app/commands.h"
#include "app/console.h"
#include "app/model_opener.h"
#include "app/orientation_option.h"
#include "base/cpu_features.h"
#include "base/stopwatch.h"
#include "base/thread_pool.h"
#include "kernels/fma_peak.h"
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
  bool operations = false;
  bool allow_nonfinite = false;
};

double median(std::vector<double> values) {
  SAMC_CHECK(!values.empty(), "the median of nothing");
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// All runs of one operation, or of all operations of one kernel.
struct Row {
  std::string function, name, kernel, variant;
  std::vector<double> milliseconds;  // one for each repetition
  double arithmetic = 0;             // of one repetition
  int calls = 0;                     // in one repetition
};

// Adds up what the observer hears. Operations come in the same order in each repetition.
class Recorder {
 public:
  void start_repetition() {
    next_ = 0;
    ++repetitions_;
  }
  void add(const OperationTiming& timing) {
    if (next_ == rows_.size())
      rows_.push_back({std::string(timing.function),
                       std::string(timing.name),
                       std::string(timing.kernel),
                       timing.variant,
                       {},
                       timing.arithmetic,
                       1});
    rows_[next_++].milliseconds.push_back(timing.milliseconds);
  }
  const std::vector<Row>& rows() const { return rows_; }
  // One row for each function, kernel and variant; most time first.
  std::vector<Row> by_kernel() const {
    std::map<std::tuple<std::string, std::string, std::string>, Row> sums;
    for (const Row& row : rows_) {
      Row& sum = sums[{row.function, row.kernel, row.variant}];
      if (sum.calls == 0) sum = {row.function, row.kernel, row.kernel, row.variant, {}, 0, 0};
      sum.milliseconds.resize(row.milliseconds.size());
      for (size_t i = 0; i < row.milliseconds.size(); ++i) sum.milliseconds[i] += row.milliseconds[i];
      sum.arithmetic += row.arithmetic;
      ++sum.calls;
    }
    std::vector<Row> result;
    result.reserve(sums.size());
    for (auto& [key, row] : sums) result.push_back(std::move(row));
    std::sort(result.begin(), result.end(),
              [](const Row& a, const Row& b) { return median(a.milliseconds) > median(b.milliseconds); });
    return result;
  }
  // In the order in which they ran first.
  std::vector<std::string> functions() const {
    std::vector<std::string> names;
    for (const Row& row : rows_)
      if (std::find(names.begin(), names.end(), row.function) == names.end()) names.push_back(row.function);
    return names;
  }
  double total(const std::string& function) const {
    std::vector<double> sums(static_cast<size_t>(repetitions_));
    for (const Row& row : rows_)
      if (row.function == function)
        for (size_t i = 0; i < row.milliseconds.size(); ++i) sums[i] += row.milliseconds[i];
    return median(sums);
  }
  double arithmetic(const std::string& function) const {
    double sum = 0;
    for (const Row& row : rows_)
      if (row.function == function) sum += row.arithmetic;
    return sum;
  }

 private:
  std::vector<Row> rows_;
  size_t next_ = 0;
  int repetitions_ = 0;
};

void print_row(const Row& row, double peak, bool with_name) {
  const double time = median(row.milliseconds);
  const double rate = time > 0 ? row.arithmetic / time / 1e6 : 0;
  say("  {:<20} {:<16} {:<8} {:>6} {:>10.3f} {:>9.1f} {:>6.1f}{}\n", row.function, row.kernel, row.variant, row.calls,
      time, rate, 100 * rate / peak, with_name ? "  " + row.name : "");
}

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

std::string rate_text(const Recorder& recorder, const std::string& function, double peak) {
  const double time = recorder.total(function), arithmetic = recorder.arithmetic(function);
  if (time <= 0 || arithmetic <= 0) return {};
  const double rate = arithmetic / time / 1e6;
  return fmt::format("{:.1f} GFLOP, {:.0f} GFLOP/s, {:.0f} % of the peak", arithmetic / 1e9, rate, 100 * rate / peak);
}

// A line for each function that ran, in order. What of `total` is left.
double print_functions(const Recorder& recorder, double total, double peak) {
  for (const std::string& function : recorder.functions()) {
    const double time = recorder.total(function);
    say_phase(("  " + function).c_str(), time, rate_text(recorder, function, peak));
    total -= time;
  }
  return total;
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
  const double peak = fma_peak_gflops(isa, pool);
  progress.clear();
  say("{}\n{} instructions, {} thread(s), measured FMA peak {:.1f} GFLOP/s (f32)\n", machine_description(), isa.name,
      pool.threads(), peak);
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
  double rest = print_functions(encoder, median(set_image), peak);
  say_phase("  preprocessing", rest);
  say_phase("predict", median(predict), fmt::format("one prompt of {} point(s), three masks", arguments.points));
  rest = print_functions(decoder, median(predict), peak);
  say_phase("  upscaling and the rest", rest);
  if (!device.empty()) return Status::ok();  // a chip does not tell its operations
  say("  working memory {}\n\n", human_bytes(static_cast<double>(predictor.working_bytes())));

  say("  {:<20} {:<16} {:<8} {:>6} {:>10} {:>9} {:>6}\n", "function", "kernel", "variant", "calls", "ms", "GFLOP/s",
      "% peak");
  for (const Recorder* recorder : {&encoder, &decoder})
    for (const Row& row : recorder->by_kernel()) print_row(row, peak, false);
  if (arguments.operations) {
    say("\n");
    for (const Recorder* recorder : {&encoder, &decoder})
      for (const Row& row : recorder->rows()) print_row(row, peak, true);
  }
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
  command->add_flag("--ops", arguments->operations, "Also a line for each operation, in order");
  command->footer("Example:\n  samc bench --model tiny.samc --threads 2 --ops");
  return [arguments, &opener] { return bench(*arguments, opener); };
}

}  // namespace samc
