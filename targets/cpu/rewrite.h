#pragma once
// What the CPU passes share beside ir/values.h: attributes by name, making weights and runs, following views.

#include <optional>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "ir/shapes.h"
#include "ir/values.h"
#include "ir/weight_store.h"
#include "mlir/IR/PatternMatch.h"
#include "targets/cpu/cpu_dialect.h"

namespace samc::cpu {

// ---- reading ----
bool is_op(mlir::Operation* op, llvm::StringRef name);
// The op named `name` that makes value, or nullptr.
mlir::Operation* producer(mlir::Value value, llvm::StringRef name);
// The cpu.run of this kernel that makes value, or a null op.
RunOp producer_run(mlir::Value value, llvm::StringRef kernel);
int64_t integer_attribute(mlir::Operation* op, llvm::StringRef name, int64_t otherwise);
double float_attribute(mlir::Operation* op, llvm::StringRef name, double otherwise);
bool bool_attribute(mlir::Operation* op, llvm::StringRef name, bool otherwise);
std::string string_attribute(mlir::Operation* op, llvm::StringRef name, const std::string& otherwise);
std::vector<int64_t> integers_attribute(mlir::Operation* op, llvm::StringRef name);  // empty when it has none
// Whether an axis attribute names the last axis of the op's first operand.
bool is_last_axis(mlir::Operation* op);
// Whether an activation op is the plain function of its name: exact, unscaled, unlimited.
bool is_plain_activation(mlir::Operation* op);
// The activation that an op of top applies to its result: "none", "relu", or nothing when no kernel has it (a limit).
std::optional<const char*> result_activation(mlir::Operation* op);

int64_t config_integer(RunOp run, llvm::StringRef name);
std::string config_string(RunOp run, llvm::StringRef name);

// ---- making ----
// Attributes of a cpu.run, collected and turned into its dictionary.
class Config {
 public:
  explicit Config(mlir::MLIRContext* context) : builder_(context) {}
  Config& set(llvm::StringRef name, int64_t value) { return add(name, builder_.getI64IntegerAttr(value)); }
  Config& set(llvm::StringRef name, int value) { return set(name, static_cast<int64_t>(value)); }
  Config& set(llvm::StringRef name, double value) { return add(name, builder_.getF64FloatAttr(value)); }
  Config& set(llvm::StringRef name, const char* value) { return add(name, builder_.getStringAttr(value)); }
  Config& set(llvm::StringRef name, const std::string& value) { return add(name, builder_.getStringAttr(value)); }
  Config& set(llvm::StringRef name, const std::vector<int64_t>& values) {
    return add(name, builder_.getI64ArrayAttr(values));
  }
  mlir::DictionaryAttr finish() { return builder_.getDictionaryAttr(attributes_); }

 private:
  Config& add(llvm::StringRef name, mlir::Attribute value) {
    attributes_.push_back(builder_.getNamedAttr(name, value));
    return *this;
  }
  mlir::Builder builder_;
  std::vector<mlir::NamedAttribute> attributes_;
};

// The run's dictionary with one attribute changed.
mlir::DictionaryAttr with_attribute(RunOp run, llvm::StringRef name, mlir::Attribute value);

mlir::Value make_none(mlir::OpBuilder& builder, mlir::Location location);
RunOp make_run(mlir::OpBuilder& builder, mlir::Location location, llvm::StringRef kernel, mlir::ValueRange arguments,
               const Shape& result, Config& config);
mlir::Value make_reshape(mlir::OpBuilder& builder, mlir::Location location, mlir::Value input, const Shape& shape);
mlir::Value make_permute(mlir::OpBuilder& builder, mlir::Location location, mlir::Value input,
                         const std::vector<int64_t>& order);
// Adds the tensor to the store under a new name derived from `wanted` and makes the op that reads it.
mlir::Value make_weight(mlir::OpBuilder& builder, WeightStore& weights, const std::string& wanted, Tensor tensor);
// A location named like value's with a suffix.
mlir::Location derived_location(mlir::Value value, llvm::StringRef suffix);

// Orders of top.Permute between the two layouts of pictures.
inline const std::vector<int64_t> kToNhwc = {0, 2, 3, 1};
inline const std::vector<int64_t> kToNchw = {0, 3, 1, 2};
std::vector<int64_t> inverse_order(const std::vector<int64_t>& order);
bool is_identity(const std::vector<int64_t>& order);
Shape permuted(const Shape& shape, const std::vector<int64_t>& order);
int64_t round_up(int64_t value, int64_t multiple);
// starts, steps and extents of a top.Slice for all axes of its operand.
SliceRange range_of_slice(mlir::Operation* slice);

// ---- views ----
// How a value's elements lie in another value's buffer, through reshapes, permutes, slices and squeezes between them.
// Each dimension is a list of (extent, stride) factors, outermost first; extents of 1 are left out.
struct Factor {
  int64_t extent;
  int64_t stride;
  bool operator==(const Factor&) const = default;
};
// Of a dimension that is one step through the buffer.
std::vector<Factor> factors(int64_t extent, int64_t stride);
struct View {
  mlir::Value base;  // dense, row-major
  int64_t offset = 0;
  std::vector<std::vector<Factor>> dims;
};
// Follows value back as far as views reach. Always succeeds: at worst the base is value itself.
View trace_view(mlir::Value value);

}  // namespace samc::cpu
