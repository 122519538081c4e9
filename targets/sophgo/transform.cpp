#include "targets/sophgo/transform.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/files.h"
#include "base/stopwatch.h"
#include "ir/mlir_text.h"
#include "ir/out_of_memory.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "media/npz.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"
#include "model/build_video.h"
#include "targets/sophgo/exponentials.h"
#include "targets/sophgo/onnx_definition.h"
#include "targets/sophgo/passes/passes.h"
#include "targets/sophgo/text/foreign_ops.h"
#include "targets/sophgo/text/read_top.h"

namespace samc::sophgo {

// Everything that must live as long as the IR: weights borrow from the mapped model file.
struct TransformedModel::State {
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::shared_ptr<const ModelSource> opened;
  onnx::Model onnx;
  WeightStore weights;
  mlir::OwningOpRef<mlir::ModuleOp> source;  // as it was built; empty for a .mlir that was read
  TopModule top;
  std::string model_name;
  std::vector<QuantizeLine> quantize_lines;

  mlir::func::FuncOp main() { return top.module->lookupSymbol<mlir::func::FuncOp>("main"); }
  Status build_part(const TransformOptions& options, GraphBuilder& graph, const StepObserver& step);
};

namespace {

// By ModelPart.
constexpr const char* kPartNames[] = {"encoder", "decoder", "memory_attention", "memory_encoder"};

Status check_name(const std::string& name) {
  if (name.empty()) return usage_error("the model has no name", "give --model_name");
  for (const char c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-' && c != '.')
      return usage_error(fmt::format("'{}' cannot be a model's name", name), "use letters, digits, '_', '-' and '.'");
  return Status::ok();
}

Status check_preprocess(const Preprocess& preprocess) {
  const auto is_one_of = [](const std::string& text, std::initializer_list<const char*> cases) {
    return std::find(cases.begin(), cases.end(), text) != cases.end();
  };
  if (!is_one_of(preprocess.pixel_format, {"rgb", "bgr", "gray", "rgbd"}))
    return usage_error("--pixel_format " + preprocess.pixel_format + " is not known", "use rgb, bgr, gray or rgbd");
  if (!is_one_of(preprocess.channel_format, {"nchw", "nhwc", "none"}))
    return usage_error("--channel_format " + preprocess.channel_format + " is not known", "use nchw, nhwc or none");
  if (!is_one_of(preprocess.keep_ratio_mode, {"letterbox", "short_side_scale"}))
    return usage_error("--keep_ratio_mode " + preprocess.keep_ratio_mode + " is not known",
                       "use letterbox or short_side_scale");
  if (!is_one_of(preprocess.pad_type, {"normal", "center"}))
    return usage_error("--pad_type " + preprocess.pad_type + " is not known", "use normal or center");
  if (!preprocess.resize_dims.empty() && preprocess.resize_dims.size() != 2)
    return usage_error("--resize_dims needs a height and a width");
  if (preprocess.mean.size() != preprocess.scale.size())
    return usage_error(
        fmt::format("--mean has {} values and --scale {}", preprocess.mean.size(), preprocess.scale.size()));
  return Status::ok();
}

Status check_input_shapes(mlir::func::FuncOp function, const std::vector<Shape>& wanted) {
  if (wanted.empty()) return Status::ok();
  const std::vector<std::string> names = input_names(function);
  if (wanted.size() != names.size())
    return usage_error(
        fmt::format("--input_shapes has {} shapes and the model {} inputs", wanted.size(), names.size()));
  for (unsigned i = 0; i < names.size(); ++i) {
    const Shape shape = shape_of(function.getArgument(i));
    if (shape != wanted[i])
      return invalid_input(fmt::format("--input_shapes: input {} is {}, not {}", names[i], shape_to_string(shape),
                                       shape_to_string(wanted[i])),
                           "the shapes of a part are fixed; --max_points says how many points");
  }
  return Status::ok();
}

// Lets the function return these values instead of its own outputs.
Status choose_outputs(mlir::func::FuncOp function, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return Status::ok();
  auto terminator = mlir::cast<mlir::func::ReturnOp>(function.getBody().front().getTerminator());
  std::map<std::string, mlir::Value> values;
  function.walk([&](mlir::Operation* op) {
    for (const mlir::Value value : op->getResults())
      if (!is_none(value) && !is_weight(value)) values[name_of(value)] = value;
  });
  std::string outputs;
  const std::vector<std::string> names = output_names(function);
  for (unsigned i = 0; i < names.size(); ++i) {
    values[names[i]] = terminator.getOperand(i);
    outputs += (i == 0 ? "" : ", ") + names[i];
  }
  llvm::SmallVector<mlir::Value> chosen;
  llvm::SmallVector<mlir::Type> types;
  for (const std::string& name : wanted) {
    const auto found = values.find(name);
    if (found == values.end())
      return invalid_input(fmt::format("--output_names: the model has no value {}", name),
                           fmt::format("its outputs are {}; every value inside may be named too", outputs));
    chosen.push_back(found->second);
    types.push_back(found->second.getType());
  }
  terminator->setOperands(chosen);
  mlir::MLIRContext* context = function.getContext();
  function.removeResAttrsAttr();
  function.setType(mlir::FunctionType::get(context, function.getArgumentTypes(), types));
  for (unsigned i = 0; i < wanted.size(); ++i)
    function.setResultAttr(i, "top.name", mlir::StringAttr::get(context, wanted[i]));
  // From the end: what nothing uses any more goes, inputs stay.
  std::vector<mlir::Operation*> ops;
  for (mlir::Operation& op : function.getBody().front()) ops.push_back(&op);
  for (auto op = ops.rbegin(); op != ops.rend(); ++op)
    if (*op != terminator.getOperation() && !mlir::isa<top::InputOp>(*op) && (*op)->use_empty()) (*op)->erase();
  return Status::ok();
}

Format format_of(ModelPart part) {
  if (is_memory_part(part)) return Format::kMemoryMlir;
  return part == ModelPart::kEncoder ? Format::kEncoderMlir : Format::kDecoderMlir;
}

// The model whose part this is. An export's file of it stands for its folder.
Result<std::shared_ptr<const ModelSource>> open_source(const TransformOptions& options) {
  const bool is_encoder = options.part == ModelPart::kEncoder;
  SourceOptions given = options;
  if (options.model.ends_with(".onnx") && !is_folder(options.model)) {
    const std::filesystem::path file = options.model;
    if (is_memory_part(*options.part))
      return unsupported(fmt::format("{} is of an ONNX export, which holds no {} that samc reads", options.model,
                                     part_name(*options.part)),
                         "give the checkpoint (.pt) that it was made from");
    if (file.filename() != (is_encoder ? kEncoderOnnx : kDecoderOnnx))
      return usage_error(fmt::format("--part makes a part of an export's folder, and {} is no {}", options.model,
                                     is_encoder ? kEncoderOnnx : kDecoderOnnx),
                         "leave it out to transform the file as it is");
    given.model = file.has_parent_path() ? file.parent_path().string() : ".";
  }
  SAMC_ASSIGN(ModelSource source, ModelSource::open(given, format_of(*options.part)));
  return std::shared_ptr<const ModelSource>(std::make_shared<ModelSource>(std::move(source)));
}

Status build_decoder(const ModelConfig& config, int64_t max_points, GraphBuilder& graph) {
  return build_prompt_decoder(config, max_points, false, graph);
}
Status build_decoder(const ExportedModel& model, int64_t max_points, GraphBuilder& graph) {
  return build_prompt_decoder(model, max_points, graph);
}

Status build_for_video(const ModelConfig& config, const TransformOptions& options, GraphBuilder& graph) {
  switch (*options.part) {
    case ModelPart::kEncoder:
      return build_image_encoder(config, graph, kImageEncoder, true);
    case ModelPart::kDecoder:
      return build_prompt_decoder(config, options.max_points, true, graph);
    case ModelPart::kMemoryEncoder:
      return build_memory_encoder(config, graph);
    case ModelPart::kMemoryAttention:
      break;
  }
  const MemoryTransform& memory = options.memory;
  const MemoryPlaces usual = usual_places(config);
  MemoryAttentionOptions attention;
  attention.form = memory.form;
  attention.places = {memory.memories.value_or(usual.memories), memory.pointers.value_or(usual.pointers)};
  SAMC_TRY(check_places(config, attention.places));
  if (memory.form == MemoryForm::kDealt) {
    // In F32 two cores want smaller heads than one; in BF16 they do not.
    const int64_t factor = memory.exponentials == "F32" ? memory.cores : 1;
    SAMC_ASSIGN(attention.heads, heads_for_keys(config, attention.places, factor));
  }
  return build_placed_memory_attention(config, attention, graph, kMemoryAttention);
}

int64_t products_of(mlir::Operation& op) {
  if (op.getNumResults() != 1 || !has_static_shape(op.getResult(0))) return 0;
  const int64_t results = element_count(shape_of(op.getResult(0)));
  if (auto matmul = mlir::dyn_cast<top::MatMulOp>(op)) {
    const Shape left = shape_of(matmul.getInput());
    return results * left[left.size() - (matmul.getLeftTranspose() ? 2 : 1)];
  }
  if (auto conv = mlir::dyn_cast<top::ConvOp>(op)) {
    const Shape filter = shape_of(conv.getFilter());
    return results * element_count(filter) / filter[0];
  }
  if (auto deconv = mlir::dyn_cast<top::DeconvOp>(op)) {
    const Shape filter = shape_of(deconv.getFilter());
    const Shape input = shape_of(deconv.getInput());
    return element_count(input) * element_count(filter) / filter[1];
  }
  return 0;
}

}  // namespace

Status TransformedModel::State::build_part(const TransformOptions& options, GraphBuilder& graph,
                                           const StepObserver& step) {
  opened = options.source;
  if (opened == nullptr) {
    SAMC_ASSIGN(opened, open_source(options));
  }
  step("read", 0, fmt::format("{}: {}", opened->info().name, opened->why()));
  if (options.for_video || is_memory_part(*options.part)) {
    SAMC_TRY(opened->check_video());
    SAMC_TRY(opened->build_of_config(
        graph, [&](const ModelConfig& config) { return build_for_video(config, options, graph); }));
  } else if (options.part == ModelPart::kEncoder) {
    SAMC_TRY(opened->build_image_encoder(graph));
  } else {
    SAMC_TRY(opened->build(graph, [&](const auto& model) { return build_decoder(model, options.max_points, graph); }));
  }
  const auto function = *source->getOps<mlir::func::FuncOp>().begin();
  SAMC_TRY(check_input_shapes(function, options.input_shapes));
  return choose_outputs(function, options.output_names);
}

const char* part_name(ModelPart part) { return kPartNames[static_cast<size_t>(part)]; }

Result<ModelPart> find_part(const std::string& name) {
  for (size_t i = 0; i < std::size(kPartNames); ++i)
    if (name == kPartNames[i]) return static_cast<ModelPart>(i);
  return usage_error("there is no part " + name, fmt::format("give --part {}", fmt::join(kPartNames, ", ")));
}

TransformedModel::TransformedModel() : state_(std::make_unique<State>()) {
  load_dialects(state_->context);
  state_->context.allowUnregisteredDialects();  // the module's attributes are TPU-MLIR's
}

TransformedModel::~TransformedModel() = default;

Result<std::unique_ptr<TransformedModel>> TransformedModel::make(const TransformOptions& options,
                                                                 const std::function<void(const PhaseReport&)>& phase) {
  return guarded_in_mlir([&] { return make_unguarded(options, phase); });
}

Result<std::unique_ptr<TransformedModel>> TransformedModel::make_unguarded(
    const TransformOptions& options, const std::function<void(const PhaseReport&)>& phase) {
  SAMC_TRY(check_name(options.model_name));
  SAMC_TRY(check_preprocess(options.preprocess));
  if (options.max_points < 1 || options.max_points > 4096)
    return usage_error(fmt::format("--max_points {} is not between 1 and 4096", options.max_points));
  std::unique_ptr<TransformedModel> model(new TransformedModel());
  State& work = *model->state_;
  work.model_name = options.model_name;
  Stopwatch watch;
  const auto report = [&](const std::string& name, int64_t operations, const std::string& note = {}) {
    if (phase) phase({name, watch.lap(), operations, note});
  };
  work.source = mlir::ModuleOp::create(mlir::UnknownLoc::get(&work.context));
  GraphBuilder graph(*work.source, work.weights);
  const bool is_file_as_it_is = !options.part && options.model.ends_with(".onnx") && !is_folder(options.model);
  if (!options.part && !is_file_as_it_is && !is_folder(options.model))
    SAMC_TRY(Checkpoint::open(options.model).status());
  if (!options.part && !is_file_as_it_is)
    return usage_error(options.model + " holds several models",
                       "give --part encoder, decoder, memory_attention or memory_encoder");
  if (options.for_video && is_file_as_it_is)
    return usage_error("--video is for parts of a model", "give --part encoder or --part decoder of a checkpoint");
  if (is_file_as_it_is) {
    SAMC_TRY(check_no_architecture(options));
    const OnnxDefinition definition{.path = options.model,
                                    .input_shapes = options.input_shapes,
                                    .output_names = options.output_names,
                                    .function = "model"};
    SAMC_TRY(build_from_onnx(definition, graph, work.onnx, report));
  } else {
    SAMC_TRY(work.build_part(options, graph, report));
  }
  report("build", count_operations(*work.source));
  const auto function = *work.source->getOps<mlir::func::FuncOp>().begin();

  const PipelineOptions pipeline{options.disabled_passes, options.until};
  SAMC_ASSIGN(const std::vector<PassTime> times, run_passes(*work.source, work.weights, sophgo_pipeline(), pipeline));
  for (const PassTime& time : times)
    if (phase) phase({time.name, time.milliseconds, time.operations_after, ""});
  SAMC_TRY(verify_weights(*work.source, work.weights));
  watch.lap();
  SAMC_ASSIGN(work.top, make_top_module(function, options.model_name, "ONNX", options.preprocess));
  work.quantize_lines = exponential_precision(work.main(), options.memory.exponentials);
  return model;
}

Result<std::unique_ptr<TransformedModel>> TransformedModel::read(const std::string& path) {
  return guarded_in_mlir([&] { return read_unguarded(path); });
}

Result<std::unique_ptr<TransformedModel>> TransformedModel::read_unguarded(const std::string& path) {
  SAMC_ASSIGN(const std::string text, read_text_file(path, kMostMlirBytes));
  std::unique_ptr<TransformedModel> model(new TransformedModel());
  State& work = *model->state_;
  SAMC_ASSIGN(ReadModule read, parse_top_module(text, path, work.context));
  work.model_name = read.model_name.empty() ? std::filesystem::path(path).stem().string() : std::move(read.model_name);
  work.top.module = std::move(read.module);
  const std::string weight_path = (std::filesystem::path(path).parent_path() / read.weight_file).string();
  SAMC_ASSIGN(const Npz npz, Npz::read(weight_path));
  if (const Status fits = add_weights(npz, *work.top.module, work.weights); !fits.is_ok()) return fits.at(weight_path);
  work.quantize_lines = exponential_precision(work.main(), "F32");
  return model;
}

const std::string& TransformedModel::model_name() const { return state_->model_name; }
mlir::func::FuncOp TransformedModel::function() const { return state_->main(); }
const WeightStore& TransformedModel::weights() const { return state_->weights; }

int64_t TransformedModel::multiply_adds() const {
  int64_t count = 0;
  for (mlir::Operation& op : function().getBody().front()) count += products_of(op);
  return count;
}

std::map<std::string, int64_t> TransformedModel::operation_counts() const {
  std::map<std::string, int64_t> counts;
  for (mlir::Operation& op : function().getBody().front()) {
    const llvm::StringRef name = op.getName().getStringRef();
    if (std::string foreign = foreign_name(&op); !foreign.empty()) ++counts[foreign];
    if (name.starts_with("top.") && !mlir::isa<top::WeightOp, top::InputOp, top::NoneOp>(op))
      ++counts[name.drop_front(4).str()];
  }
  return counts;
}

std::set<std::string> TransformedModel::unknown_operations() const { return foreign_names(*state_->top.module); }

std::vector<NamedShape> TransformedModel::inputs() const {
  std::vector<NamedShape> list;
  mlir::func::FuncOp main = function();
  const std::vector<std::string> names = input_names(main);
  for (unsigned i = 0; i < names.size(); ++i) list.push_back({names[i], shape_of(main.getArgument(i))});
  return list;
}

std::vector<NamedShape> TransformedModel::outputs() const {
  std::vector<NamedShape> list;
  mlir::func::FuncOp main = function();
  const std::vector<std::string> names = output_names(main);
  auto terminator = mlir::cast<mlir::func::ReturnOp>(main.getBody().front().getTerminator());
  for (unsigned i = 0; i < names.size(); ++i) list.push_back({names[i], shape_of(terminator.getOperand(i))});
  return list;
}

std::optional<Preprocess> TransformedModel::preprocess(const std::string& input) const {
  mlir::func::FuncOp main = function();
  for (auto op : main.getBody().front().getOps<top::InputOp>()) {
    if (name_of(op.getOutput()) == input) return read_preprocess(op);
  }
  return std::nullopt;
}

const std::vector<QuantizeLine>& TransformedModel::quantize_lines() const { return state_->quantize_lines; }

Status TransformedModel::write(const std::string& path) const {
  return guarded_in_mlir([&] {
    SAMC_TRY(write_top_module(state_->top, state_->weights, path));
    return write_table_beside(path, state_->quantize_lines);
  });
}

Result<NamedTensors> TransformedModel::run(const NamedViews& inputs, ThreadPool* pool) const {
  return guarded_in_mlir([&] { return run_unguarded(inputs, pool); });
}

Result<NamedTensors> TransformedModel::run_unguarded(const NamedViews& inputs, ThreadPool* pool) const {
  if (const std::set<std::string> unknown = unknown_operations(); !unknown.empty())
    return unsupported(
        fmt::format("{} has ops that samc cannot compute: {}", state_->model_name, fmt::join(unknown, ", ")));
  std::string first;  // value that is not finite
  InterpretOptions options;
  options.pool = pool;
  options.observe = [&](mlir::Value value, const TensorView& data) {
    if (first.empty() && !is_finite(data)) first = name_of(value);
  };
  // Weights were renamed in the copy only.
  const mlir::func::FuncOp computed =
      state_->source ? *state_->source->getOps<mlir::func::FuncOp>().begin() : function();
  SAMC_ASSIGN(NamedTensors outputs, interpret(computed, inputs, state_->weights, options));
  for (const auto& [name, tensor] : outputs)
    if (!is_finite(tensor))
      return invalid_input(fmt::format("output {} holds NaN or infinite values; the first are in {}", name, first),
                           "the weights or the test input hold such values");
  return outputs;
}

}  // namespace samc::sophgo
