#include "targets/sophgo/exponentials.h"

#include <map>

#include "ir/top_dialect.h"
#include "ir/values.h"

namespace samc::sophgo {
namespace {

class Modes {
 public:
  void set(mlir::Operation* op, const char* mode) { modes_[op] = mode; }

  // All that the value is made of, up to the inputs. On BM1684X tpuc-opt 1.30.2 aborts at a cast from F16 to BF16.
  void set_source(mlir::Value value, const char* mode) {
    mlir::Operation* op = value.getDefiningOp();
    if (op == nullptr || mlir::isa<top::InputOp, top::WeightOp, top::NoneOp>(op) || modes_.count(op) != 0) return;
    set(op, mode);
    for (const mlir::Value operand : op->getOperands()) set_source(operand, mode);
  }

  // The quotient that is made of the sums: slices, one over the one, times the other.
  void set_quotient(mlir::Operation* sum) {
    set(sum, "F32");
    for (mlir::Operation* part : sum->getResult(0).getUsers()) {
      if (!mlir::isa<top::SliceOp>(part)) continue;
      set(part, "F32");
      for (mlir::Operation* user : part->getResult(0).getUsers()) {
        if (!mlir::isa<top::ReciprocalOp, top::MulOp>(user)) continue;
        set(user, "F32");
      }
    }
  }

  const std::map<mlir::Operation*, const char*>& all() const { return modes_; }

 private:
  std::map<mlir::Operation*, const char*> modes_;
};

}  // namespace

std::vector<QuantizeLine> exponential_precision(mlir::func::FuncOp function, const std::string& exponentials) {
  Modes modes;
  for (auto exp : function.getBody().front().getOps<top::ExpOp>()) {
    if (exp.getInput().getDefiningOp<top::MatMulOp>() == nullptr || !exp.getOutput().hasOneUse()) continue;
    auto product = mlir::dyn_cast<top::MatMulOp>(*exp.getOutput().getUsers().begin());
    if (!product || product.getInput() != exp.getOutput()) continue;
    modes.set(exp, exponentials.c_str());
    modes.set(product, "BF16");
    modes.set_source(product.getRight(), "BF16");
    for (mlir::Operation* next = product; next->getResult(0).hasOneUse();) {
      next = *next->getResult(0).getUsers().begin();
      if (mlir::isa<top::ReduceOp>(next)) {
        modes.set_quotient(next);
        break;
      }
      if (!mlir::isa<top::PermuteOp, top::ReshapeOp>(next)) break;
      modes.set(next, "BF16");
    }
  }
  std::vector<QuantizeLine> lines;
  for (mlir::Operation& op : function.getBody().front())
    if (const auto found = modes.all().find(&op); found != modes.all().end())
      lines.push_back({name_of(op.getResult(0)), found->second});
  return lines;
}

}  // namespace samc::sophgo
