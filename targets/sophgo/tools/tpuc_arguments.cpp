#include "targets/sophgo/tools/tpuc_arguments.h"

#include <fmt/ranges.h>

#include <filesystem>

#include "base/files.h"
#include "targets/sophgo/tools/fused_picture.h"

namespace samc::sophgo {
namespace {

constexpr size_t kMostDebugBytes = size_t{1} << 20;

const char* truth(bool value) { return value ? "True" : "False"; }

std::string strip_io_quant(const DeployOptions& options) {
  std::string argument = fmt::format("--strip-io-quant=quant_input={} quant_output={}", truth(options.quantize_input),
                                     truth(options.quantize_output));
  if (!options.quantized_inputs.empty())
    argument += fmt::format(" quant_input_list={}", fmt::join(options.quantized_inputs, ","));
  if (!options.quantized_outputs.empty())
    argument += fmt::format(" quant_output_list={}", fmt::join(options.quantized_outputs, ","));
  return options.bf16_output ? argument + " quant_output_bf16=True" : argument;
}

std::string layer_group(const CompilerOptions& options) {
  const bool has_file = !options.layer_group_config.empty() || !layer_group_settings(options).empty();
  return fmt::format(
      "--layer-group=opt={} group_by_cores={} compress_mode={} debugger=0 disable_group_overlap=false lgcache=true "
      "config_filename={} enable_lghash=False lghash_dir=",
      options.opt, options.group_by_cores, options.compress_mode, has_file ? kLayerGroupFile : "");
}

}  // namespace

std::string layer_group_settings(const CompilerOptions& options) {
  if (options.shape_secs_search_strategy == 0 && options.structure_detection) return "";
  return fmt::format("{{\"shape_secs_search_strategy\": {}, \"structure_detect_opt\": {}}}\n",
                     options.shape_secs_search_strategy, options.structure_detection);
}

std::vector<std::string> compile_arguments(const DeployOptions& options, const QuantizeEntry& mode,
                                           const std::string& pixel_format) {
  const CompilerOptions& compiler = options.compiler;
  std::vector<std::string> arguments = {
      "model.mlir",
      "--struct-optimize",
      "--shape-infer",
      "--canonicalize",
      "--extra-optimize",
      fmt::format("--processor-assign=chip={} mode={} num_device=1 num_core={} addr_mode={} high_precision={}",
                  options.chip, mode.name, options.cores, compiler.addr_mode, truth(options.high_precision))};
  const auto add = [&arguments](const char* argument) { arguments.emplace_back(argument); };
  if (!options.calibration_table.empty())
    arguments.push_back(
        fmt::format("--import-calibration-table=file={} asymmetric={}", kCalibrationTable, truth(compiler.asymmetric)));
  add("--processor-top-optimize");
  if (options.fuse_preprocess) {
    const std::string format = options.customization_format.empty() ? default_customization_format(pixel_format)
                                                                    : options.customization_format;
    arguments.push_back(
        fmt::format("--fuse-preprocess=mode={} customization_format={} align=False", mode.name, format));
  }
  const std::string table = options.quantize_table.empty() ? "" : fmt::format("qtable={} ", kQuantizeTable);
  arguments.push_back(fmt::format(
      "--convert-top-to-tpu={}weightFileName=lowered_weights.npz asymmetric={} doWinograd=False q_group_size={} "
      "q_symmetric={} matmul_perchannel={} gelu_mode=normal",
      table, truth(compiler.asymmetric), mode.grouped ? compiler.q_group_size : 0,
      truth(mode.grouped && compiler.q_symmetric), truth(compiler.matmul_perchannel)));
  for (const char* argument : {"--canonicalize", "--weight-fold", "--mlir-disable-threading"}) add(argument);
  arguments.push_back(strip_io_quant(options));
  for (const char* argument : {"--processor-tpu-optimize", "--dev-parallel", "--weight-reorder",
                               "--subnet-divide=dynamic=False", "--op-reorder"})
    add(argument);
  if (compiler.topological_sort) add("--topo-sort");
  if (compiler.layer_groups) arguments.push_back(layer_group(compiler));
  if (compiler.affine) add("--affine-opt");
  for (const char* argument : {"--core-parallel", "--after-layergroup-weight-reorder"}) add(argument);
  if (compiler.weight_deduplicate) add("--weight-deduplicate");
  for (const char* argument : {"--address-assign", "-o", "final.mlir"}) add(argument);
  return arguments;
}

std::vector<std::string> codegen_arguments() {
  return {"final.mlir",
          "--codegen=model_file=model.bmodel embed_debug_info=False model_version=latest bmodel_only=False "
          "gdma_check=False rvti=False",
          "-o", "/dev/null"};
}

Status check_debug_commands(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return Status::ok();
  SAMC_ASSIGN(const std::string text, read_text_file(path, kMostDebugBytes));
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return Status::ok();
  return io_error(fmt::format("{} holds commands of another run of tpuc-opt, and tpuc-opt would obey them", path),
                  "remove that file");
}

}  // namespace samc::sophgo
