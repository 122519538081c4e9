// permute, slice, concat, reduce, gather: package/ops.def says what each operand and attribute is.

#include <algorithm>

#include "kernels/movement.h"
#include "kernels/permute.h"
#include "kernels/reduce.h"
#include "runtime/operation_binder.h"

namespace samc {
namespace {

constexpr size_t kGreatestPermuteRank = 6;

int64_t axis_attribute(OperationBinder& in, const Shape& shape) {
  const int64_t axis = in.integer("axis");
  in.require(axis < static_cast<int64_t>(shape.size()), "axis {} of {}", axis, shape_to_string(shape));
  return in.good() ? axis : 0;
}

}  // namespace

BoundOperation bind_permute(OperationBinder& in) {
  PermuteParams params;
  params.shape = in.shape(in.operand(0));
  params.order = in.integers("order");
  std::vector<int64_t> sorted = params.order;
  std::sort(sorted.begin(), sorted.end());
  in.require(params.shape.size() <= kGreatestPermuteRank && sorted.size() == params.shape.size(), "{} axes for {}",
             sorted.size(), shape_to_string(params.shape));
  for (size_t axis = 0; axis < sorted.size(); ++axis)
    in.require(sorted[axis] == static_cast<int64_t>(axis), "its order is no permutation");
  in.expect_result_count(in.count(in.operand(0)));
  const int32_t src = in.operand(0), dst = in.result();
  return bound(0.0, [=](const ValueAddresses& at, KernelContext& context) {
    permute(params, at.read(src), at.write(dst), context);
  });
}

BoundOperation bind_slice(OperationBinder& in) {
  SliceParams params;
  params.shape = in.shape(in.operand(0));
  params.dst_shape = in.shape(in.result());
  params.starts = in.integers("starts");
  params.steps = in.integers("steps");
  const size_t rank = params.shape.size();
  in.require(params.dst_shape.size() == rank && params.starts.size() == rank && params.steps.size() == rank,
             "starts, steps and result are not of rank {}", rank);
  for (size_t axis = 0; axis < rank && in.good() && in.count(in.result()) > 0; ++axis) {
    const int64_t first = params.starts[axis];
    const int64_t last = first + (params.dst_shape[axis] - 1) * params.steps[axis];
    in.require(first >= 0 && first < params.shape[axis] && last >= 0 && last < params.shape[axis],
               "axis {} reads {} to {} of {}", axis, first, last, params.shape[axis]);
  }
  const int32_t src = in.operand(0), dst = in.result();
  return bound(0.0, [=](const ValueAddresses& at, KernelContext& context) {
    slice(params, at.read(src), at.write(dst), context);
  });
}

BoundOperation bind_concat(OperationBinder& in) {
  ConcatParams params;
  std::vector<int32_t> sources;
  for (size_t position = 0; position < in.operands(); ++position) {
    sources.push_back(in.operand(position));
    params.shapes.push_back(in.shape(in.operand(position)));
  }
  if (!in.good()) return {};
  params.axis = axis_attribute(in, params.shapes[0]);
  Shape together = params.shapes[0];
  for (size_t position = 1; position < params.shapes.size() && in.good(); ++position) {
    const Shape& shape = params.shapes[position];
    in.require(shape.size() == together.size(), "{} beside {}", shape_to_string(shape), shape_to_string(together));
    for (size_t axis = 0; axis < shape.size() && in.good(); ++axis) {
      if (static_cast<int64_t>(axis) == params.axis) {
        together[axis] += shape[axis];
      } else {
        in.require(shape[axis] == together[axis], "{} beside {}", shape_to_string(shape), shape_to_string(together));
      }
    }
  }
  in.expect_result_count(product(together));
  const int32_t dst = in.result();
  return bound(0.0, [=](const ValueAddresses& at, KernelContext& context) {
    std::vector<const float*> operands;
    for (const int32_t source : sources) operands.push_back(at.read(source));
    concat(params, operands, at.write(dst), context);
  });
}

BoundOperation bind_reduce(OperationBinder& in) {
  ReduceParams params;
  const std::string name = in.text("op");
  const Result<ReduceOp> op = reduce_op_named(name);
  in.require(op.is_ok(), "unknown op {}", name);
  if (op.is_ok()) params.op = op.value();
  params.shape = in.shape(in.operand(0));
  params.axes = in.integers("axes");
  Shape kept = params.shape;
  for (const int64_t axis : params.axes) {
    in.require(axis >= 0 && axis < static_cast<int64_t>(kept.size()), "axis {} of {}", axis,
               shape_to_string(params.shape));
    if (in.good()) kept[static_cast<size_t>(axis)] = 1;
  }
  in.expect_result_count(product(kept));
  const int32_t src = in.operand(0), dst = in.result();
  return bound(
      static_cast<double>(std::max<int64_t>(in.count(src), 0)),
      [=](const ValueAddresses& at, KernelContext& context) { reduce(params, at.read(src), at.write(dst), context); });
}

BoundOperation bind_gather(OperationBinder& in) {
  GatherParams params;
  params.shape = in.shape(in.operand(0));
  params.axis = axis_attribute(in, params.shape);
  params.index_dtype = in.dtype(in.operand(1));
  params.count = in.count(in.operand(1));
  in.require(params.count >= 0 && params.count <= kGreatestInner, "{} indices", params.count);
  if (!in.good()) return {};
  Shape gathered = params.shape;
  gathered[static_cast<size_t>(params.axis)] = params.count;
  in.expect_result_count(product(gathered));
  const int32_t src = in.operand(0), indices = in.operand(1), dst = in.result();
  return bound(0.0, [=](const ValueAddresses& at, KernelContext& context) {
    return gather(params, at.read(src), at.bytes(indices), at.write(dst), context);
  });
}

}  // namespace samc
