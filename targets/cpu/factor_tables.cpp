// Where bf16 or int8 is asked for, and with it a small file: large tables of positions are computed from their factors,
// once in each call of a function, instead of being read. In f32 they stay, and with them every bit of the results.

#include <map>
#include <set>
#include <span>
#include <utility>

#include "llvm/Support/xxhash.h"
#include "package/operations.h"
#include "targets/cpu/passes.h"
#include "targets/cpu/rewrite.h"
#include "targets/cpu/table_factors.h"

namespace samc::cpu {
namespace {

constexpr int64_t kLargeTable = 1 << 17;  // elements: half a megabyte

// Factors of a table whose parts are weights already. Functions hold tables of the same numbers under names of their
// own: they share the factors, and the name, by which parts of functions exchange what they have made.
struct NamedFactors {
  std::string name;
  TableFactors::Kind kind;
  std::vector<std::pair<std::string, Shape>> parts;
  Shape shape;
};

uint64_t hash_of(const TensorView& numbers) {
  const std::span<const float> floats = numbers.f32();
  return llvm::xxh3_64bits({reinterpret_cast<const uint8_t*>(floats.data()), floats.size_bytes()});
}

bool is_packed(mlir::OpOperand& use) {
  auto run = mlir::dyn_cast<RunOp>(use.getOwner());
  if (!run) return false;
  const llvm::StringRef kernel = run.getKernel();
  return find_operation({kernel.data(), kernel.size()})->operand(use.getOperandNumber()).need == OperandNeed::kPacked;
}

class Factory {
 public:
  // What it makes stands before `at`, under this name.
  Factory(mlir::Operation* at, std::string made_name, const NamedFactors& factors)
      : builder_(at), name_(std::move(made_name)), factors_(factors) {
    for (const auto& [name, shape] : factors.parts) parts_.push_back(create_weight(builder_, name, shape));
  }

  // The table; or of matrices, the table added to other, which has as many elements.
  mlir::Value make(mlir::Value other = {}) {
    switch (factors_.kind) {
      case TableFactors::Kind::kSum:
        return binary("add", parts_[0], parts_[1]);
      case TableFactors::Kind::kProducts:
        return binary("add", binary("mul", parts_[0], parts_[1], ".first"),
                      binary("mul", parts_[2], parts_[3], ".second"));
      case TableFactors::Kind::kMatrices: {
        Config config(builder_.getContext());
        const Shape right = shape_of(parts_[1]);
        config.set("k", right[0]).set("n", right[1]).set("norm", 0).set("eps", 0.0);
        config.set("activation", "none").set("weight_layout", "kn");
        llvm::SmallVector<mlir::Value> operands = {parts_[0], parts_[1], make_none(builder_)};
        if (other) operands.push_back(other);
        return run("matmul", operands, config, factors_.shape);
      }
      case TableFactors::Kind::kGrid:
        return batch_product(parts_[0], batch_product(parts_[1], parts_[2], ".rows"), "");
    }
    return {};
  }

 private:
  mlir::Value binary(const char* op, mlir::Value a, mlir::Value b, const char* suffix = "") {
    Config config(builder_.getContext());
    config.set("op", op).set("activation", "none");
    return run("binary", {a, b}, config, factors_.shape, suffix);
  }
  // left (batch, m, k) or (m, k), right of batch k n elements: (batch, m, n).
  mlir::Value batch_product(mlir::Value left, mlir::Value right, const char* suffix) {
    Shape shape = shape_of(left);
    if (shape.size() == 2) shape.insert(shape.begin(), 1);
    const int64_t k = std::exchange(shape[2], element_count(shape_of(right)) / shape[0] / shape[2]);
    Config config(builder_.getContext());
    config.set("batch", shape[0]).set("m", shape[1]).set("k", k).set("n", shape[2]);
    return run("batch_matmul", {left, right}, config, shape, suffix);
  }
  // What goes on to others has the table's name alone: parts of a function find what they exchange by it.
  mlir::Value run(const char* kernel, mlir::ValueRange operands, Config& config, const Shape& shape,
                  const char* suffix = "") {
    const mlir::Location location = name_location(builder_.getContext(), name_ + suffix);
    return make_run(builder_, location, kernel, operands, shape, config).getResult();
  }

  mlir::OpBuilder builder_;
  std::string name_;
  const NamedFactors& factors_;
  std::vector<mlir::Value> parts_;
};

// The sum of the table and another value, or a null op.
RunOp plain_sum(mlir::OpOperand& use) {
  auto run = mlir::dyn_cast<RunOp>(use.getOwner());
  if (!run || run.getKernel() != "binary" || config_string(run, "op") != "add" ||
      config_string(run, "activation") != "none")
    return {};
  const mlir::Value other = run.getArguments()[1 - use.getOperandNumber()];
  return shape_of(other) == shape_of(use.get()) && !is_weight(other) ? run : RunOp();
}

}  // namespace

mlir::LogicalResult factor_tables(mlir::ModuleOp module, WeightStore& weights) {
  if (!module->hasAttr(kPrecision)) return mlir::success();
  std::map<std::pair<uint64_t, Shape>, std::optional<NamedFactors>> known;  // by a hash of the numbers
  std::set<std::pair<mlir::Operation*, std::string>> made;                  // names in a function
  for (top::WeightOp table : operations_of<top::WeightOp>(module)) {
    const mlir::Value value = table.getOutput();
    if (element_count(shape_of(value)) < kLargeTable || llvm::any_of(value.getUses(), is_packed)) continue;
    const std::string name = name_of(value);
    const TensorView numbers = weight_view(value, weights);
    const auto [entry, is_new] = known.try_emplace({hash_of(numbers), shape_of(value)});
    if (is_new) {
      if (std::optional<TableFactors> factors = factor_table(numbers)) {
        NamedFactors& named = entry->second.emplace(NamedFactors{name, factors->kind, {}, factors->shape});
        for (Tensor& part : factors->parts) {
          named.parts.emplace_back(weights.unique_name(name + ".factor"), part.shape());
          const Status added = weights.add(named.parts.back().first, std::move(part));
          SAMC_CHECK(added.is_ok(), "{}", added.to_string());
        }
      }
    }
    if (!entry->second) continue;
    const bool is_first = made.emplace(table->getParentOp(), entry->second->name).second;
    const std::string made_name = is_first ? entry->second->name : name;
    const auto replace = [&](mlir::Value replaced, mlir::Value table_or_sum, const char* suffix) {
      mlir::OpBuilder builder(module.getContext());
      builder.setInsertionPointAfter(table_or_sum.getDefiningOp());
      replaced.replaceAllUsesWith(
          make_reshape(builder, derived_location(table_or_sum, suffix), table_or_sum, shape_of(replaced)));
    };
    if (entry->second->kind == TableFactors::Kind::kMatrices) {
      // The kernel adds: the table itself is never there.
      for (mlir::OpOperand& use : llvm::make_early_inc_range(value.getUses())) {
        RunOp sum = plain_sum(use);
        if (!sum) continue;
        const mlir::Value other = sum.getArguments()[1 - use.getOperandNumber()];
        replace(sum.getResult(), Factory(sum, name_of(sum.getResult()), *entry->second).make(other), ".map");
        sum.erase();
      }
    }
    if (!value.use_empty()) replace(value, Factory(table, made_name, *entry->second).make(), ".map");
    table.erase();
  }
  return mlir::success();
}

}  // namespace samc::cpu
