#include <fmt/ranges.h>

#include <filesystem>
#include <memory>

#include "app/build_id.h"
#include "app/commands.h"
#include "app/console.h"
#include "app/model_files.h"
#include "app/orientation_option.h"
#include "app/output_guard.h"
#include "app/script_options.h"
#include "app/sophgo_arguments.h"
#include "app/test_inputs.h"
#include "base/files.h"
#include "base/stopwatch.h"
#include "ir/mlir_text.h"
#include "media/npz.h"
#include "targets/sophgo/device/bmodel.h"
#include "targets/sophgo/device/run_on_device.h"
#include "targets/sophgo/device/similarity.h"
#include "targets/sophgo/tools/deploy.h"
#include "targets/sophgo/tools/fused_picture.h"
#include "targets/sophgo/transform.h"

namespace samc {
namespace {

using namespace sophgo;

// Simulated in a few seconds; larger models only with --validate.
constexpr int64_t kMostProductsByDefault = 2'000'000'000;

struct Arguments {
  DeployOptions deploy;
  std::string tpu_mlir, tolerance, test_input, test_reference, excepts, input_list, output_list;
  bool validate = false, skip_validation = false, gen_test_input = false;
  bool io_alone = false, no_structure_detection = false, no_layer_groups = false, no_topological_sort = false,
       no_affine = false;
  Orientation orientation = Orientation::kUpright;
  int threads = 0;
  ForeignOptions foreign;
};

void print_estimate(const DeployReport& report) {
  say("tpuc-opt's estimate for the chip:\n");
  say("  {:<6} {:>12} {:>14} {:>12} {:>10} {:>8} {:>10}\n", "core", "cycles", "compute busy", "DMA busy", "DDR MB",
      "DDR %", "ms");
  for (size_t core = 0; core < report.cores.size(); ++core) {
    const EngineEstimate& e = report.cores[core];
    say("  {:<6} {:>12.0f} {:>14.0f} {:>12.0f} {:>10.1f} {:>8.1f} {:>10.3f}\n", core, e.total_cycles, e.compute_cycles,
        e.dma_cycles, e.ddr_megabytes, e.ddr_usage_percent, e.milliseconds);
  }
}

// Numbers in -1..1 that depend on the seed alone.
Tensor random_tensor(const Shape& shape, uint64_t seed) {
  Tensor tensor(shape);
  uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (float& value : tensor.f32()) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    value = static_cast<float>(static_cast<double>(state >> 11) * 0x1p-52 - 1.0);
  }
  return tensor;
}

// From --test_input, or random numbers.
Result<NamedTensors> read_inputs(const TransformedModel& model, const Arguments& arguments, ThreadPool& pool) {
  const std::string& path = arguments.test_input;
  NamedTensors inputs;
  if (path.empty()) {
    uint64_t seed = 1;
    for (const NamedShape& input : model.inputs()) inputs[input.name] = random_tensor(input.shape, seed++);
    return inputs;
  }
  if (!path.ends_with(".npz")) {
    const std::vector<NamedShape> list = model.inputs();
    const auto preprocess = list.empty() ? std::nullopt : model.preprocess(list[0].name);
    if (path.ends_with(".npy")) return read_test_inputs(path, list, {}, pool);
    if (!preprocess)
      return invalid_input(path + " is an image, and the .mlir says nothing about preprocessing", "give an .npz");
    return read_test_inputs(path, list, *preprocess, pool, arguments.orientation);
  }
  SAMC_ASSIGN(const Npz npz, Npz::read(path));
  for (const NamedShape& input : model.inputs()) {
    SAMC_ASSIGN(const Tensor* tensor, npz.get(input.name));
    inputs[input.name] = to_f32(tensor->view());
  }
  return inputs;
}

Result<NamedTensors> read_reference(const TransformedModel& model, const std::string& path) {
  NamedTensors outputs;
  SAMC_ASSIGN(const Npz npz, Npz::read(path));
  for (const NamedShape& output : model.outputs())
    if (const Tensor* tensor = npz.find(output.name)) outputs[output.name] = to_f32(tensor->view());
  if (outputs.empty())
    return invalid_input(fmt::format("{} holds none of the model's outputs", path), "nothing could be compared");
  return outputs;
}

NamedViews views_of(const NamedTensors& tensors) {
  NamedViews views;
  for (const auto& [name, tensor] : tensors) views[name] = tensor.view();
  return views;
}

// The pixels that the bmodel takes instead of pictures, under its names; inputs become what the model makes of them.
Result<NamedTensors> fuse_pictures(const DeployOptions& options, const TransformedModel& model, NamedTensors& inputs) {
  SAMC_ASSIGN(const Bmodel bmodel, Bmodel::read(options.output));
  NamedTensors pixels;
  for (const BmodelTensor& input : bmodel.networks.at(0).stages.at(0).inputs) {
    if (!input.name.ends_with("_raw")) continue;
    const std::string name = input.name.substr(0, input.name.size() - 4);
    const auto preprocess = model.preprocess(name);
    if (!preprocess) continue;
    const std::string format = options.customization_format.empty()
                                   ? default_customization_format(preprocess->pixel_format)
                                   : options.customization_format;
    SAMC_ASSIGN(FusedPicture picture, fuse_picture(inputs.at(name).view(), *preprocess, format, input.shape));
    inputs[name] = std::move(picture.normalised);
    pixels[input.name] = std::move(picture.pixels);
  }
  return pixels;
}

Status validate(const Arguments& arguments, const TransformedModel& model, NamedTensors inputs, ThreadPool& pool,
                Progress& progress) {
  SAMC_ASSIGN(const ChipEntry* chip, find_chip(arguments.deploy.chip));
  SAMC_ASSIGN(const QuantizeEntry* mode, find_quantization(arguments.deploy.quantize));
  SAMC_ASSIGN(const TpuMlir tools, find_tpu_mlir(arguments.deploy.tpu_mlir));
  std::pair<double, double> tolerance{mode->cosine, mode->euclidean};
  if (!arguments.tolerance.empty()) {
    SAMC_ASSIGN(tolerance, parse_tolerance(arguments.tolerance));
  }
  NamedTensors pixels;
  if (arguments.deploy.fuse_preprocess) {
    SAMC_ASSIGN(pixels, fuse_pictures(arguments.deploy, model, inputs));
  }
  NamedViews taken = views_of(inputs);
  for (const auto& [name, tensor] : pixels) taken[name] = tensor.view();
  NamedTensors reference;
  if (!arguments.test_reference.empty()) {
    SAMC_ASSIGN(reference, read_reference(model, arguments.test_reference));
  } else {
    progress.show("validation: computing the reference in f32 ...");
    SAMC_ASSIGN(reference, model.run(views_of(inputs), &pool));
  }
  for (const std::string& name : split_names(arguments.excepts))
    if (name != "-" && reference.erase(name) == 0)
      warn(fmt::format("--excepts has no effect on {}: the model has no such output", name));
  SimulateOptions options;
  options.waiting = [&](double seconds) {
    progress.show(fmt::format("validation: simulating {} ... {:.0f} s", chip->name, seconds));
  };
  Stopwatch watch;
  SAMC_ASSIGN(const NamedTensors outputs, simulate(tools, *chip, arguments.deploy.output, taken, options));
  progress.clear();
  SAMC_ASSIGN(const std::vector<OutputSimilarity> list, compare_outputs(reference, outputs));
  say("in the simulator of {} against f32 ({:.1f} s, {}):\n", chip->name, watch.lap() / 1e3,
      arguments.test_input.empty() ? "random inputs" : arguments.test_input);
  say("  {:<28} {:>10} {:>10} {:>12}\n", "output", "cosine", "Euclidean", "max |d|");
  std::string worst;
  for (const auto& [name, similarity] : list) {
    const bool fits = similarity.cosine >= tolerance.first && similarity.euclidean >= tolerance.second;
    if (!fits) worst = name;
    say("  {:<28} {:>10.6f} {:>10.6f} {:>12.4g}{}\n", name, similarity.cosine, similarity.euclidean,
        similarity.largest_difference, fits ? "" : "  below the tolerance");
  }
  if (!worst.empty())
    return invalid_input(fmt::format("{}: output {} is further from f32 than {}, {}", arguments.deploy.output, worst,
                                     tolerance.first, tolerance.second),
                         "--tolerance sets cosine and Euclidean similarity");
  return Status::ok();
}

// What the options say together, in the terms of deploy().
Status settle(Arguments& arguments) {
  DeployOptions& deploy = arguments.deploy;
  CompilerOptions& compiler = deploy.compiler;
  if (!arguments.tpu_mlir.empty()) deploy.tpu_mlir = arguments.tpu_mlir;
  compiler.structure_detection = !arguments.no_structure_detection;
  compiler.layer_groups = !arguments.no_layer_groups;
  compiler.topological_sort = !arguments.no_topological_sort;
  compiler.affine = !arguments.no_affine;
  if (arguments.io_alone) {
    if (compiler.addr_mode != "auto") return usage_error("--io_alone beside --addr_mode", "leave --io_alone out");
    compiler.addr_mode = "io_alone";
  }
  for (const auto& [option, text, flag, list] :
       {std::tuple{"--quant_input", &arguments.input_list, deploy.quantize_input, &deploy.quantized_inputs},
        {"--quant_output", &arguments.output_list, deploy.quantize_output, &deploy.quantized_outputs}}) {
    if (text->empty()) continue;
    SAMC_ASSIGN(*list, parse_integers(std::string(option) + "_list", *text));
    if (!flag) warn(fmt::format("{0}_list has no effect without {0}", option));
  }
  SAMC_ASSIGN(const ChipEntry* chip, find_chip(deploy.chip));
  SAMC_ASSIGN(const QuantizeEntry* mode, find_quantization(deploy.quantize));
  if (compiler.compress_mode != "none" && chip->name != std::string("bm1688")) {
    warn("--compress_mode has no effect: only bm1688 has it");
    compiler.compress_mode = "none";
  }
  if (!mode->calibrated && (compiler.asymmetric || compiler.matmul_perchannel))
    warn(fmt::format("--asymmetric and --matmul_perchannel have no effect: they are for INT8, not for {}", mode->name));
  if (const std::string warning = quantization_warning(*mode); !warning.empty()) warn(warning);
  if (!mode->grouped && (compiler.q_symmetric || compiler.q_group_size != CompilerOptions().q_group_size))
    warn(fmt::format("--q_group_size and --q_symmetric have no effect: {} does not quantise weights", mode->name));
  return Status::ok();
}

Status run_deploy(const Arguments& given) {
  Arguments arguments = given;
  SAMC_TRY(given.foreign.check());
  SAMC_TRY(settle(arguments));
  if (arguments.validate && arguments.skip_validation)
    return usage_error("--validate and --skip_validation exclude each other");
  if (!arguments.deploy.output.ends_with(".bmodel"))
    return usage_error("--model " + arguments.deploy.output + " does not end in .bmodel");
  if (!arguments.test_reference.empty() && arguments.test_input.empty())
    return usage_error("--test_reference needs the --test_input that it belongs to");
  OutputGuard guard;
  for (const std::string& path : {arguments.deploy.calibration_table, arguments.deploy.quantize_table,
                                  arguments.deploy.compiler.layer_group_config, arguments.test_reference})
    guard.add_input(path);
  for (const std::string& path : test_input_files(arguments.test_input)) guard.add_input(path);
  guard.add_inputs([&] { return model_files(arguments.deploy.mlir); });
  guard.add_output("--model", arguments.deploy.output);
  guard.add_output("--model", log_beside(arguments.deploy.output));
  SAMC_TRY(guard.check());
  {
    // tpuc-opt's parser is MLIR's too, and says nothing when its stack is used up.
    SAMC_ASSIGN(const std::string text, read_text_file(arguments.deploy.mlir, kMostMlirBytes));
    SAMC_TRY(check_mlir_text(text).at(arguments.deploy.mlir));
  }
  Progress progress;
  arguments.deploy.waiting = [&](double seconds) {
    progress.show(fmt::format("tpuc-opt is compiling for {} ... {:.0f} s", arguments.deploy.chip, seconds));
  };
  SAMC_ASSIGN(const DeployReport report, deploy(arguments.deploy));
  progress.clear();
  print_estimate(report);
  say("{}: {} {}, {}, tpuc-opt took {:.2f} s\n", arguments.deploy.output, arguments.deploy.chip,
      arguments.deploy.quantize, human_bytes(static_cast<double>(report.bytes)), report.seconds);
  SAMC_TRY(flush_output());
  if (arguments.skip_validation) return Status::ok();
  const bool is_asked_for = arguments.validate || arguments.gen_test_input || !arguments.test_input.empty();
  auto read = TransformedModel::read(arguments.deploy.mlir);
  // tpuc-opt has accepted it, so what samc cannot read is no mistake in the file.
  if (!read.is_ok() && !is_asked_for) {
    say("not validated: {}\n", read.status().to_string());
    return Status::ok();
  }
  SAMC_ASSIGN(const auto model, std::move(read));
  if (const auto unknown = model->unknown_operations(); !unknown.empty() && !is_asked_for) {
    say("not validated: samc cannot compute {}\n", joined(unknown));
    return Status::ok();
  }
  const int64_t products = model->multiply_adds();
  if (!is_asked_for && products > kMostProductsByDefault) {
    say("not validated: {:.1f} G multiply-adds take long in the simulator; --validate does it\n",
        1e-9 * static_cast<double>(products));
    return Status::ok();
  }
  if (arguments.deploy.customization_format == "GRAYSCALE" && !is_asked_for) {
    say("not validated: grey images\n");
    return Status::ok();
  }
  ThreadPool pool(arguments.threads);
  SAMC_ASSIGN(NamedTensors inputs, read_inputs(*model, arguments, pool));
  return validate(arguments, *model, std::move(inputs), pool, progress);
}

void add_compiler_options(CLI::App& command, Arguments& a) {
  CompilerOptions& c = a.deploy.compiler;
  std::vector<CLI::Option*> options{
      command.add_option("--opt", c.opt, "How tpuc-opt searches for layer groups: 1, 2 or 3")->capture_default_str(),
      command.add_flag("--disable_layer_group", a.no_layer_groups, "Each op for itself"),
      command.add_option("--layer_group_config", c.layer_group_config, "tpuc-opt's settings of that search")
          ->type_name("FILE.json"),
      command
          .add_option("--shape_secs_search_strategy", c.shape_secs_search_strategy,
                      "How long it looks for better slices: 0, 1 or 2")
          ->capture_default_str(),
      command.add_flag("--disable_structure_detect_opt", a.no_structure_detection,
                       "Without looking for repeated structures"),
      command.add_option("--group_by_cores", c.group_by_cores, "Layer groups by cores: auto, true or false")
          ->capture_default_str(),
      command.add_flag("--disable_topo_sort", a.no_topological_sort, "Ops stay in the order of the .mlir"),
      command.add_flag("--disable_affine", a.no_affine, "Permutes, reshapes, slices and pads stay as they are"),
      command.add_option("--compress_mode", c.compress_mode, "On bm1688: none or weight")->capture_default_str(),
      command.add_flag("--weight_deduplicate", c.weight_deduplicate, "Equal weights lie in the bmodel once"),
      command
          .add_option("--addr_mode", c.addr_mode,
                      "Where inputs and outputs lie: auto, basic, io_alone, io_tag, io_tag_fuse, io_reloc or in_reuse")
          ->capture_default_str(),
      command.add_flag("--io_alone", a.io_alone, "--addr_mode io_alone"),
      command.add_flag("--asymmetric", c.asymmetric, "Of INT8: ranges from a value's least number to its largest"),
      command.add_flag("--matmul_perchannel", c.matmul_perchannel,
                       "Of INT8: a scale for each column of a product's weight"),
      command.add_option("--q_group_size", c.q_group_size, "Of W8 and W4: weights that share a scale")
          ->capture_default_str(),
      command.add_flag("--q_symmetric", c.q_symmetric, "Of W8 and W4: scales without zero points")};
  for (CLI::Option* option : options) option->group("Of tpuc-opt, as in model_deploy.py");
}

}  // namespace

Command add_deploy(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  CLI::App* command = parent.add_subcommand(
      "deploy", "Compile Top-dialect MLIR to a .bmodel for Sophgo's chips, as TPU-MLIR's model_deploy.py does");
  command->add_option("--mlir", a.deploy.mlir, "What transform, or model_transform.py, wrote")
      ->required()
      ->type_name("FILE.mlir");
  command->add_option("--model", a.deploy.output, "Where the bmodel goes")->required()->type_name("FILE.bmodel");
  command->add_option("--chip,--processor", a.deploy.chip, "bm1684x or bm1688")->required()->type_name("CHIP");
  a.deploy.quantize = "F32";
  command->add_option("--quantize", a.deploy.quantize, "F32, F16, BF16, INT8, W8F16, W8BF16, W4F16 or W4BF16")
      ->capture_default_str()
      ->type_name("MODE");
  command->add_option("--num_core", a.deploy.cores, "Cores to use: 1, on bm1688 1 or 2")->capture_default_str();
  command->add_flag("--quant_input", a.deploy.quantize_input, "The bmodel's inputs are 16 bits wide");
  command->add_flag("--quant_output", a.deploy.quantize_output, "The bmodel's outputs are 16 bits wide");
  command->add_flag("--quant_output_bf16", a.deploy.bf16_output, "The bmodel's outputs are bf16");
  command->add_option("--quant_input_list", a.input_list, "With --quant_input: only these inputs, from 1 on")
      ->type_name("1,3");
  command->add_option("--quant_output_list", a.output_list, "With --quant_output: only these outputs, from 1 on")
      ->type_name("1,3");
  command->add_flag("--fuse_preprocess", a.deploy.fuse_preprocess, "The bmodel takes an image of 8-bit pixels");
  command->add_option(
      "--customization_format", a.deploy.customization_format,
      "Of that image: RGB_PLANAR, RGB_PACKED, BGR_PLANAR, BGR_PACKED or GRAYSCALE; unset: the model's own, planar");
  command
      ->add_option("--calibration_table", a.deploy.calibration_table,
                   "With INT8: lines 'VALUE THRESHOLD MIN MAX' of calibrate, or of TPU-MLIR's run_calibration.py")
      ->type_name("FILE");
  command->add_option("--quantize_table", a.deploy.quantize_table, "Lines 'VALUE MODE': values of another precision")
      ->type_name("FILE");
  command->add_flag("--high_precision,--ignore_f16_overflow", a.deploy.high_precision, "Normalisations in f32");
  add_tpu_mlir_option(*command, a.tpu_mlir);
  command
      ->add_option(
          "--test_input", a.test_input,
          "Inputs to validate with: arrays by name, one .npy for each input, or an image; unset: random numbers")
      ->type_name("FILE.npz|A.npy,B.npy|IMAGE");
  add_orientation_option(*command, a.orientation);
  command->add_flag("--gen_test_input", a.gen_test_input, "Validate with random numbers, however large it is");
  command->add_option("--test_reference", a.test_reference, "Outputs to compare with; unset: computed in f32")
      ->type_name("FILE.npz");
  command->add_option("--tolerance", a.tolerance, "Least cosine and Euclidean similarity, such as 0.99,0.90");
  command->add_option("--excepts", a.excepts, "Outputs that are not compared; -: none")->type_name("A,B");
  command->add_flag("--validate", a.validate, "Run the bmodel in the chip's simulator, however large it is");
  command->add_flag("--skip_validation", a.skip_validation, "Do not run it");
  command->add_option("--threads", a.threads, "Of the reference; 0: one for each core")->check(CLI::Range(0, 1024));
  command->set_version_flag("-V,--version", version_line("samc"));
  add_compiler_options(*command, a);
  a.foreign.add_to(*command, model_deploy_script());
  command->footer(
      "Example:\n  samc deploy --mlir encoder.mlir --chip bm1688 --quantize F16 --num_core 2 --model encoder.bmodel");
  return [arguments] { return run_deploy(*arguments); };
}

}  // namespace samc
