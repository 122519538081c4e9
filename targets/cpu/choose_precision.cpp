// A module that asks for bf16 or int8: which kernels compute in it, and which values are stored in half.
//
// Every kernel that has an implementation in it computes so, but for the mask decoder's last products before its
// outputs. A value is stored as bf16 where its kernel can write it and all that read it would round it to bf16 or less
// anyway (attention's queries after they are scaled, all else as it is). What functions take and give stays f32.

#include <map>
#include <set>
#include <string>

#include "base/cpu_precision.h"
#include "kernels/pack.h"
#include "package/model_names.h"
#include "package/operations.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"

namespace samc::cpu {
namespace {

const OperationSchema& schema_of(RunOp run) {
  const llvm::StringRef name = run.getKernel();
  return *find_operation({name.data(), name.size()});  // the verifier has found it
}

bool is_view(mlir::Operation* op) { return mlir::isa<top::ReshapeOp, top::SqueezeOp, top::UnsqueezeOp>(op); }

// A pool of bf16 numbers is one of them, so it is in bf16 where what it reads and what it gives are, and only there.
bool is_pool(RunOp run) { return run.getKernel() == "max_pool"; }

// Whether it is for choose_precision to say what it computes in.
bool is_product(RunOp run, Precision precision) {
  if (precision == Precision::kInt8 && run.getKernel() == "matmul" && config_integer(run, "k") > kInt8MostK)
    return false;  // its sums might not fit
  return schema_of(run).computes_in(precision) && !is_pool(run);
}

// The first products on every way back from the function's outputs. Their errors reach masks and scores as they are.
std::set<mlir::Operation*> last_products(mlir::func::FuncOp function, Precision precision) {
  std::set<mlir::Operation*> products, seen;
  const auto outputs = function.getBody().front().getTerminator()->getOperands();
  std::vector<mlir::Value> ahead(outputs.begin(), outputs.end());
  while (!ahead.empty()) {
    mlir::Operation* op = ahead.back().getDefiningOp();
    ahead.pop_back();
    if (op == nullptr || !seen.insert(op).second) continue;
    auto run = mlir::dyn_cast<RunOp>(op);
    if (!run || !is_product(run, precision)) {
      ahead.insert(ahead.end(), op->operand_begin(), op->operand_end());
      continue;
    }
    products.insert(op);
    // Rows that a product's own sums are multiplied by behind it.
    if (run.getKernel() == "deconv2x2" && has_operand(run, kDeconvMix)) ahead.push_back(run.getArguments()[kDeconvMix]);
  }
  return products;
}

bool gives_masks(mlir::func::FuncOp function) {
  const std::vector<std::string> names = output_names(function);
  return llvm::is_contained(names, kLowResLogits);
}

// Whether all that read value would round it to bf16.
bool is_read_as_bf16(mlir::Value value) {
  return llvm::all_of(value.getUses(), [](mlir::OpOperand& use) {
    if (is_view(use.getOwner())) return is_read_as_bf16(use.getOwner()->getResult(0));
    auto run = mlir::dyn_cast<RunOp>(use.getOwner());
    if (run && is_pool(run)) return is_read_as_bf16(run.getResult());
    if (!run || !run.getPrecision()) return false;
    // `arguments` are the operation's operands in order.
    if (!schema_of(run).operand(use.getOperandNumber()).may_be_bf16) return false;
    // A norm is of f32 numbers: the kernel rounds behind it.
    return run.getKernel() != "matmul" || use.getOperandNumber() != 0 || config_integer(run, "norm") == 0;
  });
}

bool is_stored_as_bf16(mlir::Value value) {
  mlir::Operation* producer = value.getDefiningOp();
  while (producer != nullptr && is_view(producer)) producer = producer->getOperand(0).getDefiningOp();
  auto run = mlir::dyn_cast_or_null<RunOp>(producer);
  return run && run.getDtype();
}

}  // namespace

mlir::LogicalResult choose_precision(mlir::ModuleOp module, WeightStore&) {
  const auto asked = module->getAttrOfType<mlir::StringAttr>(kPrecision);
  if (!asked) return mlir::success();
  const std::optional<Precision> precision = find_precision({asked.getValue().data(), asked.getValue().size()});
  if (!precision) return module.emitError("no precision ") << asked.getValue();
  const auto bf16 = mlir::StringAttr::get(module.getContext(), kBf16);
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    const std::set<mlir::Operation*> kept =
        gives_masks(function) ? last_products(function, *precision) : std::set<mlir::Operation*>();
    function.walk([&](RunOp run) {
      if (is_product(run, *precision) && !kept.contains(run)) run.setPrecisionAttr(asked);
    });
  }
  // Once for all values of one name: what one part of a function gives, another one reads, and witnesses must agree.
  std::map<std::string, bool> stored;
  const auto key = [](RunOp run) { return name_of(run.getResult()) + " " + run.getKernel().str(); };
  module.walk([&](RunOp run) {
    const bool can_be = run.getPrecision() && schema_of(run).result_may_be_bf16 && !is_finished_deconv(run) &&
                        is_read_as_bf16(run.getResult());
    bool& all = stored.try_emplace(key(run), true).first->second;
    all = all && can_be;
  });
  module.walk([&](RunOp run) {
    if (stored.at(key(run))) run.setDtypeAttr(bf16);
  });
  module.walk([&](RunOp run) {
    if (!is_pool(run) || !is_stored_as_bf16(run.getArguments()[0])) return;
    run.setPrecisionAttr(bf16);
    run.setDtypeAttr(bf16);
  });
  return mlir::success();
}

}  // namespace samc::cpu
