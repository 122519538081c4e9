#pragma once
// How model/ and onnx/ write functions of top ops.
//
//   GraphBuilder builder(module, weights);
//   auto inputs = builder.begin_function("encoder", {{"image", {1, 3, 64, 64}}});
//   mlir::Value x = builder.conv("stem", inputs[0], builder.weight("stem.weight"), builder.weight("stem.bias"),
//   {.strides = {4, 4}}); SAMC_TRY(builder.end_function({{"embedding", builder.relu("stem_relu", x)}}));
//
// Every method takes the name of the value it makes, which must be new in the function, and returns a value of static
// f32 shape. Errors stick: the first one (shapes that do not fit, a missing weight, a name used twice) is kept, from
// then on every method returns a null value and does nothing, and end_function returns the error. Code that reads
// shapes of values whose making may have failed looks at is_ok() first.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "ir/weight_store.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace samc {

struct NamedShape {
  std::string name;
  Shape shape;
};

struct NamedValue {
  std::string name;
  mlir::Value value;
};

struct ConvOptions {
  Shape strides = {1, 1};
  Shape pads = {0, 0, 0, 0};  // top, left, bottom, right
  Shape dilations = {1, 1};
  int64_t group = 1;
};

struct DeconvOptions {
  Shape strides = {1, 1};
  Shape pads = {0, 0, 0, 0};  // top, left, bottom, right
  Shape dilations = {1, 1};
  Shape output_padding = {0, 0};
  int64_t group = 1;
};

struct PoolOptions {
  Shape kernel;
  Shape strides;
  Shape pads = {0, 0, 0, 0};  // top, left, bottom, right
  bool ceil_mode = false;
  bool count_include_pad = false;  // average pooling only
};

enum class InterpMode { kNearest, kLinear, kCubic };  // cubic only where constant evaluation folds it away

enum class CoordMode { kHalfPixel, kPytorchHalfPixel, kAlignCorners, kAsymmetric };

enum class ReduceMode { kMean, kSum, kMax, kMin, kL2, kProd };

enum class CompareMode { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

enum class PadMode { kConstant, kReflect, kEdge };

class GraphBuilder {
 public:
  GraphBuilder(mlir::ModuleOp module, WeightStore& weights);

  // A public func.func with one top.Input for each input; returns the values of those.
  std::vector<mlir::Value> begin_function(const std::string& name, const std::vector<NamedShape>& inputs);
  // Output names are kept in the function's result attributes (top.name), so they survive every pass.
  Status end_function(const std::vector<NamedValue>& outputs);

  bool is_ok() const { return status_.is_ok(); }
  const Status& status() const { return status_; }
  // For importers that find a mistake of the user's while they build: kept if it is the first.
  void fail(Status status);

  // The value's static shape; the value must not be null.
  static Shape shape(mlir::Value value);
  static int64_t dim(mlir::Value value, int64_t axis);  // negative axes count from the end
  bool has_name(const std::string& name) const { return names_.count(name) != 0; }
  WeightStore& weights() { return weights_; }

  // Weights and constants. weight(): one top.Weight a name and function. With a shape: the same bytes under that shape.
  mlir::Value weight(const std::string& name);
  mlir::Value weight(const std::string& name, const Shape& shape);
  // Adds the tensor to the store under this name.
  mlir::Value constant(const std::string& name, Tensor value);
  mlir::Value none();

  // Neural network. Absent bias or weight: a null value. Images are NCHW.
  // filter is (out, in / group, kh, kw)
  mlir::Value conv(const std::string& name, mlir::Value x, mlir::Value filter, mlir::Value bias = {},
                   const ConvOptions& options = {});
  // filter is (out / group, in, kh, kw): PyTorch's (in, out / group, kh, kw) with the first two axes exchanged
  mlir::Value deconv(const std::string& name, mlir::Value x, mlir::Value filter, mlir::Value bias = {},
                     const DeconvOptions& options = {});
  // a is (batch..., m, k), b is (batch..., k, n) or a weight (k, n); with right_transpose (..., n, k)
  mlir::Value matmul(const std::string& name, mlir::Value a, mlir::Value b, mlir::Value bias = {},
                     bool right_transpose = false);
  // PyTorch's Linear: weight is (n, k)
  mlir::Value linear(const std::string& name, mlir::Value x, mlir::Value weight, mlir::Value bias = {}) {
    return matmul(name, x, weight, bias, true);
  }
  // over the last axis
  mlir::Value layer_norm(const std::string& name, mlir::Value x, mlir::Value weight, mlir::Value bias, double eps,
                         int64_t axis = -1);
  // over axis 1 of NCHW (SAM's LayerNorm2d); weight and bias (c) or (c, 1, 1)
  mlir::Value pixel_norm(const std::string& name, mlir::Value x, mlir::Value weight, mlir::Value bias, double eps);
  mlir::Value softmax(const std::string& name, mlir::Value x, int64_t axis = -1);
  mlir::Value max_pool(const std::string& name, mlir::Value x, const PoolOptions& options);
  mlir::Value avg_pool(const std::string& name, mlir::Value x, const PoolOptions& options);
  // resizes the last two axes to (height, width)
  mlir::Value interp(const std::string& name, mlir::Value x, int64_t height, int64_t width, InterpMode mode,
                     CoordMode coordinates = CoordMode::kHalfPixel);

  // Elementwise, one operand.
  mlir::Value relu(const std::string& name, mlir::Value x);
  mlir::Value gelu(const std::string& name, mlir::Value x);  // exact: with erf
  mlir::Value sigmoid(const std::string& name, mlir::Value x);
  mlir::Value silu(const std::string& name, mlir::Value x);
  mlir::Value softplus(const std::string& name, mlir::Value x);
  mlir::Value sin(const std::string& name, mlir::Value x);
  mlir::Value cos(const std::string& name, mlir::Value x);
  mlir::Value exp(const std::string& name, mlir::Value x);
  mlir::Value log(const std::string& name, mlir::Value x);
  mlir::Value sqrt(const std::string& name, mlir::Value x);
  mlir::Value abs(const std::string& name, mlir::Value x);
  mlir::Value floor(const std::string& name, mlir::Value x);
  mlir::Value ceil(const std::string& name, mlir::Value x);
  mlir::Value round(const std::string& name, mlir::Value x);  // halves to even, as ONNX and PyTorch do
  mlir::Value tanh(const std::string& name, mlir::Value x);
  mlir::Value erf(const std::string& name, mlir::Value x);
  mlir::Value neg(const std::string& name, mlir::Value x) { return mul_const(name, x, -1.0); }
  mlir::Value pow(const std::string& name, mlir::Value x, double exponent);
  mlir::Value clip(const std::string& name, mlir::Value x, double low, double high);
  mlir::Value cast_to_int(const std::string& name, mlir::Value x);  // towards zero; the value stays f32

  // Elementwise, two operands, broadcast as numpy does.
  mlir::Value add(const std::string& name, mlir::Value a, mlir::Value b);
  mlir::Value sub(const std::string& name, mlir::Value a, mlir::Value b);
  mlir::Value mul(const std::string& name, mlir::Value a, mlir::Value b);
  mlir::Value div(const std::string& name, mlir::Value a, mlir::Value b);
  mlir::Value max(const std::string& name, mlir::Value a, mlir::Value b);
  mlir::Value min(const std::string& name, mlir::Value a, mlir::Value b);
  mlir::Value mod(const std::string& name, mlir::Value a, mlir::Value b);  // sign of the divisor, as Python's %
  mlir::Value add_const(const std::string& name, mlir::Value x, double value);
  mlir::Value sub_const(const std::string& name, mlir::Value x, double value) { return add_const(name, x, -value); }
  mlir::Value const_minus(const std::string& name, double value, mlir::Value x);
  mlir::Value mul_const(const std::string& name, mlir::Value x, double value);
  mlir::Value div_const(const std::string& name, mlir::Value x, double value) {
    return mul_const(name, x, 1.0 / value);
  }
  mlir::Value const_over(const std::string& name, double value, mlir::Value x);
  mlir::Value compare(const std::string& name, mlir::Value a, mlir::Value b, CompareMode mode);  // 0.0 or 1.0
  mlir::Value compare_const(const std::string& name, mlir::Value x, double value, CompareMode mode);
  mlir::Value logical_not(const std::string& name, mlir::Value x);
  // condition is 0.0 or not; the three are broadcast together
  mlir::Value where(const std::string& name, mlir::Value condition, mlir::Value if_true, mlir::Value if_false);
  mlir::Value where_const(const std::string& name, mlir::Value condition, mlir::Value if_true, double if_false);

  // Data movement.
  mlir::Value reshape(const std::string& name, mlir::Value x, const Shape& shape);  // one extent may be -1
  mlir::Value permute(const std::string& name, mlir::Value x, const std::vector<int64_t>& order);
  mlir::Value concat(const std::string& name, const std::vector<mlir::Value>& parts, int64_t axis);
  // x[start:end:step] along one axis; end and start may be negative as in Python, steps are positive
  mlir::Value slice(const std::string& name, mlir::Value x, int64_t axis, int64_t start, int64_t end, int64_t step = 1);
  // names.size() parts along the axis, of these sizes
  std::vector<mlir::Value> split(const std::vector<std::string>& names, mlir::Value x, int64_t axis,
                                 const std::vector<int64_t>& sizes);
  // rows of x along the axis; indices hold whole numbers as f32
  mlir::Value gather(const std::string& name, mlir::Value x, mlir::Value indices, int64_t axis, bool keep_dims = true);
  mlir::Value squeeze(const std::string& name, mlir::Value x, const std::vector<int64_t>& axes);
  mlir::Value unsqueeze(const std::string& name, mlir::Value x, const std::vector<int64_t>& axes);
  mlir::Value tile(const std::string& name, mlir::Value x, const std::vector<int64_t>& repeats);
  mlir::Value expand(const std::string& name, mlir::Value x, const Shape& shape);  // broadcast to shape
  // before and after: elements added on each side of each axis
  mlir::Value pad(const std::string& name, mlir::Value x, const std::vector<int64_t>& before,
                  const std::vector<int64_t>& after, double value = 0.0, PadMode mode = PadMode::kConstant);
  mlir::Value reduce(const std::string& name, mlir::Value x, ReduceMode mode, const std::vector<int64_t>& axes,
                     bool keep_dims);
  mlir::Value arg_max(const std::string& name, mlir::Value x, int64_t axis, bool keep_dims);

 private:
  // Creates a top op of one result; operands may be null (top.None). nullptr when the builder has failed.
  mlir::Value create(const char* op, const std::string& name, const std::vector<mlir::Value>& operands,
                     const std::vector<mlir::NamedAttribute>& attributes = {});
  std::vector<mlir::Value> create_many(const char* op, const std::vector<std::string>& names,
                                       const std::vector<mlir::Value>& operands,
                                       const std::vector<mlir::NamedAttribute>& attributes);
  bool claim_name(const std::string& name);
  mlir::NamedAttribute attribute(const char* name, mlir::Attribute value);
  mlir::NamedAttribute integers(const char* name, const Shape& values);
  mlir::NamedAttribute number(const char* name, double value);
  mlir::NamedAttribute integer(const char* name, int64_t value);
  mlir::NamedAttribute axis(int64_t value);  // si32
  mlir::NamedAttribute text(const char* name, const char* value);
  mlir::NamedAttribute flag(const char* name, bool value);
  std::vector<mlir::NamedAttribute> pool_attributes(const PoolOptions& options);

  mlir::ModuleOp module_;
  WeightStore& weights_;
  mlir::OpBuilder builder_;
  mlir::func::FuncOp function_;
  mlir::Value none_;
  std::map<std::string, mlir::Value> weight_values_;
  std::set<std::string> names_;
  Status status_;
};

}  // namespace samc
