#include "app/script_options.h"

#include <algorithm>
#include <cctype>

#include "app/console.h"

namespace samc {
namespace {

using enum OptionKind;
using enum Treatment;

constexpr const char* kStatic = "shapes are always those of the model";
constexpr const char* kOtherChips = "it is for chips that samc does not compile for";
constexpr const char* kInt8 = "inputs and outputs have 32 or 16 bits; use --quant_input and --quant_output";
constexpr const char* kMaskRcnn = "it is for MaskRCNN; samc compiles SAM 2 and single .onnx models";
constexpr const char* kAddresses = "samc gives each input and output memory of its own; leave it out";
constexpr const char* kDebugCommand =
    "tpuc-opt keeps it in /tmp/debug_cmd, where later runs of anybody obey it; leave it out";

constexpr ScriptOption kTransformOptions[] = {
    {"--model_name", kValue, "", kOwn, ""},
    {"--model_def", kValue, "", kOwn, ""},
    {"--model_extern", kValue, "", kRefused, kMaskRcnn},
    {"--model_data", kValue, "", kRefused, "it is for Caffe models; give an .onnx or a .pt"},
    {"--input_shapes", kValue, "", kOwn, ""},
    {"--input_types", kValue, "", kNoEffect, "the model says its inputs' types itself"},
    {"--output_names", kValue, "", kOwn, ""},
    {"--test_input", kValue, "", kOwn, ""},
    {"--test_result", kValue, "", kOwn, ""},
    {"--cache_skip", kFlag, "", kNoEffect, "nothing is compared here"},
    {"--tolerance", kValue, "0.99,0.99", kNoEffect, "nothing is compared here; samc deploy compares"},
    {"--excepts", kValue, "-", kNoEffect, "nothing is compared here; samc deploy compares"},
    {"--add_postprocess", kValue, "", kRefused, "samc adds no post-processing to a model; leave it out"},
    {"--pruning", kValue, "", kRefused, "samc leaves no weights out; leave it out"},
    {"--onnx_sim", kValue, "", kNoEffect, "samc simplifies the model itself"},
    {"--do_onnx_sim", kValue, "True", kNoEffect, "samc simplifies the model itself"},
    {"--debug", kFlag, "", kNoEffect, "there are no files in between that could be kept"},
    {"-V,--version", kFlag, "", kOwn, ""},
    {"--mlir", kValue, "", kOwn, ""},
    {"--patterns_count", kValue, "", kNoEffect, "it counts patterns of TPU-MLIR's Python"},
    {"--dynamic_shape_input_names", kValue, "", kNoEffect, kStatic},
    {"--shape_influencing_input_names", kValue, "", kNoEffect, kStatic},
    {"--dynamic", kFlag, "", kNoEffect, kStatic},
    {"--path_yaml", kValue, "", kRefused, kMaskRcnn},
    {"--not_inference", kFlag, "", kOwn, ""},
    {"--op_custom_shape", kValue, "", kRefused, "samc computes every shape; give --input_shapes"},
    {"--enable_maskrcnn", kFlag, "", kRefused, kMaskRcnn},
    {"--replace_topk_indices", kValue, "False", kNoEffect, "samc has no TopK, and says so of a model with one"},
    {"--yuv_type", kValue, "", kRefused, "samc reads no YUV files; give --test_input as .npz, JPEG or PNG"},
    {"--use_rewriter_config", kFlag, "", kNoEffect, "samc's passes rewrite the model"},
    {"--struct_optimize", kValue, "0", kNoEffect, "samc's passes rewrite the model"},
    {"--log_level", kValue, "0", kNoEffect, "each pass has its line"},
    {"--resize_dims", kValue, "", kOwn, ""},
    {"--keep_aspect_ratio", kFlag, "", kOwn, ""},
    {"--keep_ratio_mode", kValue, "letterbox", kOwn, ""},
    {"--mean", kValue, "0,0,0", kOwn, ""},
    {"--scale", kValue, "1,1,1", kOwn, ""},
    {"--pixel_format", kValue, "bgr", kOwn, ""},
    {"--channel_format", kValue, "nchw", kOwn, ""},
    {"--pad_value", kValue, "0", kOwn, ""},
    {"--pad_type", kValue, "center", kOwn, ""},
    {"--preprocess_list", kValue, "", kOwn, ""},
    {"--debug_cmd", kValue, "", kNoEffect, "no tpuc-opt runs here"},
};

constexpr ScriptOption kDeployOptions[] = {
    {"--mlir", kValue, "", kOwn, ""},
    {"--chip,--processor", kValue, "", kOwn, ""},
    {"--quantize", kValue, "F32", kOwn, ""},
    {"--model", kValue, "", kOwn, ""},
    {"--calibration_table", kValue, "", kOwn, ""},
    {"--quantize_table", kValue, "", kOwn, ""},
    {"--asymmetric", kFlag, "", kOwn, ""},
    {"--q_group_size", kValue, "64", kOwn, ""},
    {"--q_symmetric", kFlag, "", kOwn, ""},
    {"--quant_input", kFlag, "", kOwn, ""},
    {"--quant_output", kFlag, "", kOwn, ""},
    {"--quant_output_bf16", kFlag, "", kOwn, ""},
    {"--quant_input_int8", kFlag, "", kRefused, kInt8},
    {"--quant_output_int8", kFlag, "", kRefused, kInt8},
    {"--quant_input_list", kValue, "", kOwn, ""},
    {"--quant_output_list", kValue, "", kOwn, ""},
    {"--high_precision", kFlag, "", kOwn, ""},
    {"--ignore_f16_overflow", kFlag, "", kOwn, ""},
    {"--test_input", kValue, "", kOwn, ""},
    {"--gen_test_input", kFlag, "", kOwn, ""},
    {"--gen_test_seed", kValue, "0", kNoEffect, "samc's random inputs are always the same"},
    {"--test_reference", kValue, "", kOwn, ""},
    {"--compare_all", kFlag, "", kNoEffect, "only outputs are compared"},
    {"--tolerance", kValue, "", kOwn, ""},
    {"--correctness", kValue, "", kNoEffect, "the bmodel is compared with f32 directly, by --tolerance"},
    {"--excepts", kValue, "-", kOwn, ""},
    {"--skip_validation", kFlag, "", kOwn, ""},
    {"--cache_skip", kFlag, "", kNoEffect, "samc keeps no results of comparisons"},
    {"--fazzy_match", kFlag, "", kNoEffect, "outputs are compared by name"},
    {"--cuda", kFlag, "", kNoEffect, "the reference is computed on the CPU"},
    {"--ip", kValue, "", kNoEffect, "the bmodel is run in the simulator here"},
    {"--pwd", kValue, "", kNoEffect, "the bmodel is run in the simulator here"},
    {"--fuse_preprocess", kFlag, "", kOwn, ""},
    {"--customization_format", kValue, "", kOwn, ""},
    {"--aligned_input", kFlag, "", kRefused, "rows of pixels are not padded; leave it out"},
    {"--num_device", kValue, "1", kRefused, "samc compiles for one chip; use --num_core for its cores"},
    {"--num_core", kValue, "1", kOwn, ""},
    {"--group_by_cores", kValue, "auto", kOwn, ""},
    {"--dynamic", kFlag, "", kNoEffect, "the bmodel takes the shapes of the .mlir"},
    {"--opt", kValue, "2", kOwn, ""},
    {"--layer_group_config", kValue, "", kOwn, ""},
    {"--shape_secs_search_strategy", kValue, "0", kOwn, ""},
    {"--disable_structure_detect_opt", kFlag, "", kOwn, ""},
    {"--addr_mode", kValue, "auto", kOwn, ""},
    {"--same_addr", kValue, "", kRefused, kAddresses},
    {"--save_io_alone_config", kValue, "", kRefused, kAddresses},
    {"--use_io_alone_config", kValue, "", kRefused, kAddresses},
    {"--not_gen_bmodel", kFlag, "", kRefused, "a bmodel is what deploy makes; leave it out"},
    {"--use_rewriter_config", kFlag, "", kNoEffect, "samc's passes rewrite the model"},
    {"--disable_topo_sort", kFlag, "", kOwn, ""},
    {"--enable_lghash", kFlag, "", kNoEffect, "layer groups are found anew each time"},
    {"--lghash_dir", kValue, "", kNoEffect, "layer groups are found anew each time"},
    {"--rvti", kFlag, "", kRefused, "tpuc-opt 1.30.2 ends in an assertion with it; leave it out"},
    {"--disable_affine", kFlag, "", kOwn, ""},
    {"--debug", kFlag, "", kNoEffect, "files in between are not kept, the log of a failure is"},
    {"--log_level", kValue, "0", kNoEffect, "tpuc-opt's log is kept only of a failure"},
    {"--disable_layer_group", kFlag, "", kOwn, ""},
    {"--disable_gdma_check", kFlag, "", kNoEffect, "there is no such check in model_deploy.py 1.30.2 either"},
    {"--trunc_final", kValues, "", kRefused, "it cuts the model; use samc transform --output_names"},
    {"-V,--version", kFlag, "", kOwn, ""},
    {"--lg_debugger", kValue, "0", kRefused, "samc keeps no files of tpuc-opt's debugger; leave it out"},
    {"--op_divide", kFlag, "", kNoEffect, kOtherChips},
    {"--merge_weight", kFlag, "", kNoEffect, kOtherChips},
    {"--model_version", kValue, "latest", kNoEffect, kOtherChips},
    {"--iomem_set", kValue, "", kNoEffect, kOtherChips},
    {"--do_winograd", kFlag, "", kNoEffect, kOtherChips},
    {"--includeWeight", kFlag, "", kNoEffect, "it is for TOSA"},
    {"--compress_mode", kValue, "none", kOwn, ""},
    {"--matmul_perchannel", kFlag, "", kOwn, ""},
    {"--opt_post_processor", kFlag, "", kNoEffect, kOtherChips},
    {"--weight_deduplicate", kFlag, "", kOwn, ""},
    {"--patterns_count", kValue, "", kNoEffect, "it counts patterns of TPU-MLIR's Python"},
    {"--gelu_mode", kValue, "normal", kRefused, "GELU stays exact; leave it out"},
    {"--time_fixed_subnet", kValue, "", kNoEffect, "the network stays in one piece"},
    {"--subnet_params", kValue, "", kNoEffect, "the network stays in one piece"},
    {"--io_alone", kFlag, "", kOwn, ""},
    {"--enable_maskrcnn", kFlag, "", kRefused, kMaskRcnn},
    {"--global_op_types", kValue, "", kRefused, kDebugCommand},
    {"--debug_cmd", kValue, "", kRefused, kDebugCommand},
};

std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> names(1);
  for (const char c : text) {
    if (c == ',')
      names.emplace_back();
    else
      names.back() += c;
  }
  return names;
}

// The longest, which is the one that people know it by.
std::string main_name(const ScriptOption& option) {
  std::string name;
  for (const std::string& one : split_names(option.names))
    if (name.size() <= 2) name = one;
  return name;
}

}  // namespace

const Script& model_transform_script() {
  static constexpr Script kScript{"model_transform.py", "transform", kTransformOptions};
  return kScript;
}
const Script& model_deploy_script() {
  static constexpr Script kScript{"model_deploy.py", "deploy", kDeployOptions};
  return kScript;
}

void ForeignOptions::add_to(CLI::App& command, const Script& script) {
  script_ = &script;
  for (const ScriptOption& row : script.options) {
    if (row.treatment == kOwn) continue;
    CLI::Option* option = nullptr;
    if (row.kind == kFlag) {
      option = command.add_flag(row.names, row.reason);
    } else {
      option = command.add_option(row.names, values_.emplace_back(), row.reason)->type_name("VALUE");
      if (row.kind == kValue)
        option->expected(1);
      else
        option->expected(0, CLI::detail::expected_max_vector_size);
    }
    option->group(
        fmt::format("{}, from {}", row.treatment == kNoEffect ? "Taken without effect" : "Refused", script.name));
    options_.emplace_back(&row, option);
  }
}

Status ForeignOptions::check() const {
  const auto is_given = [](const ScriptOption& row, const CLI::Option& option) {
    if (option.count() == 0) return false;
    if (row.kind == kFlag) return true;
    const std::vector<std::string>& values = option.results();
    return std::any_of(values.begin(), values.end(), [&](const std::string& value) { return value != row.standard; });
  };
  for (const auto& [row, option] : options_)
    if (row->treatment == kRefused && is_given(*row, *option)) {
      const std::string reason = row->reason;
      const size_t mark = reason.find("; ");
      return usage_error(
          fmt::format("{} of {} is not done: {}", main_name(*row), script_->name, reason.substr(0, mark)),
          mark == std::string::npos ? "" : reason.substr(mark + 2));
    }
  for (const auto& [row, option] : options_)
    if (row->treatment == kNoEffect && is_given(*row, *option))
      warn(fmt::format("{} has no effect: {}", main_name(*row), row->reason));
  return Status::ok();
}

void complete_script_options(std::vector<std::string>& words) {
  if (words.empty()) return;
  for (const Script* script : {&model_transform_script(), &model_deploy_script()}) {
    if (words[0] != script->command) continue;
    for (size_t i = 1; i < words.size(); ++i) {
      if (words[i] == "--") return;  // what follows are no options
      if (words[i].size() < 4 || !words[i].starts_with("--")) continue;
      const size_t end = words[i].find('=');
      const std::string start = words[i].substr(0, end);
      std::vector<std::string> found;
      bool whole = false;
      for (const ScriptOption& row : script->options)
        for (const std::string& name : split_names(row.names)) {
          whole = whole || name == start;
          if (name.starts_with(start)) found.push_back(name);
        }
      if (!whole && found.size() == 1) words[i] = found[0] + (end == std::string::npos ? "" : words[i].substr(end));
    }
  }
}

std::string to_markdown(const Script& script) {
  std::string text = fmt::format("| option of {} | samc {} |\n|---|---|\n", script.name, script.command);
  for (const ScriptOption& row : script.options) {
    std::string names = row.names;
    if (const size_t comma = names.find(','); comma != std::string::npos) names.replace(comma, 1, "`, `");
    std::string what = "acts on it";
    if (row.treatment == kNoEffect) what = std::string("takes it, no effect: ") + row.reason;
    if (row.treatment == kRefused) {
      what = std::string("refuses it: ") + row.reason;
      if (*row.standard != 0) what = fmt::format("takes {}, refuses others: {}", row.standard, row.reason);
    }
    text += fmt::format("| `{}` | {} |\n", names, what);
  }
  return text;
}

}  // namespace samc
