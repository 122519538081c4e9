#include <fmt/ranges.h>

#include <filesystem>
#include <memory>

#include "app/build_id.h"
#include "app/bundled_model.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/memory_arguments.h"
#include "app/model_files.h"
#include "app/model_source.h"
#include "app/orientation_option.h"
#include "app/output_guard.h"
#include "app/script_options.h"
#include "app/sophgo_arguments.h"
#include "app/test_inputs.h"
#include "base/files.h"
#include "base/mapped_file.h"
#include "base/stopwatch.h"
#include "media/npz.h"
#include "targets/sophgo/tools/deploy.h"
#include "targets/sophgo/transform.h"

namespace samc {
namespace {

using namespace sophgo;

struct Arguments : SourceOptions {
  std::string model_name, part, input_shapes, output_names, test_input, test_result, mlir;
  std::string until, mean = "0,0,0", scale = "1,1,1", resize_dims;
  Preprocess preprocess;
  int64_t max_points = kDefaultMaxPoints;
  bool for_video = false;
  MemoryArguments memory;
  std::vector<std::string> disabled;
  std::string preprocess_list;
  Orientation orientation = Orientation::kUpright;
  int threads = 0;
  bool not_inference = false;
  ForeignOptions foreign;
};

Result<TransformOptions> make_options(const Arguments& arguments) {
  TransformOptions options;
  static_cast<SourceOptions&>(options) = arguments;
  options.model_name = arguments.model_name;
  if (!arguments.part.empty()) {
    SAMC_ASSIGN(options.part, find_part(arguments.part));
  }
  options.for_video = arguments.for_video;
  if (options.for_video && (!options.part || is_memory_part(*options.part)))
    return usage_error("--video is for --part encoder and --part decoder", "leave it out");
  const bool is_attention = options.part == ModelPart::kMemoryAttention;
  if (!is_attention && arguments.memory.is_given())
    return usage_error(
        "--memory_form, --max_memories, --max_pointers, --exponentials and --num_core are for --part memory_attention",
        "leave them out");
  if (is_attention) {
    SAMC_ASSIGN(options.memory, arguments.memory.options());
  }
  options.warn = [model = arguments.model](const std::string& warning) { warn(fmt::format("{}: {}", model, warning)); };
  if (arguments.max_points != kDefaultMaxPoints && options.part != ModelPart::kDecoder)
    return usage_error("--max_points is for decoders that serve any prompt",
                       "give --part decoder with it, or the number of points with --input_shapes");
  options.max_points = arguments.max_points;
  if (!arguments.input_shapes.empty()) {
    SAMC_ASSIGN(options.input_shapes, parse_shapes("--input_shapes", arguments.input_shapes));
  }
  options.output_names = split_names(arguments.output_names);
  options.preprocess = arguments.preprocess;
  SAMC_ASSIGN(options.preprocess.mean, parse_numbers("--mean", arguments.mean));
  SAMC_ASSIGN(options.preprocess.scale, parse_numbers("--scale", arguments.scale));
  if (!arguments.resize_dims.empty()) {
    SAMC_ASSIGN(options.preprocess.resize_dims, parse_integers("--resize_dims", arguments.resize_dims));
  }
  if (!arguments.preprocess_list.empty()) {
    SAMC_ASSIGN(options.preprocess.inputs, parse_integers("--preprocess_list", arguments.preprocess_list));
  }
  options.disabled_passes = {arguments.disabled.begin(), arguments.disabled.end()};
  options.until = arguments.until;
  return options;
}

void print_preprocess(const Preprocess& preprocess) {
  say("preprocess configuration (read by deploy --fuse_preprocess; the model takes the normalised image):\n");
  say("  resize_dims        {}\n", preprocess.resize_dims.empty()
                                       ? "same as the input's height and width"
                                       : fmt::format("{}", fmt::join(preprocess.resize_dims, ", ")));
  say("  keep_aspect_ratio  {}\n", preprocess.keep_aspect_ratio);
  say("  keep_ratio_mode    {}\n", preprocess.keep_ratio_mode);
  say("  pad_value          {}, {}\n", preprocess.pad_value, preprocess.pad_type);
  say("  mean               {}\n", joined(preprocess.mean));
  say("  scale              {}\n", joined(preprocess.scale));
  say("  pixel_format       {}\n", preprocess.pixel_format);
  say("  channel_format     {}\n", preprocess.channel_format);
}

Status run_test(const TransformedModel& model, const Arguments& arguments, const Preprocess& preprocess,
                Progress& progress) {
  Stopwatch watch;
  ThreadPool pool(arguments.threads);
  SAMC_ASSIGN(const NamedTensors inputs,
              read_test_inputs(arguments.test_input, model.inputs(), preprocess, pool, arguments.orientation));
  NamedViews views;
  for (const auto& [name, tensor] : inputs) views[name] = tensor.view();
  progress.show("running the reference interpreter ...");
  SAMC_ASSIGN(const NamedTensors outputs, model.run(views, &pool));
  progress.clear();
  std::vector<std::pair<std::string, TensorView>> arrays;
  for (const auto& [name, tensor] : outputs) arrays.emplace_back(name, tensor.view());
  SAMC_TRY(write_npz(arguments.test_result, arrays));
  say("{:<28} {:>9.0f} ms  {} outputs to {}\n", "test run", watch.lap(), outputs.size(), arguments.test_result);
  return Status::ok();
}

// Long lists go on under themselves.
std::string wrapped(const std::string& text) {
  constexpr size_t kColumn = 54, kWidth = 100;
  std::string lines;
  size_t start = 0;
  while (text.size() - start > kWidth) {
    const size_t end = text.rfind(", ", start + kWidth);
    if (end == std::string::npos || end <= start) break;
    lines += text.substr(start, end + 1 - start) + "\n" + std::string(kColumn, ' ');
    start = end + 2;
  }
  return lines + text.substr(start);
}

std::string weights_beside(const std::string& mlir, const std::string& model_name) {
  return (std::filesystem::path(mlir).parent_path() / weight_file_name(model_name)).string();
}

// The weights' file has its name from the model's, so that another .mlir of that name in the folder would lose its own.
Status check_weights_are_its_own(const std::string& mlir, const std::string& model_name) {
  namespace fs = std::filesystem;
  const fs::path weights = weights_beside(mlir, model_name);
  std::error_code error;
  if (!fs::exists(weights, error)) return Status::ok();
  const fs::path folder = weights.parent_path().empty() ? "." : weights.parent_path();
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end; entries.increment(error)) {
    const fs::path& other = entries->path();
    std::error_code ignored;
    if (other.extension() != ".mlir" || fs::equivalent(other, mlir, ignored)) continue;
    const Result<std::string> its_weights = sophgo::weights_of(other.string());
    if (its_weights.is_ok() && fs::equivalent(its_weights.value(), weights, ignored))
      return usage_error(fmt::format("{} holds the weights of {}", weights.string(), other.string()),
                         "give another --model_name, or another folder");
  }
  return Status::ok();
}

Status transform(const Arguments& arguments) {
  SAMC_ASSIGN(const TransformOptions options, make_options(arguments));
  if (!arguments.mlir.ends_with(".mlir")) return usage_error("--mlir " + arguments.mlir + " does not end in .mlir");
  if (arguments.test_input.empty() != arguments.test_result.empty())
    return usage_error("--test_input and --test_result belong together", "give both or none");
  if (!arguments.test_input.empty())
    for (const std::string& file : test_input_files(arguments.test_input))
      SAMC_TRY(MappedFile::open(file).status());  // before the work
  OutputGuard guard;
  for (const std::string& file : test_input_files(arguments.test_input)) guard.add_input(file);
  guard.add_inputs([&] { return model_files(options.model, options.config); });
  guard.add_output("--mlir", arguments.mlir);
  guard.add_output("--mlir", weights_beside(arguments.mlir, options.model_name));
  if (options.part == ModelPart::kMemoryAttention) guard.add_output("--mlir", table_beside(arguments.mlir));
  guard.add_output("--test_result", arguments.test_result);
  SAMC_TRY(guard.check());
  SAMC_TRY(arguments.foreign.check());
  print_preprocess(options.preprocess);
  Stopwatch making;
  Progress progress;
  progress.show("transforming " + arguments.model + " ...");
  SAMC_ASSIGN(const auto model, TransformedModel::make(options, [&](const PhaseReport& phase) {
                progress.clear();
                say("{:<28} {:>9.1f} ms  ", phase.name, phase.milliseconds);
                if (phase.operations > 0) say("{:>5} ops  ", phase.operations);
                print_text(wrapped(printable(phase.note)) + "\n");
              }));
  const double made = making.lap();
  SAMC_TRY(check_weights_are_its_own(arguments.mlir, options.model_name));
  SAMC_TRY(model->write(arguments.mlir));
  const double written = making.lap();
  say("{:<28} {:>9.1f} ms\n", "write", written);
  std::vector<std::string> counts;
  for (const auto& [name, count] : model->operation_counts()) counts.push_back(fmt::format("{} {}", name, count));
  say("top ops: {}\n", joined(counts));
  for (const NamedShape& input : model->inputs()) say("input   {} {}\n", input.name, shape_to_string(input.shape));
  for (const NamedShape& output : model->outputs()) say("output  {} {}\n", output.name, shape_to_string(output.shape));
  say("{} and {}: {:.1f} GFLOP, {:.2f} s in all\n", arguments.mlir, weights_beside(arguments.mlir, options.model_name),
      2e-9 * static_cast<double>(model->multiply_adds()), (made + written) / 1e3);
  if (!model->quantize_lines().empty())
    say("{}: {} ops that deploy computes in another precision\n", table_beside(arguments.mlir),
        model->quantize_lines().size());
  if (arguments.test_input.empty() || arguments.not_inference) return Status::ok();
  return run_test(*model, arguments, options.preprocess, progress);
}

}  // namespace

Command add_transform(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  CLI::App* command =
      parent.add_subcommand("transform", "Write a model as Top-dialect MLIR, as TPU-MLIR's model_transform.py does");
  command->add_option("--model_name", a.model_name, "The module's name, also in the weights' file name")->required();
  command->add_option("--model_def", a.model, "An ONNX model, a PyTorch checkpoint (.pt), or an export's folder")
      ->required()
      ->type_name("FILE|DIR")
      ->transform(bundled_model());
  command->add_option("--mlir", a.mlir, "Where the MLIR goes; its weights go beside it")
      ->required()
      ->type_name("FILE.mlir");
  command
      ->add_option(
          "--part", a.part,
          "Of a .pt or an export's folder: encoder or decoder; of a .pt, to track objects: memory_attention or "
          "memory_encoder")
      ->type_name("PART");
  command->add_flag("--video", a.for_video,
                    "Of --part encoder and decoder of a .pt: what tracking needs of them comes out too");
  add_checkpoint_options(*command, a);
  command
      ->add_option("--max_points", a.max_points, "Of --part decoder: most points of a prompt, the pad point included")
      ->type_name("N")
      ->capture_default_str();
  a.memory.add_to(*command);
  a.memory.add_cores_to(*command);
  command
      ->add_option("--input_shapes", a.input_shapes,
                   "Such as [[1,3,1024,1024]]; needed where an .onnx leaves them open")
      ->type_name("SHAPES");
  command->add_option("--output_names", a.output_names, "Values to compute instead of the outputs")->type_name("A,B");
  command->add_option("--mean", a.mean, "Of pixels of 0 to 255")->type_name("R,G,B")->capture_default_str();
  command->add_option("--scale", a.scale, "(pixel - mean) * scale")->type_name("R,G,B")->capture_default_str();
  command->add_option("--pixel_format", a.preprocess.pixel_format, "rgb, bgr, gray or rgbd")->capture_default_str();
  command->add_option("--channel_format", a.preprocess.channel_format, "nchw, nhwc or none")->capture_default_str();
  command->add_option("--resize_dims", a.resize_dims, "Height and width; unset: the input's")->type_name("H,W");
  command->add_flag("--keep_aspect_ratio", a.preprocess.keep_aspect_ratio, "Pad instead of distorting");
  command->add_option("--keep_ratio_mode", a.preprocess.keep_ratio_mode, "letterbox or short_side_scale")
      ->capture_default_str();
  command->add_option("--pad_value", a.preprocess.pad_value)->capture_default_str();
  command->add_option("--pad_type", a.preprocess.pad_type, "normal or center")->capture_default_str();
  command
      ->add_option("--test_input", a.test_input,
                   "Inputs to run the result on, in samc's reference interpreter: arrays by name, or one .npy for each "
                   "input, or an image, which goes through the preprocess configuration")
      ->type_name("FILE.npz|A.npy,B.npy|IMAGE");
  command->add_option("--test_result", a.test_result, "Where that run's outputs go")->type_name("FILE.npz");
  add_orientation_option(*command, a.orientation);
  command->add_option("--until", a.until, "Stop at the end of this phase: input, top, fused or sophgo")
      ->type_name("PHASE");
  command->add_flag("--not_inference", a.not_inference, "Do not run it, whatever --test_input says");
  command
      ->add_option("--preprocess_list", a.preprocess_list,
                   "Inputs, from 1 on, that the preprocess configuration is for; unset: all that are images")
      ->type_name("1,2");
  command->add_option("--disable", a.disabled, "Leave a pass out; may be given several times")
      ->allow_extra_args(false)
      ->type_name("PASS");
  command->add_option("--threads", a.threads, "Of the test run; 0: one for each core")->check(CLI::Range(0, 1024));
  command->set_version_flag("-V,--version", version_line("samc"));
  a.foreign.add_to(*command, model_transform_script());
  command->footer(
      "Example:\n  samc transform --model_name sam2_encoder --model_def encoder.onnx --input_shapes [[1,3,1024,1024]] "
      "\\\n"
      "    --mean 123.675,116.28,103.53 --scale 0.01712475,0.017507,0.01742919 --pixel_format rgb --mlir encoder.mlir");
  return [arguments] { return transform(*arguments); };
}

}  // namespace samc
