#pragma once
// What an ONNX operator does, in two functions: infer (types and static shapes of its results) and, where constants may
// meet it, evaluate (the exact results, as ONNX defines them). One table holds all operators that samc knows.

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "onnx/graph.h"

namespace samc::onnx {

// What is known of a value before the model runs. Shapes are static.
struct Value {
  DType dtype = DType::kF32;
  Shape shape = {};
  std::optional<Constant> constant = {};
  bool in_model = false;  // the constant's bytes are the model's own and live as long as it does

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
};

struct Type {
  DType dtype = DType::kF32;
  Shape shape = {};
};

// A node and what is known of its operands.
class NodeContext {
 public:
  NodeContext(const Node& node, int64_t opset, std::vector<const Value*> inputs)
      : node_(node), opset_(opset), inputs_(std::move(inputs)) {}

  const Node& node() const { return node_; }
  int64_t opset() const { return opset_; }
  size_t input_count() const { return inputs_.size(); }
  bool has(size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  const Value& input(size_t i) const;  // must be there
  Status need_inputs(size_t least, size_t most) const;

  int64_t integer(const std::string& attribute, int64_t otherwise) const;
  float real(const std::string& attribute, float otherwise) const;
  std::string text(const std::string& attribute, const std::string& otherwise) const;
  std::optional<std::vector<int64_t>> integers(const std::string& attribute) const;

  // The elements of an integer operand that must be constant.
  Result<std::vector<int64_t>> constant_integers(size_t i) const;
  Result<double> constant_scalar(size_t i) const;
  // A list that is an attribute in old opsets and an operand in new ones; nothing when it is neither.
  Result<std::optional<std::vector<int64_t>>> list(const std::string& attribute, size_t operand) const;

 private:
  const Node& node_;
  int64_t opset_;
  std::vector<const Value*> inputs_;
};

constexpr size_t kAnyOperands = 1 << 20;

struct Operator {
  std::string_view name;
  size_t least_inputs = 1;
  size_t most_inputs = 1;
  Result<std::vector<Type>> (*infer)(const NodeContext&) = nullptr;
  // nullptr: never evaluated here (matrix products and the like, which the top dialect's own constant evaluation
  // folds).
  Result<std::vector<Tensor>> (*evaluate)(const NodeContext&) = nullptr;
  // The values of so many operands count, of the others their types and shapes only: none of Shape and Size.
  size_t values_read = kAnyOperands;
  bool shape_from_values = false;  // the result's shape is in the operands' values, so infer alone cannot know it
};

const Operator* find_operator(std::string_view name);
std::vector<std::string_view> operator_names();

// Results of more elements are an error: no model of the family has them, a hostile file might.
constexpr int64_t kMostElements = int64_t{1} << 31;
constexpr int64_t kMostEvaluatedElements = int64_t{1} << 25;

// Parameters as the operators' definitions give them, with all defaults and opset differences settled.
struct SliceParameters {
  Shape starts;  // for every axis
  Shape steps;
  Shape extents;
};
struct PadParameters {
  Shape before;
  Shape after;
  std::string mode;
  double value = 0;
};
struct ConvParameters {
  Shape kernel;
  Shape strides;
  Shape pads;  // begins, then ends
  Shape dilations;
  Shape output_padding;
  int64_t group = 1;
  Shape output;  // spatial extents
};
struct ResizeParameters {
  Shape output;
  std::vector<double> exact;  // the extents before rounding down: extent times scale
  std::string mode;
  std::string coordinates;
  std::string nearest_mode;
  double cubic_coefficient = -0.75;
};
struct ReduceParameters {
  std::vector<int64_t> axes;
  bool keep_dims = true;
};

Result<int64_t> normal_axis(int64_t axis, int64_t rank);
Result<std::vector<int64_t>> normal_axes(std::vector<int64_t> axes, int64_t rank);
Result<Shape> broadcast(const Shape& a, const Shape& b);
Result<SliceParameters> slice_parameters(const NodeContext& context);
Result<PadParameters> pad_parameters(const NodeContext& context);
Result<ConvParameters> conv_parameters(const NodeContext& context);
Result<ConvParameters> conv_transpose_parameters(const NodeContext& context);
Result<ConvParameters> pool_parameters(const NodeContext& context);
Result<ResizeParameters> resize_parameters(const NodeContext& context);
Result<int64_t> cum_sum_axis(const NodeContext& context);
Result<ReduceParameters> reduce_parameters(const NodeContext& context);
Result<std::vector<int64_t>> split_sizes(const NodeContext& context);
Result<std::vector<int64_t>> transpose_order(const NodeContext& context);
Result<Shape> reshape_shape(const NodeContext& context);
Result<std::vector<int64_t>> squeeze_axes(const NodeContext& context);
Result<std::vector<int64_t>> unsqueeze_axes(const NodeContext& context);
// The dtype that a Cast names or a CastLike shows, or an error for one that samc does not have. f16, bf16 and f64 are
// f32 here.
Result<DType> cast_type(const NodeContext& context);

// Evaluation, by group. All operands are constant.
using Evaluation = Result<std::vector<Tensor>>;
Evaluation evaluate_unary(const NodeContext& context);
Evaluation evaluate_binary(const NodeContext& context);
Evaluation evaluate_compare(const NodeContext& context);
Evaluation evaluate_where(const NodeContext& context);
Evaluation evaluate_cum_sum(const NodeContext& context);
Evaluation evaluate_dequantize(const NodeContext& context);
Evaluation evaluate_clip(const NodeContext& context);
Evaluation evaluate_cast(const NodeContext& context);
Evaluation evaluate_reduce(const NodeContext& context);
Evaluation evaluate_shape(const NodeContext& context);
Evaluation evaluate_size(const NodeContext& context);
Evaluation evaluate_constant_of_shape(const NodeContext& context);
Evaluation evaluate_range(const NodeContext& context);
Evaluation evaluate_one_hot(const NodeContext& context);
Evaluation evaluate_non_zero(const NodeContext& context);
Evaluation evaluate_same_bytes(const NodeContext& context);  // Reshape, Squeeze, Unsqueeze, Flatten, Identity
Evaluation evaluate_transpose(const NodeContext& context);
Evaluation evaluate_expand(const NodeContext& context);
Evaluation evaluate_slice(const NodeContext& context);
Evaluation evaluate_split(const NodeContext& context);
Evaluation evaluate_concat(const NodeContext& context);
Evaluation evaluate_gather(const NodeContext& context);
Evaluation evaluate_gather_elements(const NodeContext& context);
Evaluation evaluate_gather_nd(const NodeContext& context);
Evaluation evaluate_scatter_elements(const NodeContext& context);
Evaluation evaluate_scatter_nd(const NodeContext& context);
Evaluation evaluate_tile(const NodeContext& context);
Evaluation evaluate_pad(const NodeContext& context);
Evaluation evaluate_trilu(const NodeContext& context);

}  // namespace samc::onnx
