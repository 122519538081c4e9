#include "onnx/simplify.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/guard.h"
#include "onnx/evaluate.h"
#include "onnx/unknown_operators.h"

namespace samc::onnx {
namespace {

constexpr size_t kMostNamesInMessage = 12;
// Known values of more elements are computed when something reads them: often only their shape is asked for, as of the
// neck's position encodings in SAM 2's exports. No list of extents, axes or pads is as long.
constexpr int64_t kMostEagerElements = 1024;
constexpr int64_t kMostElementsRead = int64_t{1} << 33;  // of constants, by all evaluations together

template <class Range>
std::string name_list(const Range& names) {
  std::string list;
  size_t listed = 0;
  for (const auto& name : names) {
    if (++listed > kMostNamesInMessage) return list + ", ...";
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  return list.empty() ? "none" : list;
}

using Names = std::map<std::string, std::string>;

std::set<std::string> defined_names(const Graph& graph) {
  std::set<std::string> names;
  for (const auto& [name, constant] : graph.initialisers) names.insert(name);
  for (const Node& node : graph.nodes) names.insert(node.outputs.begin(), node.outputs.end());
  names.erase("");
  return names;
}

// In the graph and in what its subgraphs read of it.
void rename_values(Graph& graph, const Names& names) {
  const auto settle = [&](std::string& name) {
    if (const auto found = names.find(name); found != names.end()) name = found->second;
  };
  for (const auto& [from, to] : names)
    if (auto initialiser = graph.initialisers.extract(from)) {
      initialiser.key() = to;
      graph.initialisers.insert(std::move(initialiser));
    }
  for (ValueType& output : graph.outputs) settle(output.name);
  for (Node& node : graph.nodes) {
    for (std::string& name : node.inputs) settle(name);
    for (std::string& name : node.outputs) settle(name);
    for (auto& [key, attribute] : node.attributes) {
      if (attribute.graph == nullptr) continue;
      attribute.graph = std::make_shared<Graph>(*attribute.graph);
      Names outer = names;
      for (const std::string& own : defined_names(*attribute.graph)) outer.erase(own);
      rename_values(*attribute.graph, outer);
    }
  }
}

class Simplifier {
 public:
  Simplifier(const Model& model, const SimplifyOptions& options) : model_(model), options_(options) {}

  Result<SimpleGraph> run() {
    result_.opset = model_.opset;
    SAMC_TRY(settle_outputs());
    find_needed();
    SAMC_TRY(settle_inputs());
    SAMC_TRY(run_graph(model_.graph, true));
    if (!unknown_.list().empty()) return unknown_.report();
    for (const std::string& name : options_.cuts)
      if (std::none_of(result_.inputs.begin(), result_.inputs.end(),
                       [&](const auto& input) { return input.name == name; }))
        return invalid_input(fmt::format("no single-result node of the graph that runs makes {}", name));
    for (SimpleOutput& output : result_.outputs) {
      output.value = resolve(output.value);
      SAMC_TRY(force(output.value));
    }
    remove_dead(result_);
    return std::move(result_);
  }

 private:
  Status settle_outputs() {
    if (options_.outputs.empty()) {
      for (const ValueType& output : model_.graph.outputs) result_.outputs.push_back({output.name, output.name});
      if (result_.outputs.empty()) return invalid_input("the model has no outputs");
      return Status::ok();
    }
    std::set<std::string> existing;
    for (const ValueType& input : model_.graph.inputs) existing.insert(input.name);
    for (const Node& node : model_.graph.nodes) existing.insert(node.outputs.begin(), node.outputs.end());
    for (const std::string& name : options_.outputs) {
      if (existing.count(name) == 0) {
        std::vector<std::string> names;
        for (const ValueType& output : model_.graph.outputs) names.push_back(output.name);
        return invalid_input(
            fmt::format("the model has no value {}", name),
            fmt::format("its outputs are {}; any node's result can be named as well", name_list(names)));
      }
      result_.outputs.push_back({name, name});
    }
    return Status::ok();
  }

  // The nodes of the top graph that the outputs depend on.
  void find_needed() {
    for (const SimpleOutput& output : result_.outputs) needed_.insert(output.name);
    for (size_t i = model_.graph.nodes.size(); i-- > 0;) {
      const Node& node = model_.graph.nodes[i];
      if (std::any_of(node.outputs.begin(), node.outputs.end(),
                      [&](const auto& name) { return needed_.count(name) != 0; }))
        need_operands(node);
      needed_.erase("");  // of absent operands
    }
  }

  void need_operands(const Node& node) {
    needed_.insert(node.inputs.begin(), node.inputs.end());
    for (const auto& [name, attribute] : node.attributes) {
      if (attribute.graph == nullptr) continue;
      for (const Node& inner : attribute.graph->nodes) need_operands(inner);
      for (const ValueType& output : attribute.graph->outputs) needed_.insert(output.name);
    }
  }

  Status settle_inputs() {
    std::vector<std::string> names;
    for (const ValueType& input : model_.graph.inputs) names.push_back(input.name);
    for (const auto& [name, shape] : options_.input_shapes)
      if (std::find(names.begin(), names.end(), name) == names.end())
        return invalid_input(fmt::format("the model has no input {}", name),
                             fmt::format("its inputs are {}", name_list(names)));
    for (const auto& [name, constant] : options_.fixed_inputs)
      if (std::find(names.begin(), names.end(), name) == names.end())
        return invalid_input(fmt::format("the model has no input {}", name),
                             fmt::format("its inputs are {}", name_list(names)));
    for (const ValueType& input : model_.graph.inputs) {
      if (const auto fixed = options_.fixed_inputs.find(input.name); fixed != options_.fixed_inputs.end()) {
        SAMC_TRY(fix_input(input, fixed->second));
        continue;
      }
      SAMC_ASSIGN(const Shape shape, input_shape(input));
      result_.inputs.push_back({input.name, input.dtype, shape});
      result_.values[input.name] = unknown_value(input.dtype, shape);
    }
    return Status::ok();
  }

  Status fix_input(const ValueType& input, const Constant& constant) {
    bool fits =
        constant.view.dtype == input.dtype && (!input.has_shape || input.shape.size() == constant.view.shape.size());
    for (size_t i = 0; fits && input.has_shape && i < input.shape.size(); ++i)
      fits = input.shape[i].extent < 0 || input.shape[i].extent == constant.view.shape[i];
    if (!fits)
      return invalid_input(fmt::format("the value of shape {} that is given for the input {} does not fit it",
                                       shape_to_string(constant.view.shape), input.name));
    return define(input.name, Value{constant.view.dtype, constant.view.shape, constant, false});
  }

  bool is_cut(const std::string& name) const {
    return std::find(options_.cuts.begin(), options_.cuts.end(), name) != options_.cuts.end();
  }

  const char* shape_hint() const {
    return options_.has_flags ? "give the shape with --input_shapes" : "export it with fixed shapes";
  }

  Result<Shape> input_shape(const ValueType& input) {
    const auto given = options_.input_shapes.find(input.name);
    if (!input.has_shape && given == options_.input_shapes.end())
      return invalid_input(fmt::format("the input {} has no shape in the model", input.name), shape_hint());
    if (given != options_.input_shapes.end() && input.has_shape && given->second.size() != input.shape.size())
      return invalid_input(fmt::format("the shape {} is given for the input {}, which has {} axes",
                                       shape_to_string(given->second), input.name, input.shape.size()));
    if (!input.has_shape) return given->second;
    Shape shape;
    for (size_t i = 0; i < input.shape.size(); ++i) {
      const Dimension& dimension = input.shape[i];
      const auto named = options_.dimensions.find(dimension.name);
      int64_t extent = dimension.extent;
      if (given != options_.input_shapes.end()) {
        if (extent >= 0 && given->second[i] != extent)
          return invalid_input(fmt::format("the shape {} is given for the input {}, whose axis {} is {}",
                                           shape_to_string(given->second), input.name, i, extent));
        extent = given->second[i];
      } else if (extent < 0 && named != options_.dimensions.end()) {
        extent = named->second;
      }
      if (extent < 0)
        return invalid_input(fmt::format("axis {} of the input {} is not known{}", i, input.name,
                                         dimension.name.empty() ? "" : fmt::format(" ({})", dimension.name)),
                             shape_hint());
      shape.push_back(extent);
    }
    return shape;
  }

  std::string resolve(const std::string& name) const {
    const auto found = aliases_.find(name);
    return found == aliases_.end() ? name : found->second;
  }

  Status run_graph(const Graph& graph, bool only_needed) {
    for (const auto& [name, constant] : graph.initialisers)
      SAMC_TRY(define(name, Value{constant.view.dtype, constant.view.shape, constant, true}));
    for (const Node& node : graph.nodes) {
      if (only_needed && std::none_of(node.outputs.begin(), node.outputs.end(),
                                      [&](const auto& name) { return needed_.count(name) != 0; }))
        continue;
      SAMC_TRY(run_node(only_needed ? without_unread_results(node) : node).at(node.place()));
    }
    return Status::ok();
  }

  // Some operators have results that samc does not make, such as a MaxPool's places: they may stand there unread.
  Node without_unread_results(const Node& node) const {
    Node copy = node;
    for (std::string& name : copy.outputs)
      if (needed_.count(name) == 0) name.clear();
    return copy;
  }

  Status define(const std::string& name, Value value) {
    if (name.empty()) return Status::ok();
    if (aliases_.count(name) != 0 || !result_.values.emplace(name, std::move(value)).second)
      return invalid_input(fmt::format("the name {} is defined twice", name));
    return Status::ok();
  }

  Status run_node(const Node& node) {
    if (std::all_of(node.outputs.begin(), node.outputs.end(), [](const auto& name) { return name.empty(); }))
      return Status::ok();
    if (!is_known(node)) {
      note_unknown(node);
      return Status::ok();
    }
    if (node.op == "Constant") return run_constant(node);
    Node copy = node;
    for (std::string& input : copy.inputs) {
      if (poisoned_.count(input) != 0) {
        poison_results(node);
        return Status::ok();
      }
      input = resolve(input);
    }
    if (node.op == "If") return run_if(copy);

    while (!copy.inputs.empty() && copy.inputs.back().empty()) copy.inputs.pop_back();
    const Operator& op = *find_operator(node.op);
    const NodeContext context = result_.context(copy);
    SAMC_TRY(context.need_inputs(op.least_inputs, op.most_inputs));
    bool known = true;
    for (size_t i = 0; i < std::min(context.input_count(), op.values_read); ++i)
      known = known && (!context.has(i) || context.input(i).constant || deferred_.count(copy.inputs[i]) != 0);
    if (op.evaluate != nullptr && known) return run_known(copy, op, context);

    for (const std::string& input : copy.inputs) SAMC_TRY(force(input));
    SAMC_ASSIGN(const std::vector<Type> types, op.infer(context));
    if (types.size() < copy.outputs.size() &&
        std::any_of(copy.outputs.begin() + static_cast<std::ptrdiff_t>(types.size()), copy.outputs.end(),
                    [](const auto& name) { return !name.empty(); }))
      return unsupported(fmt::format("its result {} is used", copy.outputs.back()));
    for (const Type& type : types) SAMC_TRY(check_shape(type.shape, kMostElements));
    if (copy.outputs.size() == 1 && is_cut(copy.outputs[0])) {
      result_.inputs.push_back({copy.outputs[0], types[0].dtype, types[0].shape});
      return define(copy.outputs[0], Value{.dtype = types[0].dtype, .shape = types[0].shape});
    }
    if (const std::optional<size_t> same = unchanged_operand(copy, context, types[0])) {
      aliases_[copy.outputs[0]] = copy.inputs[*same];
      return Status::ok();
    }
    // No operation has to make what has no elements.
    bool all_empty = true;
    for (size_t i = 0; i < std::min(types.size(), copy.outputs.size()); ++i) {
      Value value = unknown_value(types[i].dtype, types[i].shape);
      all_empty = all_empty && (value.constant || copy.outputs[i].empty());
      SAMC_TRY(define(copy.outputs[i], std::move(value)));
    }
    if (all_empty) return Status::ok();
    if (op.evaluate == nullptr && context.has(0) && element_count(context.input(0).shape) == 0)
      return invalid_input(fmt::format("its operand {} is {}, which has no elements", copy.inputs[0],
                                       shape_to_string(context.input(0).shape)));
    result_.nodes.push_back(std::move(copy));
    return Status::ok();
  }

  // What depends on the data; but what has no elements is known whatever the data is.
  static Value unknown_value(DType dtype, const Shape& shape) {
    Value value{.dtype = dtype, .shape = shape};
    if (element_count(shape) == 0) value.constant = Constant::of(Tensor(dtype, shape));
    return value;
  }

  static Status check_shape(const Shape& shape, int64_t most) {
    if (shape.size() > kHighestRank) return invalid_input(fmt::format("its result would have {} axes", shape.size()));
    int64_t count = 1;
    for (const int64_t extent : shape)
      if (extent < 0 || __builtin_mul_overflow(count, extent, &count) || count > most)
        return invalid_input(fmt::format("its result would have the shape {}", shape_to_string(shape)));
    return Status::ok();
  }

  Status run_known(const Node& node, const Operator& op, const NodeContext& context) {
    if (!op.shape_from_values) {
      SAMC_ASSIGN(const std::vector<Type> types, op.infer(context));
      bool large = false;
      for (const Type& type : types) {
        SAMC_TRY(check_shape(type.shape, kMostEvaluatedElements));
        large = large || element_count(type.shape) > kMostEagerElements;
      }
      if (large) return defer(node, types);
    }
    for (size_t i = 0; i < std::min(node.inputs.size(), op.values_read); ++i) SAMC_TRY(force(node.inputs[i]));
    SAMC_ASSIGN(const std::vector<Constant> constants, evaluate(node));
    for (size_t i = 0; i < std::min(constants.size(), node.outputs.size()); ++i)
      SAMC_TRY(define(node.outputs[i], Value{constants[i].view.dtype, constants[i].view.shape, constants[i], false}));
    return Status::ok();
  }

  Status defer(const Node& node, const std::vector<Type>& types) {
    const auto shared = std::make_shared<const Node>(node);
    for (size_t i = 0; i < std::min(types.size(), node.outputs.size()); ++i) {
      if (node.outputs[i].empty()) continue;
      SAMC_TRY(define(node.outputs[i], Value{.dtype = types[i].dtype, .shape = types[i].shape}));
      deferred_[node.outputs[i]] = shared;
    }
    return Status::ok();
  }

  // Computes a deferred value, and before it those that it depends on. Not recursive: chains may be long.
  Status force(const std::string& name) {
    std::vector<std::shared_ptr<const Node>> waiting;
    const auto wait_for = [&](const std::string& value) {
      if (const auto found = deferred_.find(value); found != deferred_.end()) waiting.push_back(found->second);
    };
    wait_for(name);
    while (!waiting.empty()) {
      const std::shared_ptr<const Node> node = waiting.back();
      const size_t before = waiting.size();
      for (const std::string& input : node->inputs) wait_for(input);
      if (waiting.size() > before) continue;
      waiting.pop_back();
      if (std::none_of(node->outputs.begin(), node->outputs.end(),
                       [&](const auto& output) { return deferred_.count(output) != 0; }))
        continue;  // it was waited for twice
      Result<std::vector<Constant>> constants = evaluate(*node);
      if (!constants.is_ok()) return constants.status().at(node->place());
      for (size_t i = 0; i < std::min(constants.value().size(), node->outputs.size()); ++i)
        if (deferred_.erase(node->outputs[i]) != 0) result_.values[node->outputs[i]].constant = constants.value()[i];
    }
    return Status::ok();
  }

  Result<std::vector<Constant>> evaluate(const Node& node) {
    const Operator& op = *find_operator(node.op);
    const NodeContext context = result_.context(node);
    if (!op.shape_from_values) {
      SAMC_ASSIGN(const std::vector<Type> types, op.infer(context));
      int64_t bytes = constant_bytes_;
      for (const Type& type : types) bytes += element_count(type.shape) * dtype_size(type.dtype);
      SAMC_TRY(check_constant_bytes(bytes));
    }
    SAMC_TRY(spend(op, context));
    SAMC_ASSIGN(std::vector<Tensor> tensors, op.evaluate(context));
    for (size_t i = tensors.size(); i < node.outputs.size(); ++i)
      if (!node.outputs[i].empty()) return unsupported(fmt::format("its result {} is used", node.outputs[i]));
    std::vector<Constant> constants;
    for (Tensor& tensor : tensors) {
      constant_bytes_ += tensor.bytes();
      constants.push_back(Constant::of(std::move(tensor)));
    }
    SAMC_TRY(check_constant_bytes(constant_bytes_));
    return constants;
  }

  // What evaluation reads: thousands of nodes may each reduce the same large constant to one number.
  Status spend(const Operator& op, const NodeContext& context) {
    for (size_t i = 0; i < std::min(context.input_count(), op.values_read); ++i)
      if (context.has(i)) evaluated_elements_ += context.input(i).constant ? context.input(i).constant->count() : 0;
    if (evaluated_elements_ <= kMostElementsRead) return Status::ok();
    return invalid_input("the model's constants take more work to evaluate than any model needs");
  }

  Status check_constant_bytes(int64_t bytes) const {
    if (bytes <= options_.most_constant_bytes) return Status::ok();
    return invalid_input("the model's constants take more memory than any model needs");
  }

  void note_unknown(const Node& node) {
    unknown_.add(node,
                 options_.has_flags ? "cut the graph before it with --output_names" : "export the model without it");
    poison_results(node);
  }

  void poison_results(const Node& node) {
    poisoned_.insert(node.outputs.begin(), node.outputs.end());
    poisoned_.erase("");  // absent, of any node
  }

  Status run_constant(const Node& node) {
    using Kind = Attribute::Kind;
    if (node.outputs.size() != 1 || node.attributes.size() != 1) return invalid_input("it does not hold one value");
    const Attribute& value = node.attributes.begin()->second;
    Constant constant;
    if (value.kind == Kind::kTensor) {
      constant = value.tensor;
    } else if (value.kind == Kind::kInt || value.kind == Kind::kInts) {
      const std::vector<int64_t> values = value.kind == Kind::kInt ? std::vector{value.integer} : value.integers;
      Tensor tensor(DType::kI64, value.kind == Kind::kInt ? Shape{} : Shape{static_cast<int64_t>(values.size())});
      std::copy(values.begin(), values.end(), tensor.as<int64_t>().begin());
      constant = Constant::of(std::move(tensor));
    } else if (value.kind == Kind::kFloat || value.kind == Kind::kFloats) {
      const std::vector<float> values = value.kind == Kind::kFloat ? std::vector{value.real} : value.reals;
      Tensor tensor(DType::kF32, value.kind == Kind::kFloat ? Shape{} : Shape{static_cast<int64_t>(values.size())});
      std::copy(values.begin(), values.end(), tensor.f32().begin());
      constant = Constant::of(std::move(tensor));
    } else {
      return unsupported("its value is neither a tensor nor numbers");
    }
    return define(node.outputs[0],
                  Value{constant.view.dtype, constant.view.shape, constant, value.kind == Kind::kTensor});
  }

  Status run_if(const Node& node) {
    const Attribute* then_branch = node.find("then_branch");
    const Attribute* else_branch = node.find("else_branch");
    if (node.inputs.size() != 1 || then_branch == nullptr || else_branch == nullptr || then_branch->graph == nullptr ||
        else_branch->graph == nullptr)
      return invalid_input("it lacks its condition or a branch");
    const Value& condition = result_.value(node.inputs[0]);
    if (!condition.constant || condition.constant->count() != 1 || is_real(condition.dtype))
      return unsupported("its condition depends on the data",
                         "samc compiles one static graph: export without the branch");
    const Graph& chosen = condition.constant->integer(0) != 0 ? *then_branch->graph : *else_branch->graph;
    if (chosen.outputs.size() != node.outputs.size()) return invalid_input("a branch has another number of results");
    // Scopes side by side may use a name each for itself.
    Names taken;
    for (const std::string& name : defined_names(chosen))
      if (result_.values.count(name) != 0 || aliases_.count(name) != 0 || poisoned_.count(name) != 0)
        taken[name] = fmt::format("{}/{}", node.outputs[0], name);
    Graph renamed;
    if (!taken.empty()) {
      renamed = chosen;
      rename_values(renamed, taken);
    }
    const Graph& branch = taken.empty() ? chosen : renamed;
    SAMC_TRY(run_graph(branch, false));
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      const std::string inner = resolve(branch.outputs[i].name);
      if (poisoned_.count(inner) != 0)
        poisoned_.insert(node.outputs[i]);
      else
        aliases_[node.outputs[i]] = inner;
    }
    return Status::ok();
  }

  // The operand that the result is equal to. (x + 0 makes a zero of -0, which no model's result depends on.)
  std::optional<size_t> unchanged_operand(const Node& node, const NodeContext& context, const Type& type) const {
    if (changes_nothing(node, context, type)) return 0;
    const bool sum = node.op == "Add" || node.op == "Sub";
    if (!sum && node.op != "Mul" && node.op != "Div") return std::nullopt;
    for (size_t i = 0; i < 2; ++i) {
      if (i == 1 && (node.op == "Sub" || node.op == "Div")) break;
      const Value& kept = context.input(i);
      if (kept.constant || kept.shape != type.shape || kept.dtype != type.dtype) continue;
      if (holds_only(context.input(1 - i), sum ? 0.0 : 1.0)) return i;
    }
    return std::nullopt;
  }

  // Asked once for each constant: many nodes may add the same one.
  bool holds_only(const Value& value, double wanted) const {
    if (!value.constant || value.constant->count() == 0) return false;
    const auto [known, is_new] = uniform_.try_emplace({value.constant->view.data, value.constant->count(), wanted});
    if (!is_new) return known->second;
    int64_t i = 0;
    while (i < value.constant->count() && value.constant->real(i) == wanted) ++i;
    return known->second = i == value.constant->count();
  }

  // The result is the first operand as it is.
  bool changes_nothing(const Node& node, const NodeContext& context, const Type& type) const {
    static const std::set<std::string> candidates = {
        "Identity", "Dropout",   "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand",   "Slice", "Pad",
        "Tile",     "Transpose", "Concat",  "Split",   "Resize",  "Cast",      "CastLike", "Max",   "Min"};
    const Value& input = context.input(0);
    if (candidates.count(node.op) == 0 || input.shape != type.shape || input.dtype != type.dtype) return false;
    if (node.outputs.size() != 1 && node.op != "Dropout") return false;
    if (node.op == "Slice") {
      const Result<SliceParameters> slice = slice_parameters(context);
      return std::all_of(slice.value().steps.begin(), slice.value().steps.end(),
                         [](int64_t step) { return step == 1; });
    }
    if (node.op == "Pad") {
      const Result<PadParameters> pad = pad_parameters(context);
      return pad.value().before == Shape(input.shape.size(), 0);
    }
    if (node.op == "Transpose") {
      const Result<std::vector<int64_t>> order = transpose_order(context);
      return std::is_sorted(order.value().begin(), order.value().end());
    }
    if (node.op == "Concat" || node.op == "Max" || node.op == "Min") return node.inputs.size() == 1;
    if (node.op == "Dropout") return node.outputs.size() == 1 || node.outputs[1].empty();
    return true;
  }

  const Model& model_;
  const SimplifyOptions& options_;
  SimpleGraph result_;
  std::set<std::string> needed_;
  std::map<std::string, std::string> aliases_;                   // to a name that is none itself
  std::set<std::string> poisoned_;                               // values that an unknown operator makes
  std::map<std::string, std::shared_ptr<const Node>> deferred_;  // known values that nothing has read yet
  UnknownList unknown_;
  int64_t constant_bytes_ = 0;
  int64_t evaluated_elements_ = 0;
  // Whether a constant's elements (where, how many) are all one number.
  mutable std::map<std::tuple<const void*, int64_t, double>, bool> uniform_;
};

void count_into(const Graph& graph, std::map<std::string, int64_t>& counts) {
  for (const Node& node : graph.nodes) {
    ++counts[full_name(node)];
    for (const auto& [name, attribute] : node.attributes)
      if (attribute.graph != nullptr) count_into(*attribute.graph, counts);
  }
}

}  // namespace

const Value& SimpleGraph::value(const std::string& name) const {
  const auto found = values.find(name);
  SAMC_CHECK(found != values.end(), "no value {}", name);
  return found->second;
}

NodeContext SimpleGraph::context(const Node& node) const {
  std::vector<const Value*> operands;
  for (const std::string& input : node.inputs) operands.push_back(input.empty() ? nullptr : &value(input));
  return NodeContext(node, opset, std::move(operands));
}

std::map<std::string, int64_t> count_operators(const Graph& graph) {
  std::map<std::string, int64_t> counts;
  count_into(graph, counts);
  return counts;
}

std::map<std::string, int64_t> count_operators(const SimpleGraph& graph) {
  std::map<std::string, int64_t> counts;
  for (const Node& node : graph.nodes) ++counts[node.op];
  return counts;
}

void remove_dead(SimpleGraph& graph) {
  std::set<std::string> used;
  for (const SimpleOutput& output : graph.outputs) used.insert(output.value);
  std::vector<Node> kept;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    Node& node = graph.nodes[i];
    if (std::none_of(node.outputs.begin(), node.outputs.end(), [&](const auto& name) { return used.count(name) != 0; }))
      continue;
    used.insert(node.inputs.begin(), node.inputs.end());
    used.insert(node.outputs.begin(), node.outputs.end());
    kept.push_back(std::move(node));
  }
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
  for (const SimpleInput& input : graph.inputs) used.insert(input.name);
  std::erase_if(graph.values, [&](const auto& entry) { return used.count(entry.first) == 0; });
}

static Result<SimpleGraph> simplify_unguarded(const Model& model, const SimplifyOptions& options) {
  Result<SimpleGraph> result = Simplifier(model, options).run();
  if (!result.is_ok()) return result.status().at(model.path);
  return result;
}

Result<SimpleGraph> simplify(const Model& model, const SimplifyOptions& options) {
  return guarded([&] { return simplify_unguarded(model, options); });
}

}  // namespace samc::onnx
