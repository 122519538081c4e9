#pragma once
// What passes and targets ask of a value or an op: its name, its shape, its attribute lists, its weight.

#include <string>
#include <vector>

#include "base/tensor.h"
#include "ir/weight_store.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"

namespace samc {

// Names are locations: a NameLoc, or a fused list of them for an op of several results. "" when there is none.
std::string name_of(mlir::Value value);
std::string name_of(mlir::Operation* op);  // of its first result
mlir::Location name_location(mlir::MLIRContext* context, const std::string& name);
mlir::Location name_location(mlir::MLIRContext* context, const std::vector<std::string>& names);

bool has_static_shape(mlir::Value value);
Shape shape_of(mlir::Value value);  // the value must be a tensor of static shape
mlir::RankedTensorType tensor_type(mlir::MLIRContext* context, const Shape& shape);  // f32

bool is_none(mlir::Value value);  // null, or top.None
bool is_weight(mlir::Value value);
// The data of a top.Weight under the shape of its type, which may differ from the store's.
TensorView weight_view(mlir::Value value, const WeightStore& weights);
// A new top.Weight for data already put into the store, created where the builder stands.
mlir::Value create_weight(mlir::OpBuilder& builder, const std::string& name, const Shape& shape);

Shape to_shape(mlir::ArrayAttr list);  // a list of i64; a null list is empty
mlir::ArrayAttr to_array(mlir::MLIRContext* context, const Shape& values);
mlir::IntegerAttr si32(mlir::MLIRContext* context, int64_t value);

// Names of a function's inputs (those of its top.Input ops, in argument order) and outputs (result attribute top.name).
std::vector<std::string> input_names(mlir::func::FuncOp function);
std::vector<std::string> output_names(mlir::func::FuncOp function);
// Every top.Weight must have data of as many elements as its type; the error names the first few that do not.
Status verify_weights(mlir::ModuleOp module, const WeightStore& weights);

}  // namespace samc
