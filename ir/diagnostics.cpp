#include "ir/diagnostics.h"

#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/Diagnostics.h"

namespace samc {

DiagnosticCollector::DiagnosticCollector(mlir::MLIRContext* context) : context_(context) {
  handler_ = context->getDiagEngine().registerHandler([this](mlir::Diagnostic& diagnostic) {
    if (!text_.empty()) text_ += "; ";
    text_ += diagnostic.str();
    return mlir::success();
  });
}

DiagnosticCollector::~DiagnosticCollector() { context_->getDiagEngine().eraseHandler(handler_); }

}  // namespace samc
