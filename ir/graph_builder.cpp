#include "ir/graph_builder.h"

#include "ir/shapes.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/IR/Diagnostics.h"

namespace samc {

GraphBuilder::GraphBuilder(mlir::ModuleOp module, WeightStore& weights)
    : module_(module), weights_(weights), builder_(module.getContext()) {
  load_dialects(*module.getContext());
}

std::vector<mlir::Value> GraphBuilder::begin_function(const std::string& name, const std::vector<NamedShape>& inputs) {
  SAMC_CHECK(!function_, "begin_function({}) before the end of {}", name, function_ ? function_.getName().str() : "");
  mlir::MLIRContext* context = module_.getContext();
  if (module_.lookupSymbol(name)) fail(invalid_input(fmt::format("two functions are called {}", name)));
  names_.clear();
  weight_values_.clear();
  none_ = {};
  if (!is_ok()) return std::vector<mlir::Value>(inputs.size());

  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<mlir::Location> locations;
  for (const NamedShape& input : inputs) {
    types.push_back(tensor_type(context, input.shape));
    locations.push_back(name_location(context, input.name));
  }
  function_ =
      mlir::func::FuncOp::create(name_location(context, name), name, mlir::FunctionType::get(context, types, {}));
  mlir::Block* block = new mlir::Block();
  function_.getBody().push_back(block);
  block->addArguments(types, locations);
  builder_.setInsertionPointToStart(block);

  std::vector<mlir::Value> values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!claim_name(inputs[i].name)) break;
    values.push_back(
        builder_.create<top::InputOp>(locations[i], types[i], block->getArgument(static_cast<unsigned>(i))));
  }
  values.resize(inputs.size());
  return values;
}

Status GraphBuilder::end_function(const std::vector<NamedValue>& outputs) {
  mlir::MLIRContext* context = module_.getContext();
  std::set<std::string> output_names;
  for (const NamedValue& output : outputs) {
    if (is_ok() && !output.value) fail(invalid_input(fmt::format("output {} has no value", output.name)));
    if (is_ok() && !output_names.insert(output.name).second) {
      fail(invalid_input(fmt::format("two outputs are called {}", output.name)));
    }
  }
  if (!is_ok()) {
    if (function_) function_.erase();
    function_ = {};
    return status_;
  }
  SAMC_CHECK(function_, "end_function without begin_function");
  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<mlir::Value> values;
  for (const NamedValue& output : outputs) {
    types.push_back(output.value.getType());
    values.push_back(output.value);
  }
  builder_.create<mlir::func::ReturnOp>(function_.getLoc(), values);
  function_.setType(mlir::FunctionType::get(context, function_.getArgumentTypes(), types));
  // All at once: to set one result's attributes copies those of all results.
  llvm::SmallVector<mlir::DictionaryAttr> attributes;
  for (const NamedValue& output : outputs)
    attributes.push_back(
        builder_.getDictionaryAttr(builder_.getNamedAttr("top.name", mlir::StringAttr::get(context, output.name))));
  function_.setAllResultAttrs(attributes);
  module_.push_back(function_);
  function_ = {};
  return Status::ok();
}

void GraphBuilder::fail(Status status) {
  SAMC_CHECK(!status.is_ok(), "fail() with an ok status");
  if (status_.is_ok()) status_ = std::move(status);
}

Shape GraphBuilder::shape(mlir::Value value) { return shape_of(value); }

int64_t GraphBuilder::dim(mlir::Value value, int64_t axis) {
  const Shape shape = shape_of(value);
  return shape[static_cast<size_t>(normal_axis_checked(axis, shape.size()))];
}

bool GraphBuilder::claim_name(const std::string& name) {
  if (!is_ok()) return false;
  if (name.empty()) {
    fail(invalid_input("a value without a name"));
  } else if (!names_.insert(name).second) {
    fail(invalid_input(fmt::format("two values are called {}", name)));
  }
  return is_ok();
}

mlir::Value GraphBuilder::none() {
  if (!is_ok()) return {};
  if (!none_) {
    const mlir::OpBuilder::InsertionGuard guard(builder_);
    builder_.setInsertionPointToStart(&function_.getBody().front());
    none_ = builder_.create<top::NoneOp>(builder_.getUnknownLoc(), builder_.getNoneType());
  }
  return none_;
}

mlir::Value GraphBuilder::weight(const std::string& name) {
  if (!is_ok()) return {};
  if (!weights_.contains(name)) {
    fail(invalid_input(fmt::format("there is no weight {}", name)));
    return {};
  }
  return weight(name, weights_.shape(name));
}

mlir::Value GraphBuilder::weight(const std::string& name, const Shape& shape) {
  if (!is_ok()) return {};
  SAMC_CHECK(function_, "a weight outside of a function");
  if (!weights_.contains(name)) {
    fail(invalid_input(fmt::format("there is no weight {}", name)));
    return {};
  }
  const Shape& stored = weights_.shape(name);
  if (element_count(stored) != element_count(shape)) {
    fail(invalid_input(fmt::format("weight {} is {}, not {}", name, shape_to_string(stored), shape_to_string(shape))));
    return {};
  }
  const auto found = weight_values_.find(name);
  if (found != weight_values_.end()) {
    if (shape_of(found->second) == shape) return found->second;
    fail(invalid_input(fmt::format("weight {} is used as {} and as {}", name, shape_to_string(shape_of(found->second)),
                                   shape_to_string(shape))));
    return {};
  }
  if (!claim_name(name)) return {};
  const mlir::Value value = create_weight(builder_, name, shape);
  weight_values_[name] = value;
  return value;
}

mlir::Value GraphBuilder::constant(const std::string& name, Tensor value) {
  if (!is_ok()) return {};
  if (Status status = weights_.add(name, std::move(value)); !status.is_ok()) {
    fail(std::move(status));
    return {};
  }
  return weight(name);
}

std::vector<mlir::Value> GraphBuilder::create_many(const char* op, const std::vector<std::string>& names,
                                                   const std::vector<mlir::Value>& operands,
                                                   const std::vector<mlir::NamedAttribute>& attributes) {
  const std::vector<mlir::Value> nothing(names.size());
  for (const std::string& name : names) {
    if (!claim_name(name)) return nothing;
  }
  SAMC_CHECK(function_, "{} outside of a function", op);
  mlir::MLIRContext* context = module_.getContext();
  const mlir::OperationName kind(std::string("top.") + op, context);
  SAMC_CHECK(kind.isRegistered(), "top.{} is not an op", op);
  mlir::OperationState state(name_location(context, names), kind);
  for (const mlir::Value operand : operands) state.operands.push_back(operand ? operand : none());
  state.attributes.append(attributes.begin(), attributes.end());

  std::string message;
  const mlir::ScopedDiagnosticHandler handler(context, [&](mlir::Diagnostic& diagnostic) {
    message += diagnostic.str();
    return mlir::success();
  });
  const auto* inference = kind.getInterface<mlir::InferTypeOpInterface>();
  SAMC_CHECK(inference != nullptr, "top.{} has no shape inference", op);
  llvm::SmallVector<mlir::Type> types;
  if (mlir::failed(inference->inferReturnTypes(context, state.location, state.operands,
                                               state.attributes.getDictionary(context), mlir::OpaqueProperties(nullptr),
                                               {}, types))) {
    fail(invalid_input(fmt::format("{} ({}): {}", names.front(), op, message)));
    return nothing;
  }
  state.addTypes(types);
  mlir::Operation* created = builder_.create(state);
  std::vector<mlir::Value> results(created->getResults().begin(), created->getResults().end());
  results.resize(names.size());
  return results;
}

mlir::Value GraphBuilder::create(const char* op, const std::string& name, const std::vector<mlir::Value>& operands,
                                 const std::vector<mlir::NamedAttribute>& attributes) {
  return create_many(op, {name}, operands, attributes).front();
}

}  // namespace samc
