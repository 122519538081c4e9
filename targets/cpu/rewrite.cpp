#include "targets/cpu/rewrite.h"

namespace samc::cpu {

RunOp producer_run(mlir::Value value, llvm::StringRef kernel) {
  auto run = value.getDefiningOp<RunOp>();
  return run && run.getKernel() == kernel ? run : RunOp();
}

int64_t config_integer(RunOp run, llvm::StringRef name) {
  return mlir::cast<mlir::IntegerAttr>(run.getConfig().get(name)).getInt();
}
std::string config_string(RunOp run, llvm::StringRef name) {
  return mlir::cast<mlir::StringAttr>(run.getConfig().get(name)).str();
}

bool has_operand(RunOp run, unsigned position) {
  return run.getArguments().size() > position && !is_none(run.getArguments()[position]);
}

bool is_finished_deconv(RunOp run) {
  return run.getKernel() == "deconv2x2" && (run.getConfig().get("norm") != nullptr || has_operand(run, kDeconvMix));
}

mlir::DictionaryAttr with_attribute(RunOp run, llvm::StringRef name, mlir::Attribute value) {
  mlir::NamedAttrList list(run.getConfig());
  list.set(name, value);
  return list.getDictionary(run.getContext());
}

RunOp make_run(mlir::OpBuilder& builder, mlir::Location location, llvm::StringRef kernel, mlir::ValueRange arguments,
               const Shape& result, Config& config) {
  return builder.create<RunOp>(location, tensor_type(builder.getContext(), result), builder.getStringAttr(kernel),
                               arguments, config.finish(), nullptr, nullptr);
}

}  // namespace samc::cpu
