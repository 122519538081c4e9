#include "app/inspect_ir.h"

#include <fmt/format.h>

#include <map>

#include "app/console.h"
#include "base/files.h"
#include "base/memory_budget.h"
#include "ir/mlir_text.h"
#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "passes/pipeline.h"
#include "targets/cpu/cpu_dialect.h"
#include "targets/sophgo/transform.h"

namespace samc {
namespace {

Status inspect_top_module(const std::string& path, bool summary) {
  SAMC_ASSIGN(const auto model, sophgo::TransformedModel::read(path));
  int64_t operations = 0;
  for (const auto& [name, count] : model->operation_counts()) operations += count;
  say("{}: Top-dialect MLIR, module {}\n", path, model->model_name());
  say("  operations  {}\n", operations);
  if (!summary)
    for (const auto& [name, count] : model->operation_counts()) say("    {:<20} {}\n", name, count);
  say("  weights     {}, {}\n", model->weights().size(), human_bytes(static_cast<double>(model->weights().bytes())));
  say("  work        {:.2f} GFLOP in matrix products and convolutions\n",
      2e-9 * static_cast<double>(model->multiply_adds()));
  for (const NamedShape& input : model->inputs())
    say("  input       {:<24} {}\n", input.name, shape_to_string(input.shape));
  for (const NamedShape& output : model->outputs())
    say("  output      {:<24} {}\n", output.name, shape_to_string(output.shape));
  return Status::ok();
}

std::string type_to_string(mlir::Type type) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  type.print(stream);
  return text;
}

void print_function(mlir::func::FuncOp function, bool summary) {
  std::map<std::string, int64_t> counts;
  int64_t operations = 0, weights = 0, elements = 0;
  function.walk([&](mlir::Operation* op) {
    if (mlir::isa<mlir::func::FuncOp, mlir::func::ReturnOp, top::NoneOp, top::InputOp>(op)) return;
    if (mlir::isa<top::WeightOp>(op)) {
      ++weights;
      if (has_static_shape(op->getResult(0))) elements += element_count(shape_of(op->getResult(0)));
      return;
    }
    ++operations;
    // A plan's operations are all cpu.run: the kernel says which.
    const auto kernel = op->getAttrOfType<mlir::StringAttr>("kernel");
    ++counts[kernel ? kernel.str() : op->getName().getStringRef().str()];
  });
  say("  function {}: {} operations, {} weights of {} elements\n", function.getName().str(), operations, weights,
      elements);
  for (const mlir::Type type : function.getArgumentTypes()) say("    input  {}\n", type_to_string(type));
  for (const mlir::Type type : function.getResultTypes()) say("    output {}\n", type_to_string(type));
  if (summary) return;
  for (const auto& [name, count] : counts) say("    {:<24} {}\n", name, count);
}

}  // namespace

Status inspect_mlir(const std::string& path, bool summary) {
  SAMC_ASSIGN(const std::string text, read_text_file(path, kMostMlirBytes));
  if (text.find("module.state = \"") != std::string::npos) return inspect_top_module(path, summary);
  SAMC_TRY(check_mlir_text(text).at(path));
  SAMC_TRY(check_memory(mlir_cost(text), "the MLIR").at(path));
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<top::TopDialect, cpu::CpuDialect, mlir::func::FuncDialect>();
  context.allowUnregisteredDialects();
  DiagnosticCollector diagnostics(&context);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceString<mlir::ModuleOp>(text, mlir::ParserConfig(&context));
  if (!module) return invalid_input(fmt::format("{}: {}", path, diagnostics.text()), "it is no MLIR that samc knows");
  say("{}: MLIR of samc compile --until\n", path);
  for (auto function : module->getOps<mlir::func::FuncOp>()) print_function(function, summary);
  return Status::ok();
}

}  // namespace samc
