#pragma once
// MLIR's diagnostics as text.

#include <cstdint>
#include <string>

#include "mlir/IR/MLIRContext.h"

namespace samc {

// Collects what MLIR has to say while it lives, so that it becomes one line of a Status instead of text on stderr.
class DiagnosticCollector {
 public:
  explicit DiagnosticCollector(mlir::MLIRContext* context);
  ~DiagnosticCollector();
  std::string text() const { return text_; }

 private:
  mlir::MLIRContext* context_;
  uint64_t handler_;
  std::string text_;
};

}  // namespace samc
