// unary, binary, compare, where, layer_norm, softmax: package/ops.def says what each operand and attribute is.

#include <algorithm>
#include <array>

#include "kernels/layer_norm.h"
#include "kernels/pointwise.h"
#include "kernels/softmax.h"
#include "runtime/operation_binder.h"

namespace samc {
namespace {

constexpr size_t kGreatestBroadcastRank = 6;

// The shape that `shapes` give together, as numpy has it; an operation whose result is another one is refused.
void expect_broadcast(OperationBinder& in, const std::vector<Shape>& shapes) {
  size_t rank = 0;
  for (const Shape& shape : shapes) rank = std::max(rank, shape.size());
  in.require(rank <= kGreatestBroadcastRank, "more than {} extents", kGreatestBroadcastRank);
  Shape together(rank, 1);
  for (const Shape& shape : shapes) {
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      int64_t& extent = together[rank - shape.size() + axis];
      in.require(shape[axis] == extent || shape[axis] == 1 || extent == 1, "shape {} does not broadcast",
                 shape_to_string(shape));
      if (extent == 1) extent = shape[axis];
    }
  }
  in.require(in.shape(in.result()) == together, "the result is {}, {} expected", shape_to_string(in.shape(in.result())),
             shape_to_string(together));
}

template <class Op>
Op named(OperationBinder& in, Result<Op> (*by_name)(const std::string&)) {
  const std::string name = in.text("op");
  const Result<Op> op = by_name(name);
  in.require(op.is_ok(), "unknown op {}", name);
  return op.is_ok() ? op.value() : Op{};
}

// (rows, c) of an operation over the last axis.
std::array<int64_t, 2> rows_and_columns(OperationBinder& in) {
  const Shape shape = in.shape(in.operand(0));
  const int64_t columns = shape.empty() ? 0 : shape.back();
  in.require(columns >= 1 && columns <= kGreatestInner, "rows of {} elements", columns);
  if (!in.good()) return {0, 1};
  return {in.count(in.operand(0)) / columns, columns};
}

}  // namespace

BoundOperation bind_unary(OperationBinder& in) {
  UnaryParams params;
  params.op = named(in, unary_op_named);
  if (params.op == UnaryOp::kAffine) {
    params.alpha = in.number("alpha");
    params.beta = in.number("beta");
  }
  params.count = in.count(in.result());
  in.expect_count(0, params.count);
  const int32_t src = in.operand(0), dst = in.result();
  return bound(static_cast<double>(params.count), [=](const ValueAddresses& at, KernelContext& context) {
    unary(params, at.read(src), at.write(dst), context);
  });
}

BoundOperation bind_binary(OperationBinder& in) {
  BinaryParams params;
  params.op = named(in, binary_op_named);
  params.activation = in.activation();
  params.a = in.shape(in.operand(0));
  params.b = in.shape(in.operand(1));
  expect_broadcast(in, {params.a, params.b});
  const int32_t a = in.operand(0), b = in.operand(1), dst = in.result();
  return bound(static_cast<double>(in.count(dst)), [=](const ValueAddresses& at, KernelContext& context) {
    binary(params, at.read(a), at.read(b), at.write(dst), context);
  });
}

BoundOperation bind_compare(OperationBinder& in) {
  CompareParams params;
  params.op = named(in, compare_op_named);
  params.a = in.shape(in.operand(0));
  std::vector<Shape> shapes = {params.a};
  if (in.has(1)) {
    params.b = in.shape(in.operand(1));
    shapes.push_back(params.b);
  } else {
    params.value = in.number("value");
  }
  expect_broadcast(in, shapes);
  const int32_t a = in.operand(0), b = in.operand(1), dst = in.result();
  return bound(static_cast<double>(in.count(dst)), [=](const ValueAddresses& at, KernelContext& context) {
    compare(params, at.read(a), at.read(b), at.write(dst), context);
  });
}

BoundOperation bind_where(OperationBinder& in) {
  WhereParams params;
  params.condition = in.shape(in.operand(0));
  params.a = in.shape(in.operand(1));
  params.b = in.shape(in.operand(2));
  expect_broadcast(in, {params.condition, params.a, params.b});
  const int32_t condition = in.operand(0), a = in.operand(1), b = in.operand(2), dst = in.result();
  return bound(static_cast<double>(in.count(dst)), [=](const ValueAddresses& at, KernelContext& context) {
    where(params, at.read(condition), at.read(a), at.read(b), at.write(dst), context);
  });
}

BoundOperation bind_layer_norm(OperationBinder& in) {
  LayerNormParams params;
  const auto [rows, columns] = rows_and_columns(in);
  params.rows = rows;
  params.c = columns;
  params.eps = in.number("eps");
  params.activation = in.activation();
  in.expect_count(0, product({rows, columns}));
  in.expect_count(1, columns);
  in.expect_count(2, columns);
  in.expect_result_count(product({rows, columns}));
  const int32_t src = in.operand(0), weight = in.operand(1), bias = in.operand(2), dst = in.result();
  return bound(6.0 * static_cast<double>(in.count(dst)), [=](const ValueAddresses& at, KernelContext& context) {
    layer_norm(params, at.read(src), at.read(weight), at.read(bias), at.write(dst), context);
  });
}

BoundOperation bind_softmax(OperationBinder& in) {
  SoftmaxParams params;
  const auto [rows, columns] = rows_and_columns(in);
  params.rows = rows;
  params.c = columns;
  params.scale = in.number("scale");
  in.expect_count(0, product({rows, columns}));
  in.expect_result_count(product({rows, columns}));
  const int32_t src = in.operand(0), dst = in.result();
  return bound(4.0 * static_cast<double>(in.count(dst)), [=](const ValueAddresses& at, KernelContext& context) {
    softmax(params, at.read(src), at.write(dst), context);
  });
}

}  // namespace samc
