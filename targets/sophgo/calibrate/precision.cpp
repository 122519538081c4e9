#include "targets/sophgo/calibrate/precision.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "targets/sophgo/passes/rewrite.h"

namespace samc::sophgo {
namespace {

// Beyond this a threshold is of numbers that exclude, not of numbers that count.
constexpr double kMostThreshold = -kExcluded / 3;

// What 8 bits save, in multiply-adds of 16 bits. Guesses, from the cycle counts of one study: fitted to nothing. They
// decide in which order groups are taken, and what "work %" says.
constexpr double kGainOfGelu = 750;        // an element: a table instead of arithmetic
constexpr double kGainOfElementwise = 60;  // an element of half the size

bool is_movement(mlir::Operation* op) {
  return mlir::isa<top::ReshapeOp, top::PermuteOp, top::SliceOp, top::PadOp, top::InterpOp, top::SqueezeOp,
                   top::UnsqueezeOp>(op);
}

// The op behind any movement, or null.
mlir::Operation* producer_of(mlir::Value value) {
  mlir::Operation* op = value.getDefiningOp();
  while (op != nullptr && is_movement(op)) op = op->getOperand(0).getDefiningOp();
  return op;
}

// Those that read it in the end, behind any movement. The return is one.
void collect_readers(mlir::Operation* op, std::vector<mlir::Operation*>& readers) {
  for (mlir::Operation* user : op->getUsers()) {
    if (is_movement(user))
      collect_readers(user, readers);
    else
      readers.push_back(user);
  }
}
std::vector<mlir::Operation*> readers_of(mlir::Operation* op) {
  std::vector<mlir::Operation*> readers;
  collect_readers(op, readers);
  return readers;
}

template <class... Ops>
bool any_is(const std::vector<mlir::Operation*>& ops) {
  return std::any_of(ops.begin(), ops.end(), [](mlir::Operation* op) { return mlir::isa<Ops...>(op); });
}

bool is_activation_product(mlir::Operation* op) {
  return mlir::isa<top::MatMulOp>(op) && !is_weight(op->getOperand(1)) && !is_weight(op->getOperand(0));
}

bool reads_probabilities(mlir::Operation* op) {
  mlir::Operation* left = is_activation_product(op) ? producer_of(op->getOperand(0)) : nullptr;
  return left != nullptr && mlir::isa<top::SoftmaxOp>(left);
}

// The product that makes the values which this product multiplies probabilities by.
mlir::Operation* values_of(mlir::Operation* op) {
  mlir::Operation* values = reads_probabilities(op) ? producer_of(op->getOperand(1)) : nullptr;
  return values != nullptr && mlir::isa<top::MatMulOp>(values) ? values : nullptr;
}

// Through sums, such as with a mask.
bool leads_to_softmax(mlir::Operation* op, int depth = 0) {
  const auto readers = readers_of(op);
  return depth < 3 && std::any_of(readers.begin(), readers.end(), [&](mlir::Operation* reader) {
           return mlir::isa<top::SoftmaxOp>(reader) ||
                  (mlir::isa<top::AddOp>(reader) && leads_to_softmax(reader, depth + 1));
         });
}

std::string role_of(mlir::Operation* op) {
  const std::string kind = op->getName().stripDialect().str();
  const auto readers = readers_of(op);
  if (mlir::isa<top::MatMulOp>(op)) {
    if (reads_probabilities(op)) return "probabilities x values";
    if (is_activation_product(op)) return leads_to_softmax(op) ? "queries x keys" : "MatMul of activations";
    if (any_is<top::GELUOp>(readers)) return "MatMul to GELU";
    mlir::Operation* producer = producer_of(op->getOperand(0));
    if (producer != nullptr && mlir::isa<top::GELUOp>(producer)) return "MatMul of GELU";
    if (std::any_of(readers.begin(), readers.end(), is_activation_product)) return "MatMul to attention";
    if (producer != nullptr && is_activation_product(producer)) return "MatMul of attention";
    if (any_is<top::MaxOp>(readers)) return "MatMul to Max";
    return "MatMul";
  }
  if (mlir::isa<top::AddOp>(op)) return any_is<top::LayerNormOp>(readers) ? "Add to LayerNorm" : "Add";
  return kind;
}

bool may_be_int8(mlir::Operation* op) {
  return mlir::isa<top::MatMulOp, top::ConvOp, top::AddOp, top::MaxOp, top::GELUOp, top::ReluOp>(op) &&
         op->getNumResults() == 1;
}

bool has_small_numbers(mlir::Operation* op, const Int8Ranges& ranges) {
  const auto is_small = [&](mlir::Value value) {
    const auto range = ranges.find(value);
    return range == ranges.end() || range->second.threshold < kMostThreshold;
  };
  return is_small(op->getResult(0)) && std::all_of(op->operand_begin(), op->operand_end(), is_small);
}

double gain_of(mlir::Operation* op) {
  const auto elements = static_cast<double>(element_count(shape_of(op->getResult(0))));
  if (auto matmul = mlir::dyn_cast<top::MatMulOp>(op)) {
    const Shape left = shape_of(matmul.getInput());
    return elements * static_cast<double>(left[left.size() - (matmul.getLeftTranspose() ? 2 : 1)]);
  }
  if (auto conv = mlir::dyn_cast<top::ConvOp>(op)) {
    const Shape filter = shape_of(conv.getFilter());
    return elements * static_cast<double>(element_count(filter) / filter[0]);
  }
  return elements * (mlir::isa<top::GELUOp>(op) ? kGainOfGelu : kGainOfElementwise);
}

}  // namespace

std::vector<OpGroup> group_ops(mlir::func::FuncOp function, const Int8Ranges& ranges) {
  llvm::DenseMap<mlir::Operation*, mlir::Operation*> leader;  // of values: the product that they go with
  for (mlir::Operation& op : function.getBody().front())
    if (mlir::Operation* values = values_of(&op)) leader[values] = &op;
  std::vector<OpGroup> groups;
  std::map<std::string, size_t> places;
  for (mlir::Operation& op : function.getBody().front()) {
    if (!may_be_int8(&op)) continue;
    const auto led = leader.find(&op);
    mlir::Operation* shown = led == leader.end() ? &op : led->second;
    if (!has_small_numbers(&op, ranges) || !has_small_numbers(shown, ranges)) continue;
    const std::string what = fmt::format("{} {}", role_of(shown), shape_to_string(shape_of(shown->getResult(0))));
    const auto [place, is_new] = places.emplace(what, groups.size());
    if (is_new) groups.push_back({what, {}, 0});
    OpGroup& group = groups[place->second];
    group.ops.push_back(&op);
    group.gain += gain_of(&op);
  }
  return groups;
}

OpSet with_movement(mlir::func::FuncOp function, const OpSet& computing) {
  OpSet int8 = computing;
  const auto is_int8 = [&](mlir::Operation* op) { return int8.count(op) != 0; };
  for (mlir::Operation& op : function.getBody().front()) {
    if (!is_movement(&op)) continue;
    mlir::Operation* user = op.hasOneUse() ? *op.getUsers().begin() : nullptr;
    mlir::Operation* from = op.getOperand(0).getDefiningOp();
    bool in_8_bits = false;
    if (mlir::isa<top::PermuteOp>(op) && user != nullptr && is_activation_product(user)) {
      in_8_bits = is_int8(user);
    } else if (mlir::isa<top::PermuteOp>(op) && from != nullptr && reads_probabilities(from)) {
      in_8_bits = is_int8(from);
    } else {
      const auto readers = readers_of(&op);
      in_8_bits = std::any_of(readers.begin(), readers.end(), is_int8);
    }
    if (in_8_bits) int8.insert(&op);
  }
  return int8;
}

}  // namespace samc::sophgo
