#include "targets/sophgo/text/top_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>

#include "base/files.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "ir/vision_dialect.h"
#include "llvm/Support/raw_ostream.h"
#include "media/npz.h"
#include "mlir/IR/IRMapping.h"

namespace samc::sophgo {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

mlir::func::ReturnOp return_of(mlir::func::FuncOp function) {
  return mlir::cast<mlir::func::ReturnOp>(function.getBody().front().getTerminator());
}

// Without effect, and taken away by tpuc-opt: for outputs that no op of their own computes.
mlir::Value copy_of(mlir::Value value, const std::string& name, mlir::Operation* before) {
  mlir::OpBuilder builder(before);
  return builder.create<top::AddConstOp>(name_location(builder.getContext(), name), value.getType(), value,
                                         builder.getF64FloatAttr(0.0), builder.getBoolAttr(false),
                                         builder.getF64FloatAttr(-1.0));
}

// A name of each result of each op; the outputs' are taken, later values of a taken name get a number.
class Names {
 public:
  std::string unique(const std::string& wanted) {
    std::string name = wanted.empty() ? "value" : wanted;
    for (int i = 1; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted.empty() ? "value" : wanted, i);
    return name;
  }
  void take(const std::string& name) { taken_.insert(name); }

 private:
  std::set<std::string> taken_;
};

bool has_shape_of_image(const Shape& shape) { return (shape.size() == 4 && shape[1] <= 4) || shape.size() == 3; }

Status check_preprocessed_inputs(mlir::func::FuncOp function, const Preprocess& preprocess) {
  for (const int64_t index : preprocess.inputs) {
    if (index < 1 || index > function.getNumArguments())
      return usage_error(fmt::format("--preprocess_list: there is no input {}", index),
                         fmt::format("the model has {}, counted from 1", function.getNumArguments()));
    const Shape shape = shape_of(function.getArgument(static_cast<unsigned>(index - 1)));
    if (!has_shape_of_image(shape))
      return usage_error(
          fmt::format("--preprocess_list: input {} of shape {} takes no image", index, shape_to_string(shape)));
  }
  return Status::ok();
}

bool is_preprocessed(top::InputOp input, const Preprocess& preprocess) {
  if (preprocess.channel_format == "none" || !has_shape_of_image(shape_of(input.getOutput()))) return false;
  const auto argument = mlir::dyn_cast<mlir::BlockArgument>(input.getInput());
  const std::vector<int64_t>& list = preprocess.inputs;
  return list.empty() || !argument || std::find(list.begin(), list.end(), argument.getArgNumber() + 1) != list.end();
}

void set_preprocess(top::InputOp input, const Preprocess& preprocess) {
  mlir::Builder builder(input.getContext());
  const Shape shape = shape_of(input.getOutput());
  if (!is_preprocessed(input, preprocess)) {
    input->setAttr("do_preprocess", builder.getBoolAttr(false));
    return;
  }
  // model_transform holds both in f32.
  const auto list = [&](const std::vector<double>& values) {
    llvm::SmallVector<double> rounded;
    for (const double value : values) rounded.push_back(static_cast<double>(static_cast<float>(value)));
    return builder.getF64ArrayAttr(rounded);
  };
  std::vector<int64_t> size = preprocess.resize_dims;
  if (size.empty()) size = {shape[shape.size() - 2], shape.back()};
  input->setAttr("do_preprocess", builder.getBoolAttr(true));
  input->setAttr("channel_format", builder.getStringAttr(preprocess.channel_format));
  input->setAttr("keep_aspect_ratio", builder.getBoolAttr(preprocess.keep_aspect_ratio));
  input->setAttr("keep_ratio_mode", builder.getStringAttr(preprocess.keep_ratio_mode));
  input->setAttr("mean", list(preprocess.mean));
  input->setAttr("pad_type", builder.getStringAttr(preprocess.pad_type));
  input->setAttr("pad_value", builder.getI64IntegerAttr(preprocess.pad_value));
  input->setAttr("pixel_format", builder.getStringAttr(preprocess.pixel_format));
  input->setAttr("resize_dims", builder.getI64ArrayAttr(size));
  input->setAttr("scale", list(preprocess.scale));
  input->setAttr("yuv_type", builder.getStringAttr(""));
}

}  // namespace

std::optional<Preprocess> read_preprocess(mlir::Operation* input) {
  const auto is_set = [&](const char* name) {
    const auto attribute = input->getAttrOfType<mlir::BoolAttr>(name);
    return attribute && attribute.getValue();
  };
  if (!is_set("do_preprocess")) return std::nullopt;
  const auto numbers = [&](const char* name) {
    std::vector<double> values;
    if (const auto list = input->getAttrOfType<mlir::ArrayAttr>(name))
      for (const mlir::Attribute value : list)
        if (const auto number = mlir::dyn_cast<mlir::FloatAttr>(value)) values.push_back(number.getValueAsDouble());
    return values;
  };
  const auto text = [&](const char* name) {
    const auto attribute = input->getAttrOfType<mlir::StringAttr>(name);
    return attribute ? attribute.str() : std::string();
  };
  Preprocess preprocess;
  preprocess.mean = numbers("mean");
  preprocess.scale = numbers("scale");
  preprocess.pixel_format = text("pixel_format");
  preprocess.channel_format = text("channel_format");
  if (const auto size = input->getAttrOfType<mlir::ArrayAttr>("resize_dims"))
    for (const mlir::Attribute extent : size)
      if (const auto number = mlir::dyn_cast<mlir::IntegerAttr>(extent))
        preprocess.resize_dims.push_back(number.getInt());
  preprocess.keep_aspect_ratio = is_set("keep_aspect_ratio");
  preprocess.keep_ratio_mode = text("keep_ratio_mode");
  preprocess.pad_type = text("pad_type");
  if (const auto value = input->getAttrOfType<mlir::IntegerAttr>("pad_value")) preprocess.pad_value = value.getInt();
  return preprocess;
}

std::string weight_file_name(const std::string& model_name) { return lower(model_name) + "_top_f32_all_weight.npz"; }

Result<TopModule> make_top_module(mlir::func::FuncOp source, const std::string& model_name, const std::string& platform,
                                  const Preprocess& preprocess) {
  mlir::MLIRContext* context = source.getContext();
  mlir::Builder builder(context);
  TopModule result;
  result.module = mlir::ModuleOp::create(mlir::UnknownLoc::get(context), model_name);
  mlir::ModuleOp module = *result.module;
  module->setAttr("module.chip", builder.getStringAttr("ALL"));
  module->setAttr("module.platform", builder.getStringAttr(platform));
  module->setAttr("module.state", builder.getStringAttr("TOP_F32"));
  module->setAttr("module.top_run_mode", builder.getStringAttr("STATIC"));
  module->setAttr("module.weight_file", builder.getStringAttr(weight_file_name(model_name)));

  SAMC_TRY(check_preprocessed_inputs(source, preprocess));
  const std::vector<std::string> outputs = output_names(source);
  auto function = mlir::cast<mlir::func::FuncOp>(source->clone());
  module.push_back(function);
  function.setName("main");
  function->removeAttr("sym_visibility");
  function.removeResAttrsAttr();
  function->setLoc(mlir::UnknownLoc::get(context));

  // Outputs first: their names are a promise.
  Names names;
  for (const std::string& name : outputs) names.take(name);
  std::map<mlir::Operation*, std::string> output_of;
  mlir::func::ReturnOp terminator = return_of(function);
  terminator->setLoc(mlir::UnknownLoc::get(context));
  for (unsigned i = 0; i < outputs.size(); ++i) {
    mlir::Value value = terminator.getOperand(i);
    mlir::Operation* op = value.getDefiningOp();
    const bool is_own = op != nullptr && op->getNumResults() == 1 && !mlir::isa<top::InputOp, top::WeightOp>(op) &&
                        output_of.count(op) == 0;
    if (!is_own && !is_weight(value)) {
      value = copy_of(value, outputs[i], terminator);
      terminator.setOperand(i, value);
      op = value.getDefiningOp();
    }
    if (is_weight(value) && (output_of.count(op) != 0 || !value.hasOneUse())) {
      const mlir::Value again = op->clone()->getResult(0);
      terminator->getBlock()->getOperations().insert(op->getIterator(), again.getDefiningOp());
      terminator.setOperand(i, again);
      op = again.getDefiningOp();
    }
    output_of[op] = outputs[i];
  }

  Status status;
  for (mlir::Operation& op : function.getBody().front()) {
    if (mlir::isa<mlir::func::ReturnOp>(op)) continue;
    if (mlir::isa<top::NoneOp>(op)) {
      op.setLoc(mlir::UnknownLoc::get(context));
      continue;
    }
    // vision ops are there only when transform was asked to stop before they are expanded.
    if (!mlir::isa_and_nonnull<top::TopDialect, vision::VisionDialect>(op.getDialect()))
      return unsupported(fmt::format("{} is not a top op", op.getName().getStringRef().str()));
    std::vector<std::string> own;
    for (const mlir::Value value : op.getResults()) {
      const auto output = output_of.find(&op);
      const std::string old_name = name_of(value);
      own.push_back(output != output_of.end() ? output->second : names.unique(old_name));
      if (mlir::isa<top::WeightOp>(op) && own.back() != old_name) result.renamed.emplace_back(own.back(), old_name);
    }
    op.setLoc(name_location(context, own));
    if (auto input = mlir::dyn_cast<top::InputOp>(op)) set_preprocess(input, preprocess);
    if (auto interp = mlir::dyn_cast<top::InterpOp>(op); interp && interp.getMode() == "cubic")
      return unsupported(fmt::format("{}: bicubic resizing of data that is not constant", own.front()),
                         "tpuc-opt has no such op");
  }
  return result;
}

std::string print_top_module(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, mlir::OpPrintingFlags().enableDebugInfo(true, false));
  stream << '\n';
  return text;
}

Status write_top_module(const TopModule& top, const WeightStore& weights, const std::string& path) {
  const std::map<std::string, std::string> renamed(top.renamed.begin(), top.renamed.end());
  std::map<std::string, TensorView> views;
  Status status;
  // cnpy, which reads the file, believes the shape of the IR whatever the array's is: so both are made equal here.
  mlir::ModuleOp module = *top.module;
  module.walk([&](top::WeightOp op) {
    const std::string name = name_of(op.getOutput());
    const auto old_name = renamed.find(name);
    const std::string& stored = old_name == renamed.end() ? name : old_name->second;
    if (!weights.contains(stored)) {
      if (status.is_ok()) status = invalid_input(fmt::format("there is no weight {}", stored));
      return;
    }
    views[name] = weights.view(stored).with_shape(shape_of(op.getOutput()));
  });
  SAMC_TRY(status);
  const auto file = module->getAttrOfType<mlir::StringAttr>("module.weight_file");
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const std::vector<std::pair<std::string, TensorView>> arrays(views.begin(), views.end());
  // The text comes first, but for its last step: where it can't be written no weights are left without their .mlir.
  SAMC_ASSIGN(FileWriter text, FileWriter::create(path));
  SAMC_TRY(text.write(print_top_module(module)));
  SAMC_TRY(write_npz((folder / file.str()).string(), arrays, NpzCompression::kStored));
  return text.commit();
}

}  // namespace samc::sophgo
