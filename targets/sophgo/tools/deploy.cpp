#include "targets/sophgo/tools/deploy.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "base/files.h"
#include "base/guard.h"
#include "targets/sophgo/tools/child_process.h"
#include "targets/sophgo/tools/fused_picture.h"
#include "targets/sophgo/tools/mlir_escapes.h"
#include "targets/sophgo/tools/quantize_tables.h"
#include "targets/sophgo/tools/tpuc_arguments.h"

namespace samc::sophgo {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHeadBytes = 16384;
constexpr size_t kMostTextBytes = size_t{64} << 20;
constexpr const char* kWeightFile = "module.weight_file";

constexpr const char* kCustomizationFormats[] = {"RGB_PLANAR", "RGB_PACKED", "BGR_PLANAR", "BGR_PACKED", "GRAYSCALE"};
// model_deploy.py's others: of these tpuc-opt 1.30.2 makes an input without room for colours or alpha.
constexpr const char* kUselessFormats[] = {"YUV420_PLANAR", "YUV_NV12", "YUV_NV21", "RGBA_PLANAR"};

template <size_t N>
bool is_one_of(const std::string& text, const char* const (&list)[N]) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// The text of the module's attribute; they stand in the first lines.
std::string module_attribute(const std::string& text, const std::string& name) {
  const std::regex pattern(name + R"re( = "([^"]*)")re");
  std::smatch match;
  return std::regex_search(text, match, pattern) ? match[1].str() : "";
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

struct Source {
  std::string weight_file;       // a name in the folder of the .mlir
  std::string weight_file_text;  // as it is written there
  std::string pixel_format;
  int64_t inputs = 0, outputs = 0;
};

int64_t count_tensors(const std::string& text) {
  int64_t count = 0;
  for (size_t at = text.find("tensor<"); at != std::string::npos; at = text.find("tensor<", at + 1)) ++count;
  return count;
}

// Out of `func.func @main(%arg0: tensor<..>, ...) -> (tensor<..>, ...) {`.
void count_inputs_and_outputs(const std::string& head, Source& source) {
  const size_t start = head.find("@main(");
  const size_t arrow = head.find(" -> ", start == std::string::npos ? head.size() : start);
  if (arrow == std::string::npos) return;
  source.inputs = count_tensors(head.substr(start, arrow - start));
  source.outputs = count_tensors(head.substr(arrow, head.find('{', arrow) - arrow));
}

Result<Source> read_head(const std::string& path) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path));
  const size_t size = std::min(file.bytes().size(), kHeadBytes);
  const std::string head(reinterpret_cast<const char*>(file.bytes().data()), size);
  const std::string state = module_attribute(head, "module.state");
  if (state.empty())
    return invalid_input(fmt::format("{} is no .mlir of TPU-MLIR's Top dialect: it names no module.state", path),
                         "samc transform writes one");
  if (state != "TOP_F32")
    return invalid_input(fmt::format("{}: module.state is {}, not TOP_F32", path, state),
                         "give the .mlir that transform wrote, not a lowered one");
  Source source;
  source.weight_file_text = module_attribute(head, kWeightFile);
  source.weight_file = unescaped(source.weight_file_text);
  if (!is_plain_name(source.weight_file))
    return invalid_input(fmt::format("{}: module.weight_file '{}' is no plain file name", path, source.weight_file));
  // tpuc-opt makes file names of the module's name.
  std::smatch name;
  if (std::regex_search(head, name, std::regex(R"re(module\s*@\s*"([^"]*)")re")) && !is_plain_name(unescaped(name[1])))
    return invalid_input(fmt::format("{}: the module's name '{}' is a path", path, name[1].str()),
                         "give it a plain name");
  source.pixel_format = module_attribute(head, "pixel_format");
  count_inputs_and_outputs(head, source);
  return source;
}

// The names in the work folder are all ours: with one of the input's, tpuc-opt would write its results through a link
// to the user's file.
constexpr const char* kWeights = "weights.npz";

// The file under another name in the work folder, without its bytes.
Status link_into(const TemporaryFolder& work, const std::string& path, const std::string& name) {
  std::error_code error;
  const fs::path target = fs::canonical(path, error);
  if (error) return io_error(fmt::format("cannot find {}: {}", path, error.message()));
  fs::create_symlink(target, work.file(name), error);
  if (error) return io_error(fmt::format("cannot link {}: {}", work.file(name), error.message()));
  return Status::ok();
}

// The text with our name for the weights in place of its own.
Status copy_text(const TemporaryFolder& work, const std::string& path, const Source& source) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path, FileAccess::kCopy));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  const std::string attribute = fmt::format("{} = \"{}\"", kWeightFile, source.weight_file_text);
  const size_t at = text.find(kWeightFile);
  if (at == std::string_view::npos || !text.substr(at).starts_with(attribute) ||
      text.find(kWeightFile, at + 1) != std::string_view::npos)
    return invalid_input(fmt::format("{} names {} more than once", path, kWeightFile), "samc transform writes it once");
  SAMC_ASSIGN(FileWriter writer, FileWriter::create(work.file("model.mlir")));
  SAMC_TRY(writer.write(text.data(), at));
  SAMC_TRY(writer.write(fmt::format("{} = \"{}\"", kWeightFile, kWeights)));
  SAMC_TRY(writer.write(text.data() + at + attribute.size(), text.size() - at - attribute.size()));
  return writer.commit();
}

// The first line of a log that samc kept: a file without it is somebody's own.
constexpr std::string_view kLogMark = "samc deploy: what tpuc-opt printed\n";

bool is_kept_log(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string first(kLogMark.size(), '\0');
  return file.read(first.data(), static_cast<std::streamsize>(first.size())) && first == kLogMark;
}

// The log beside the result, so that the work folder can go. No other file of that name is replaced.
Status keep_log(const Status& status, const TemporaryFolder& work, const std::string& output) {
  constexpr size_t kLargestLog = size_t{64} << 20;
  std::error_code error;
  std::string kept = log_beside(output);
  for (int number = 2; fs::exists(fs::symlink_status(kept, error)) && !is_kept_log(kept); ++number)
    kept = fmt::format("{}.{}", log_beside(output), number);
  const Result<std::string> log = read_text_file(work.file("log"), kLargestLog);
  const Status moved = log.is_ok() ? write_file(kept, std::string(kLogMark) + log.value()) : log.status();
  const std::string hint = status.hint().empty() ? "" : status.hint() + "; ";
  return {status.code(), status.message(),
          hint + (moved.is_ok() ? "its log is " + kept : "its log is lost: " + moved.message())};
}

Status check_compiler(const CompilerOptions& options) {
  const auto check_case = [](const char* option, const std::string& given, std::initializer_list<const char*> cases) {
    std::string known;
    for (const char* one : cases) {
      if (given == one) return Status::ok();
      known += known.empty() ? one : std::string(", ") + one;
    }
    return usage_error(fmt::format("{} {} is not known", option, given), "use one of: " + known);
  };
  SAMC_TRY(check_case("--opt", fmt::format("{}", options.opt), {"1", "2", "3"}));
  SAMC_TRY(check_case("--group_by_cores", options.group_by_cores, {"auto", "true", "false"}));
  SAMC_TRY(check_case("--compress_mode", options.compress_mode, {"none", "weight", "activation", "all"}));
  if (options.compress_mode == "activation" || options.compress_mode == "all")
    return unsupported(fmt::format("--compress_mode {}: tpuc-opt 1.30.2 compresses activations so that the chip's "
                                   "simulator crashes",
                                   options.compress_mode),
                       "use none or weight");
  SAMC_TRY(check_case("--addr_mode", options.addr_mode,
                      {"auto", "basic", "io_alone", "io_tag", "io_tag_fuse", "io_reloc", "in_reuse"}));
  SAMC_TRY(check_case("--shape_secs_search_strategy", fmt::format("{}", options.shape_secs_search_strategy),
                      {"0", "1", "2"}));
  if (options.q_group_size < 1 || options.q_group_size > 65536)
    return usage_error(fmt::format("--q_group_size {} is not between 1 and 65536", options.q_group_size));
  if (!options.layer_group_config.empty() && (options.shape_secs_search_strategy != 0 || !options.structure_detection))
    return usage_error("--layer_group_config beside --shape_secs_search_strategy or --disable_structure_detect_opt",
                       "the file says both itself");
  return Status::ok();
}

Status check(const DeployOptions& options, const ChipEntry& chip, const QuantizeEntry& mode) {
  if (options.cores < 1 || options.cores > chip.most_cores)
    return usage_error(fmt::format("--num_core {}: {} has {}", options.cores, chip.name,
                                   chip.most_cores == 1 ? "1 core" : fmt::format("{} cores", chip.most_cores)));
  if (!options.customization_format.empty()) {
    if (!options.fuse_preprocess)
      return usage_error("--customization_format says how a fused preprocessing reads pictures",
                         "give --fuse_preprocess too");
    if (is_one_of(options.customization_format, kUselessFormats))
      return unsupported("--customization_format " + options.customization_format +
                             ": tpuc-opt 1.30.2 makes an input of it that has no room for all its planes",
                         "use RGB_PLANAR, RGB_PACKED, BGR_PLANAR or BGR_PACKED");
    if (!is_one_of(options.customization_format, kCustomizationFormats))
      return usage_error("--customization_format " + options.customization_format + " is not known",
                         "use RGB_PLANAR, RGB_PACKED, BGR_PLANAR, BGR_PACKED or GRAYSCALE");
  }
  if (std::strcmp(mode.name, "F32") == 0 && (options.quantize_input || options.quantize_output))
    return usage_error("--quant_input and --quant_output need 16-bit values, and F32 has none");
  if (options.quantize_output && options.bf16_output)
    return usage_error("--quant_output and --quant_output_bf16 exclude each other");
  if (mode.calibrated && options.calibration_table.empty())
    return usage_error("--quantize INT8 needs a --calibration_table", "samc calibrate makes one");
  if (!mode.calibrated && !options.calibration_table.empty())
    return usage_error(fmt::format("--calibration_table is for INT8, and --quantize is {}", mode.name),
                       "leave it out, or give --quantize INT8");
  return check_compiler(options.compiler);
}

// tpuc-opt 1.30.2 aborts at the cast from F16 to BF16 in front of such an exponential on BM1684X.
Status check_exponentials(const DeployOptions& options, const QuantizeTable& table, std::span<const NamedOp> ops) {
  const Result<const QuantizeEntry*> mode = find_quantization(options.quantize);
  if (options.chip != "bm1684x" || !mode.is_ok() || std::strcmp(mode.value()->name, "F16") != 0) return Status::ok();
  std::set<std::string_view> exponentials;
  for (const NamedOp& op : ops)
    if (op.kind == "Exp") exponentials.insert(op.names.begin(), op.names.end());
  for (const auto& part : table)
    for (const QuantizeLine& line : part.lines)
      if (line.mode == "BF16" && exponentials.contains(line.name))
        return unsupported(fmt::format("{} has {} in BF16, which tpuc-opt cannot compile for bm1684x",
                                       options.quantize_table, line.name),
                           "transform with --exponentials F32, which is as fast on this chip");
  return Status::ok();
}

// Against the ops of the .mlir, since tpuc-opt passes over what it does not know.
Status check_tables(const DeployOptions& options) {
  if (options.calibration_table.empty() && options.quantize_table.empty()) return Status::ok();
  SAMC_ASSIGN(const std::string text, read_text_file(options.mlir, kMostTextBytes));
  const std::vector<NamedOp> ops = read_named_ops(text);
  if (const std::string& path = options.calibration_table; !path.empty()) {
    SAMC_ASSIGN(const std::string lines, read_text_file(path, kMostTableBytes));
    SAMC_ASSIGN(const CalibrationTable table, parse_calibration_table(lines, path));
    SAMC_TRY(check_calibration_table(table, ops, path));
  }
  if (const std::string& path = options.quantize_table; !path.empty()) {
    SAMC_ASSIGN(const std::string lines, read_text_file(path, kMostTableBytes));
    SAMC_ASSIGN(const QuantizeTable table, parse_quantize_table(lines, path));
    SAMC_TRY(check_quantize_table(table, ops, path));
    SAMC_TRY(check_exponentials(options, table, ops));
  }
  return Status::ok();
}

// The table that samc transform wrote with the model, where none is given. F32 needs none.
Status take_table_beside(const QuantizeEntry& mode, DeployOptions& options) {
  if (!options.quantize_table.empty() || std::strcmp(mode.name, "F32") == 0 || !has_table_beside(options.mlir))
    return Status::ok();
  if (mode.calibrated)
    return unsupported(fmt::format("{} in {}: it has exponentials that {} says are in floating point", options.mlir,
                                   mode.name, table_beside(options.mlir)),
                       "give --quantize F16");
  options.quantize_table = table_beside(options.mlir);
  return Status::ok();
}

// Of tpuc-opt's JSON reader: a damaged file is passed over without a word.
Status check_layer_group_config(const std::string& path) {
  SAMC_ASSIGN(const MappedFile file, MappedFile::open(path));
  const auto* text = reinterpret_cast<const char*>(file.bytes().data());
  const nlohmann::json config = nlohmann::json::parse(text, text + file.bytes().size(), nullptr, false);
  if (!config.is_object()) return invalid_input(fmt::format("--layer_group_config: {} holds no JSON object", path));
  return Status::ok();
}

Status check_indices(const char* option, const std::vector<int64_t>& indices, int64_t count, const char* what) {
  for (const int64_t index : indices)
    if (index < 1 || index > count)
      return usage_error(fmt::format("{}: there is no {} {}", option, what, index),
                         fmt::format("the model has {}, counted from 1", count));
  return Status::ok();
}

Status check_preprocess(const DeployOptions& options, const Source& source) {
  if (source.pixel_format.empty())
    return invalid_input(fmt::format("--fuse_preprocess: {} says nothing about preprocessing", options.mlir),
                         "transform with --mean, --scale and --pixel_format");
  if (default_customization_format(source.pixel_format).empty())
    return unsupported("--fuse_preprocess of images of " + source.pixel_format, "leave it out");
  if ((source.pixel_format == "gray") != (options.customization_format == "GRAYSCALE") &&
      !options.customization_format.empty())
    return usage_error(fmt::format("--customization_format {}: the model's images are {}", options.customization_format,
                                   source.pixel_format));
  return Status::ok();
}

}  // namespace

std::span<const ChipEntry> chips() {
  static constexpr ChipEntry kChips[] = {{"bm1684x", "libcmodel_bm1684x.so", 1}, {"bm1688", "libcmodel_bm1688.so", 2}};
  return kChips;
}

Result<const ChipEntry*> find_chip(const std::string& name) {
  std::string known;
  for (const ChipEntry& chip : chips()) {
    if (lower(name) == chip.name) return &chip;
    known += known.empty() ? chip.name : std::string(", ") + chip.name;
  }
  return usage_error("--chip " + name + " is not known", "use one of: " + known);
}

std::span<const QuantizeEntry> quantizations() {
  static constexpr QuantizeEntry kModes[] = {{"F32", false, false, 0.99, 0.99},  {"F16", false, false, 0.99, 0.90},
                                             {"BF16", false, false, 0.99, 0.90}, {"INT8", false, true, 0.90, 0.80},
                                             {"W8F16", true, false, 0.90, 0.80}, {"W8BF16", true, false, 0.90, 0.80},
                                             {"W4F16", true, false, 0.90, 0.80}, {"W4BF16", true, false, 0.90, 0.80}};
  return kModes;
}

std::string known_quantizations() {
  std::string known;
  for (const QuantizeEntry& mode : quantizations()) known += known.empty() ? mode.name : std::string(", ") + mode.name;
  return known;
}

Result<const QuantizeEntry*> find_quantization(const std::string& name) {
  for (const QuantizeEntry& mode : quantizations())
    if (upper(name) == mode.name) return &mode;
  return usage_error("--quantize " + name + " is not known", "use one of: " + known_quantizations());
}

std::string quantization_warning(const QuantizeEntry& mode) {
  if (!mode.grouped) return {};
  return fmt::format(
      "{} makes bmodels smaller, not faster: tpuc-opt estimates 285 ms for sam2_hiera_tiny's encoder on BM1688 in "
      "W8F16 "
      "and W4F16, and 237 in F16",
      mode.name);
}

Result<std::string> weights_of(const std::string& mlir) {
  SAMC_ASSIGN(const Source source, read_head(mlir));
  return (fs::path(mlir).parent_path() / source.weight_file).string();
}

static Result<DeployReport> deploy_unguarded(const DeployOptions& given) {
  DeployOptions options = given;
  SAMC_ASSIGN(const ChipEntry* chip, find_chip(options.chip));
  SAMC_ASSIGN(const QuantizeEntry* mode, find_quantization(options.quantize));
  options.chip = chip->name;
  SAMC_TRY(check(options, *chip, *mode));
  SAMC_ASSIGN(const Source source, read_head(options.mlir));
  if (options.fuse_preprocess) SAMC_TRY(check_preprocess(options, source));
  SAMC_TRY(check_indices("--quant_input_list", options.quantized_inputs, source.inputs, "input"));
  SAMC_TRY(check_indices("--quant_output_list", options.quantized_outputs, source.outputs, "output"));
  const std::string& layer_groups = options.compiler.layer_group_config;
  if (!layer_groups.empty()) SAMC_TRY(check_layer_group_config(layer_groups));
  SAMC_TRY(take_table_beside(*mode, options));
  SAMC_TRY(check_tables(options));
  SAMC_TRY(check_debug_commands(kTpucDebugCommands));
  SAMC_ASSIGN(const TpuMlir tools, find_tpu_mlir(options.tpu_mlir));

  SAMC_TRY(check_writable(options.output));
  SAMC_ASSIGN(const TemporaryFolder work, TemporaryFolder::beside(options.output));
  SAMC_TRY(copy_text(work, options.mlir, source));
  SAMC_ASSIGN(const std::string weights, weights_of(options.mlir));
  SAMC_TRY(link_into(work, weights, kWeights));
  if (!options.calibration_table.empty()) SAMC_TRY(link_into(work, options.calibration_table, kCalibrationTable));
  if (!options.quantize_table.empty()) SAMC_TRY(link_into(work, options.quantize_table, kQuantizeTable));
  if (!layer_groups.empty())
    SAMC_TRY(link_into(work, layer_groups, kLayerGroupFile));
  else if (const std::string config = layer_group_settings(options.compiler); !config.empty())
    SAMC_TRY(write_file(work.file(kLayerGroupFile), config));
  const std::vector<std::string> arguments = compile_arguments(options, *mode, source.pixel_format);

  const auto start = std::chrono::steady_clock::now();
  for (const std::vector<std::string>& step : {arguments, codegen_arguments()})
    if (const Status status = run_tpuc_opt(tools, work.path(), step, options.waiting); !status.is_ok())
      return keep_log(status.at(options.mlir), work, options.output);
  DeployReport report;
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::error_code error;
  if (given.quantize_table.empty()) report.quantize_table = options.quantize_table;
  report.bytes = fs::file_size(work.file("model.bmodel"), error);
  if (error || report.bytes == 0)
    return keep_log(unsupported("tpuc-opt ended well and wrote no bmodel"), work, options.output);
  SAMC_ASSIGN(report.cores, read_engine_estimates(work.path()));
  SAMC_TRY(move_into_place(work.file("model.bmodel"), options.output));
  if (is_kept_log(log_beside(options.output))) fs::remove(log_beside(options.output), error);  // of an earlier failure
  return report;
}

Result<DeployReport> deploy(const DeployOptions& given) {
  return guarded([&] { return deploy_unguarded(given); });
}

}  // namespace samc::sophgo
