#include "targets/sophgo/text/read_top.h"

#include <fmt/format.h>

#include "base/memory_budget.h"
#include "ir/diagnostics.h"
#include "ir/mlir_text.h"
#include "ir/values.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "targets/sophgo/text/foreign_ops.h"

namespace samc::sophgo {

Result<ReadModule> parse_top_module(const std::string& text, const std::string& where, mlir::MLIRContext& context) {
  ReadModule read;
  SAMC_TRY(check_mlir_text(text).at(where));
  SAMC_TRY(check_memory(mlir_cost(text), "the MLIR").at(where));
  DiagnosticCollector diagnostics(&context);
  read.module = mlir::parseSourceString<mlir::ModuleOp>(mark_foreign_ops(text, context), mlir::ParserConfig(&context));
  if (!read.module)
    return invalid_input(fmt::format("{}: {}", where, diagnostics.text()), "it is no Top-dialect .mlir");
  mlir::ModuleOp module = *read.module;
  if (const auto name = module.getSymName()) read.model_name = name->str();
  const auto state = module->getAttrOfType<mlir::StringAttr>("module.state");
  if (!state || !state.getValue().starts_with("TOP"))
    return invalid_input(fmt::format("{}: module.state is {}, not TOP_F32", where, state ? state.str() : "not there"),
                         "give the file that transform, or model_transform.py, wrote");
  lower_foreign_ops(module);
  auto function = module.lookupSymbol<mlir::func::FuncOp>("main");
  if (!function || function.getBody().empty()) return invalid_input(fmt::format("{} has no function @main", where));
  Status status;
  function.walk([&](mlir::Operation* op) {
    for (const mlir::Value value : op->getResults())
      if (status.is_ok() && !is_none(value) && !has_static_shape(value))
        status = unsupported(fmt::format("{}: {} has no static shape", where, name_of(value)),
                             "give the file without _origin in its name, whose shapes are inferred");
  });
  SAMC_TRY(status);
  const auto file = module->getAttrOfType<mlir::StringAttr>("module.weight_file");
  if (!file || file.getValue().contains('/'))
    return invalid_input(fmt::format("{}: module.weight_file is {}", where, file ? file.str() : "not there"));
  read.weight_file = file.str();
  return read;
}

Status add_weights(const Npz& npz, mlir::ModuleOp module, WeightStore& weights) {
  for (const auto& [name, tensor] : npz.arrays()) SAMC_TRY(weights.add(name, Tensor::copy_of(tensor.view())));
  return verify_weights(module, weights);
}

}  // namespace samc::sophgo
