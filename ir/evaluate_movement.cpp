#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/evaluate.h"
#include "ir/shapes.h"
#include "ir/top_dialect.h"
#include "ir/values.h"

namespace samc {

namespace {

// Fills a dense target of `shape` with source[sum of index * stride].
void strided_copy(const Arguments& arguments, const Shape& shape, const float* source, const Shape& strides,
                  float* target) {
  const int64_t inner = shape.empty() ? 1 : shape.back();
  const int64_t inner_stride = strides.empty() ? 0 : strides.back();
  const Shape dense = dense_strides(shape);
  const int64_t rows = inner == 0 ? 0 : element_count(shape) / inner;
  arguments.run_chunks(rows, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t from = 0;
      for (size_t axis = 0; axis + 1 < shape.size(); ++axis) {
        from += row * inner / dense[axis] % shape[axis] * strides[axis];
      }
      for (int64_t i = 0; i < inner; ++i) target[row * inner + i] = source[from + i * inner_stride];
    }
  });
}

void permute(const Arguments& arguments, top::PermuteOp op) {
  const Shape in_strides = dense_strides(arguments.in_shape(0));
  Shape strides;
  for (const int64_t axis : to_shape(op.getOrder())) strides.push_back(in_strides[static_cast<size_t>(axis)]);
  strided_copy(arguments, arguments.out_shape(), arguments.in(0), strides, arguments.out());
}

void slice(const Arguments& arguments, top::SliceOp op) {
  const SliceRange range = slice_range(arguments.in_shape(0), to_shape(op.getOffset()), to_shape(op.getEnds()),
                                       to_shape(op.getSteps()), to_shape(op.getAxes()))
                               .value();
  Shape strides = dense_strides(arguments.in_shape(0));
  int64_t start = 0;
  for (size_t axis = 0; axis < strides.size(); ++axis) {
    start += range.starts[axis] * strides[axis];
    strides[axis] *= range.steps[axis];
  }
  strided_copy(arguments, arguments.out_shape(), arguments.in(0) + start, strides, arguments.out());
}

// The operand as (1, d0, 1, d1, ...), broadcast to (t0, d0, t1, d1, ...).
void tile(const Arguments& arguments, top::TileOp op) {
  const Shape repeats = to_shape(*op.getTile());
  const Shape in_strides = dense_strides(arguments.in_shape(0));
  Shape shape;
  Shape strides;
  for (size_t axis = 0; axis < repeats.size(); ++axis) {
    shape.insert(shape.end(), {repeats[axis], arguments.in_shape(0)[axis]});
    strides.insert(strides.end(), {0, in_strides[axis]});
  }
  strided_copy(arguments, shape, arguments.in(0), strides, arguments.out());
}

void concat(const Arguments& arguments, top::ConcatOp op) {
  const Shape& out = arguments.out_shape();
  const size_t axis = static_cast<size_t>(normal_axis_checked(op.getAxis(), out.size()));
  const int64_t outer = element_count(std::span(out).first(axis));
  const int64_t inner = element_count(std::span(out).subspan(axis + 1));
  int64_t done = 0;
  for (size_t operand = 0; operand < arguments.operands.size(); ++operand) {
    const int64_t block = arguments.in_shape(operand)[axis] * inner;
    for (int64_t at = 0; at < outer; ++at) {
      std::copy_n(arguments.in(operand) + at * block, block, arguments.out() + at * out[axis] * inner + done);
    }
    done += block;
  }
}

void split(const Arguments& arguments, top::SplitOp op) {
  const Shape& x = arguments.in_shape(0);
  const size_t axis = static_cast<size_t>(normal_axis_checked(op.getAxis(), x.size()));
  const Shape strides = dense_strides(x);
  int64_t start = 0;
  for (Tensor& result : arguments.results) {
    strided_copy(arguments, result.shape(), arguments.in(0) + start * strides[axis], strides, result.f32().data());
    start += result.shape()[axis];
  }
}

Status gather(const Arguments& arguments, top::GatherOp op) {
  const Shape& x = arguments.in_shape(0);
  const size_t axis = static_cast<size_t>(normal_axis_checked(op.getAxis(), x.size()));
  const int64_t outer = element_count(std::span(x).first(axis));
  const int64_t inner = element_count(std::span(x).subspan(axis + 1));
  const int64_t indices = arguments.operands[1].count();
  for (int64_t at = 0; at < indices; ++at) {
    int64_t index = static_cast<int64_t>(arguments.in(1)[at]);
    if (index < 0) index += x[axis];
    if (index < 0 || index >= x[axis]) {
      return invalid_input(fmt::format("index {} into an axis of {}", arguments.in(1)[at], x[axis]));
    }
    for (int64_t i = 0; i < outer; ++i) {
      std::copy_n(arguments.in(0) + (i * x[axis] + index) * inner, inner, arguments.out() + (i * indices + at) * inner);
    }
  }
  return Status::ok();
}

// Where in the operand an index of the padded axis comes from; -1: it is the constant.
int64_t padded_source(int64_t index, int64_t extent, llvm::StringRef mode) {
  if (index >= 0 && index < extent) return index;
  if (mode == "edge") return std::clamp<int64_t>(index, 0, extent - 1);
  if (mode == "reflect") return index < 0 ? -index : 2 * (extent - 1) - index;
  if (mode == "symmetric") return index < 0 ? -index - 1 : 2 * extent - 1 - index;
  return -1;
}

void pad(const Arguments& arguments, top::PadOp op) {
  const Shape& x = arguments.in_shape(0);
  const Shape& out = arguments.out_shape();
  const Shape paddings = to_shape(op.getPaddings());
  const Shape in_strides = dense_strides(x);
  const Shape out_strides = dense_strides(out);
  const float constant = static_cast<float>(op.getVal().convertToDouble());
  const llvm::StringRef mode = op.getMode();
  // Axes behind the last padded one are one row.
  size_t axes = x.size();
  int64_t row = 1;
  while (axes > 0 && paddings[axes - 1] == 0 && paddings[x.size() + axes - 1] == 0) row *= x[--axes];
  if (row == 0) return;
  arguments.run_chunks(element_count(out) / row, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t from = 0;
      bool inside = true;
      for (size_t axis = 0; axis < axes && inside; ++axis) {
        const int64_t source = padded_source(i * row / out_strides[axis] % out[axis] - paddings[axis], x[axis], mode);
        inside = source >= 0;
        from += source * in_strides[axis];
      }
      float* to = arguments.out() + i * row;
      if (inside)
        std::copy_n(arguments.in(0) + from, row, to);
      else
        std::fill_n(to, row, constant);
    }
  });
}

void reduce(const Arguments& arguments, top::ReduceOp op) {
  const Shape& x = arguments.in_shape(0);
  const Shape axes = normal_axes(to_shape(op.getAxes()), x.size()).value();
  const llvm::StringRef mode = op.getMode();
  Shape kept = x;
  for (const int64_t axis : axes) kept[static_cast<size_t>(axis)] = 1;
  const Shape to_strides = broadcast_strides(kept, x);
  const Shape strides = dense_strides(x);
  const bool is_max = mode == "ReduceMax";
  const bool is_min = mode == "ReduceMin";
  const bool is_product = mode == "ReduceProd";
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> totals(static_cast<size_t>(element_count(kept)), is_max       ? -infinity
                                                                       : is_min     ? infinity
                                                                       : is_product ? 1.0
                                                                                    : 0.0);
  const int64_t count = element_count(x);
  for (int64_t i = 0; i < count; ++i) {
    int64_t to = 0;
    for (size_t axis = 0; axis < x.size(); ++axis) to += i / strides[axis] % x[axis] * to_strides[axis];
    double& total = totals[static_cast<size_t>(to)];
    const double value = static_cast<double>(arguments.in(0)[i]);
    if (is_max) {
      if (!(value <= total)) total = value;
    } else if (is_min) {
      if (!(value >= total)) total = value;
    } else if (is_product) {
      total *= value;
    } else if (mode == "ReduceL2") {
      total += value * value;
    } else if (mode == "ReduceL1") {
      total += std::abs(value);
    } else {
      total += value;
    }
  }
  const double reduced = static_cast<double>(count) / static_cast<double>(totals.size());
  for (size_t i = 0; i < totals.size(); ++i) {
    if (mode == "ReduceMean") totals[i] /= reduced;
    if (mode == "ReduceL2") totals[i] = std::sqrt(totals[i]);
    arguments.out()[i] = static_cast<float>(totals[i]);
  }
}

void arg(const Arguments& arguments, top::ArgOp op) {
  const Shape& x = arguments.in_shape(0);
  const size_t axis = static_cast<size_t>(normal_axis_checked(static_cast<int64_t>(op.getAxis()), x.size()));
  const int64_t outer = element_count(std::span(x).first(axis));
  const int64_t inner = element_count(std::span(x).subspan(axis + 1));
  const bool is_max = op.getMode() == "ArgMax";
  const bool last = op.getSelectLastIndex();
  for (int64_t at = 0; at < outer * inner; ++at) {
    const float* source = arguments.in(0) + at / inner * x[axis] * inner + at % inner;
    int64_t best = 0;
    for (int64_t i = 1; i < x[axis]; ++i) {
      const float value = source[i * inner];
      const float known = source[best * inner];
      if ((is_max ? value > known : value < known) || (last && value == known)) best = i;
    }
    arguments.out()[at] = static_cast<float>(best);
  }
}

Status scatter(const Arguments& arguments) {
  const Shape& data = arguments.in_shape(0);
  const Shape& indices = arguments.in_shape(1);
  const int64_t depth = indices.back();
  const Shape strides = dense_strides(data);
  const int64_t inner = element_count(std::span(data).subspan(static_cast<size_t>(depth)));
  std::copy_n(arguments.in(0), element_count(data), arguments.out());
  const int64_t updates = element_count(std::span(indices).first(indices.size() - 1));
  for (int64_t at = 0; at < updates; ++at) {
    int64_t to = 0;
    for (int64_t axis = 0; axis < depth; ++axis) {
      const int64_t extent = data[static_cast<size_t>(axis)];
      int64_t index = static_cast<int64_t>(arguments.in(1)[at * depth + axis]);
      if (index < 0) index += extent;
      if (index < 0 || index >= extent) return invalid_input(fmt::format("index {} into an axis of {}", index, extent));
      to += index * strides[static_cast<size_t>(axis)];
    }
    std::copy_n(arguments.in(2) + at * inner, inner, arguments.out() + to);
  }
  return Status::ok();
}

}  // namespace

std::optional<Status> evaluate_movement(const Arguments& arguments) {
  mlir::Operation* op = arguments.op;
  if (mlir::isa<top::ReshapeOp, top::SqueezeOp, top::UnsqueezeOp>(op)) {
    std::copy_n(arguments.in(0), arguments.operands[0].count(), arguments.out());
  } else if (auto permute_op = mlir::dyn_cast<top::PermuteOp>(op)) {
    permute(arguments, permute_op);
  } else if (auto slice_op = mlir::dyn_cast<top::SliceOp>(op)) {
    slice(arguments, slice_op);
  } else if (auto tile_op = mlir::dyn_cast<top::TileOp>(op)) {
    tile(arguments, tile_op);
  } else if (mlir::isa<top::ExpandOp>(op)) {
    strided_copy(arguments, arguments.out_shape(), arguments.in(0),
                 broadcast_strides(arguments.in_shape(0), arguments.out_shape()), arguments.out());
  } else if (auto concat_op = mlir::dyn_cast<top::ConcatOp>(op)) {
    concat(arguments, concat_op);
  } else if (auto split_op = mlir::dyn_cast<top::SplitOp>(op)) {
    split(arguments, split_op);
  } else if (auto gather_op = mlir::dyn_cast<top::GatherOp>(op)) {
    return gather(arguments, gather_op);
  } else if (auto pad_op = mlir::dyn_cast<top::PadOp>(op)) {
    pad(arguments, pad_op);
  } else if (auto reduce_op = mlir::dyn_cast<top::ReduceOp>(op)) {
    reduce(arguments, reduce_op);
  } else if (auto arg_op = mlir::dyn_cast<top::ArgOp>(op)) {
    arg(arguments, arg_op);
  } else if (mlir::isa<top::ScatterNDOp>(op)) {
    return scatter(arguments);
  } else {
    return std::nullopt;
  }
  return Status::ok();
}

}  // namespace samc
