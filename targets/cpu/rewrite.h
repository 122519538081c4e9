#pragma once
// What the CPU passes share beside passes/toolkit: making and reading kernel calls.

#include <string>
#include <vector>

#include "mlir/IR/PatternMatch.h"
#include "passes/toolkit/attributes.h"
#include "passes/toolkit/make.h"
#include "passes/toolkit/products.h"
#include "passes/toolkit/view.h"
#include "passes/toolkit/windows.h"
#include "targets/cpu/cpu_dialect.h"

namespace samc::cpu {

using vision::AttentionOp;
using vision::WindowPartitionOp;
using vision::WindowUnpartitionOp;

// The cpu.run of this kernel that makes value, or a null op.
RunOp producer_run(mlir::Value value, llvm::StringRef kernel);
int64_t config_integer(RunOp run, llvm::StringRef name);
std::string config_string(RunOp run, llvm::StringRef name);

bool has_operand(RunOp run, unsigned position);

// Positions of what deconv2x2 does behind its residual.
constexpr unsigned kDeconvNormWeight = 4, kDeconvMix = 6;
// A deconv2x2 that does any of it.
bool is_finished_deconv(RunOp run);

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

RunOp make_run(mlir::OpBuilder& builder, mlir::Location location, llvm::StringRef kernel, mlir::ValueRange arguments,
               const Shape& result, Config& config);

}  // namespace samc::cpu
