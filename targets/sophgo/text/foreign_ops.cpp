#include "targets/sophgo/text/foreign_ops.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "ir/top_dialect.h"
#include "ir/values.h"
#include "mlir/IR/Builders.h"

namespace samc::sophgo {
namespace {

constexpr std::string_view kForeign = "tpu_mlir.";
constexpr const char* kRelu = "tpu_mlir.relu";
constexpr const char* kPart = "tpu_mlir.part";  // of the op that reads it

// The type alone tells whether the op can be said in samc's words.
bool is_tensor(mlir::Value value) { return has_static_shape(value); }

mlir::Operation* make_op(mlir::OpBuilder& builder, const char* kind, const std::string& name, mlir::ValueRange operands,
                         mlir::Type type, llvm::ArrayRef<mlir::NamedAttribute> attributes) {
  mlir::OperationState state(name_location(builder.getContext(), name), kind);
  state.addOperands(operands);
  state.addTypes(type);
  state.addAttributes(attributes);
  return builder.create(state);
}

void take_place(mlir::Operation* op, mlir::Operation* successor) {
  if (op->hasAttr(kRelu)) successor->setAttr(kRelu, op->getAttr(kRelu));
  op->getResult(0).replaceAllUsesWith(successor->getResult(0));
  op->erase();
}

void lower_upsample(mlir::Operation* op) {
  const auto rows = op->getAttrOfType<mlir::IntegerAttr>("scale_h"),
             columns = op->getAttrOfType<mlir::IntegerAttr>("scale_w");
  if (!rows || !columns || op->getNumOperands() != 1 || op->getNumResults() != 1 || !is_tensor(op->getOperand(0)) ||
      !is_tensor(op->getResult(0)))
    return;
  const Shape from = shape_of(op->getOperand(0)), to = shape_of(op->getResult(0));
  if (from.size() != 4 || to != Shape{from[0], from[1], from[2] * rows.getInt(), from[3] * columns.getInt()}) return;
  mlir::OpBuilder builder(op);
  const mlir::Value none = builder.create<top::NoneOp>(builder.getUnknownLoc(), builder.getNoneType());
  take_place(
      op, make_op(builder, "top.Interp", name_of(op), {op->getOperand(0), none}, op->getResult(0).getType(),
                  {builder.getNamedAttr("mode", builder.getStringAttr("nearest")),
                   builder.getNamedAttr("coord_mode", builder.getStringAttr("asymmetric")),
                   builder.getNamedAttr("scale_h", builder.getF64FloatAttr(static_cast<double>(rows.getInt()))),
                   builder.getNamedAttr("scale_w", builder.getF64FloatAttr(static_cast<double>(columns.getInt())))}));
}

// x s + b with s and b of (1, c, 1, 1)
void lower_scale(mlir::Operation* op) {
  if (op->getNumOperands() != 3 || op->getNumResults() != 1 || !is_tensor(op->getResult(0))) return;
  const Shape shape = shape_of(op->getResult(0));
  if (shape.size() != 4 || !is_tensor(op->getOperand(0)) || shape_of(op->getOperand(0)) != shape) return;
  for (const unsigned factor : {1u, 2u})
    if (!is_tensor(op->getOperand(factor)) || shape_of(op->getOperand(factor)) != Shape{1, shape[1], 1, 1}) return;
  mlir::OpBuilder builder(op);
  const std::string name = name_of(op);
  const mlir::Type type = op->getResult(0).getType();
  mlir::Operation* product =
      make_op(builder, "top.Mul", name + ".scaled", {op->getOperand(0), op->getOperand(1)}, type, {});
  product->setAttr(kPart, builder.getUnitAttr());
  take_place(op, make_op(builder, "top.Add", name, {product->getResult(0), op->getOperand(2)}, type, {}));
}

// The op's value keeps its name for the one after the activation.
void lower_relu(mlir::Operation* op) {
  op->removeAttr(kRelu);
  if (op->getNumResults() != 1 || !is_tensor(op->getResult(0))) return;
  const std::string name = name_of(op);
  mlir::OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  mlir::Operation* relu = make_op(builder, "top.Relu", name, {op->getResult(0)}, op->getResult(0).getType(), {});
  op->getResult(0).replaceAllUsesExcept(relu->getResult(0), relu);
  op->setLoc(name_location(op->getContext(), name + ".before_relu"));
  op->setAttr(kPart, builder.getUnitAttr());
}

}  // namespace

std::string mark_foreign_ops(const std::string& text, mlir::MLIRContext& context) {
  constexpr std::string_view kTop = "\"top.", kFused = "do_relu = true";
  std::string marked;
  size_t place = 0;
  // Each is looked for again once it lies behind us only: a text that holds one of them alone is read once.
  size_t op = text.find(kTop), fused = text.find(kFused);
  while (place < text.size()) {
    if (op < place) op = text.find(kTop, place);
    if (fused < place) fused = text.find(kFused, place);
    const size_t next = std::min(op, fused);
    if (next == std::string::npos) break;
    marked.append(text, place, next - place);
    if (next == fused) {
      marked += std::string("do_relu = false, ") + kRelu + " = true";
      place = next + kFused.size();
      continue;
    }
    const size_t name = next + 1, end = text.find('"', name);
    const bool is_op = end != std::string::npos && text.compare(end, 2, "\"(") == 0;
    const std::string_view full = std::string_view(text).substr(name, is_op ? end - name : 0);
    if (is_op && !mlir::RegisteredOperationName::lookup(llvm::StringRef(full.data(), full.size()), &context)) {
      marked += '"';
      marked += kForeign;
      marked += full.substr(kTop.size() - 1);
      place = end;
    } else {
      marked += kTop;
      place = next + kTop.size();
    }
  }
  return marked.append(text, place, std::string::npos);
}

mlir::Operation* op_of_text(mlir::Operation* op) {
  while (op->hasAttr(kPart) && op->hasOneUse()) op = *op->getUsers().begin();
  return op;
}

std::string foreign_name(mlir::Operation* op) {
  const llvm::StringRef name = op->getName().getStringRef();
  const llvm::StringRef prefix(kForeign.data(), kForeign.size());
  return name.starts_with(prefix) ? name.drop_front(prefix.size()).str() : std::string();
}

void lower_foreign_ops(mlir::ModuleOp module) {
  std::vector<mlir::Operation*> foreign, fused;
  module.walk([&](mlir::Operation* op) {
    if (!foreign_name(op).empty()) foreign.push_back(op);
  });
  for (mlir::Operation* op : foreign) {
    if (foreign_name(op) == "Upsample")
      lower_upsample(op);
    else if (foreign_name(op) == "Scale")
      lower_scale(op);
  }
  module.walk([&](mlir::Operation* op) {
    if (op->hasAttr(kRelu) && foreign_name(op).empty()) fused.push_back(op);
  });
  for (mlir::Operation* op : fused) lower_relu(op);
}

std::set<std::string> foreign_names(mlir::ModuleOp module) {
  std::set<std::string> names;
  module.walk([&](mlir::Operation* op) {
    if (std::string name = foreign_name(op); !name.empty()) names.insert(std::move(name));
  });
  return names;
}

}  // namespace samc::sophgo
