#include <algorithm>

#include "ir/infer.h"

namespace samc::top {

namespace {

Result<Shapes> infer_shapes(ReshapeOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  const int64_t count = element_count(x);
  if (!op.getShape()) {
    const int64_t start = static_cast<int64_t>(op.getFlattenStartDim());
    if (start == -1) return invalid_input("Reshape has neither a shape nor flatten_start_dim");
    SAMC_ASSIGN(const int64_t axis, normal_axis(start, x.size()));
    Shape result(x.begin(), x.begin() + axis);
    result.push_back(element_count(std::span(x).subspan(static_cast<size_t>(axis))));
    return Shapes{result};
  }
  Shape result = to_shape(*op.getShape());
  const auto mismatch = [&] {
    return invalid_input(
        fmt::format("{} reshaped to {}", shape_to_string(x), shape_to_string(to_shape(*op.getShape()))));
  };
  int64_t known = 1;
  int64_t* open = nullptr;
  for (size_t i = 0; i < result.size(); ++i) {
    if (result[i] == 0) {  // ONNX's "as in the operand"
      if (i >= x.size()) return mismatch();
      result[i] = x[i];
    }
    if (result[i] == -1) {
      if (open) return mismatch();
      open = &result[i];
    } else if (result[i] < 0) {
      return mismatch();
    } else {
      known *= result[i];
    }
  }
  if (open) {
    if (known == 0 || count % known != 0) return mismatch();
    *open = count / known;
  } else if (known != count) {
    return mismatch();
  }
  return Shapes{result};
}

Result<Shapes> infer_shapes(PermuteOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  const Shape order = to_shape(op.getOrder());
  const auto axes = normal_axes(order, x.size());
  if (!axes.is_ok() || order.size() != x.size()) {
    return invalid_input(fmt::format("{} permuted by {}", shape_to_string(x), shape_to_string(order)));
  }
  Shape result;
  for (const int64_t axis : order) {
    if (axis < 0) return invalid_input("a negative axis in order");
    result.push_back(x[static_cast<size_t>(axis)]);
  }
  return Shapes{result};
}

Result<Shapes> infer_shapes(ConcatOp::Adaptor op) {
  if (op.getInputs().empty()) return invalid_input("Concat of nothing");
  Shape result = shape_of(op.getInputs().front());
  SAMC_ASSIGN(const int64_t axis, normal_axis(op.getAxis(), result.size()));
  const size_t at = static_cast<size_t>(axis);
  int64_t total = 0;
  for (const mlir::Value input : op.getInputs()) {
    Shape shape = shape_of(input);
    if (shape.size() == result.size()) {
      total += shape[at];
      shape[at] = result[at];
    }
    if (shape != result) {
      return invalid_input(fmt::format("Concat of {} and {} along axis {}", shape_to_string(result),
                                       shape_to_string(shape_of(input)), axis));
    }
  }
  result[at] = total;
  return Shapes{result};
}

Result<Shapes> infer_shapes(SliceOp::Adaptor op) {
  if (!is_none(op.getOffsetT()) || !is_none(op.getEndsT()) || !is_none(op.getStepsT())) {
    return unsupported("Slice with bounds that are computed");
  }
  SAMC_ASSIGN(const SliceRange range,
              slice_range(shape_of(op.getInput()), to_shape(op.getOffset()), to_shape(op.getEnds()),
                          to_shape(op.getSteps()), to_shape(op.getAxes())));
  return Shapes{range.extents};
}

Result<Shapes> infer_shapes(SplitOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  SAMC_ASSIGN(const int64_t axis, normal_axis(op.getAxis(), x.size()));
  const int64_t extent = x[static_cast<size_t>(axis)];
  const int64_t num = static_cast<int64_t>(op.getNum());
  Shape sizes;
  if (op.getSplitSize() && !op.getSplitSize()->empty()) {
    sizes = to_shape(*op.getSplitSize());
  } else if (num > 0 && extent % num == 0) {
    sizes.assign(static_cast<size_t>(num), extent / num);
  }
  int64_t total = 0;
  for (const int64_t size : sizes) total += size;
  if (total != extent || static_cast<int64_t>(sizes.size()) != num) {
    return invalid_input(
        fmt::format("{} split along axis {} into {} parts {}", shape_to_string(x), axis, num, shape_to_string(sizes)));
  }
  Shapes results;
  for (const int64_t size : sizes) {
    results.push_back(x);
    results.back()[static_cast<size_t>(axis)] = size;
  }
  return results;
}

Result<Shapes> infer_shapes(GatherOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  const Shape indices = shape_of(op.getIndices());
  SAMC_ASSIGN(const int64_t axis, normal_axis(op.getAxis(), x.size()));
  Shape result(x.begin(), x.begin() + axis);
  if (op.getKeepdims()) {
    result.insert(result.end(), indices.begin(), indices.end());
  } else if (element_count(indices) != 1) {
    return invalid_input(fmt::format("Gather without keepdims and with indices {}", shape_to_string(indices)));
  }
  result.insert(result.end(), x.begin() + axis + 1, x.end());
  return Shapes{result};
}

Result<Shapes> infer_shapes(SqueezeOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  SAMC_ASSIGN(const Shape axes, normal_axes(to_shape(op.getAxes()), x.size()));
  Shape result;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool named = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(i));
    if (named && x[i] != 1) return invalid_input(fmt::format("Squeeze of axis {} of {}", i, shape_to_string(x)));
    if (!named && !(axes.empty() && x[i] == 1)) result.push_back(x[i]);
  }
  return Shapes{result};
}

Result<Shapes> infer_shapes(UnsqueezeOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  const Shape wanted = to_shape(op.getAxes());
  SAMC_ASSIGN(const Shape axes, normal_axes(wanted, x.size() + wanted.size()));
  Shape result = x;
  for (const int64_t axis : axes) result.insert(result.begin() + axis, 1);
  return Shapes{result};
}

Result<Shapes> infer_shapes(TileOp::Adaptor op) {
  Shape x = shape_of(op.getInput());
  if (!op.getTile()) return unsupported("Tile with repeats that are computed");
  const Shape tile = to_shape(*op.getTile());
  if (tile.size() != x.size() || std::any_of(tile.begin(), tile.end(), [](int64_t times) { return times < 1; })) {
    return invalid_input(fmt::format("{} tiled by {}", shape_to_string(x), shape_to_string(tile)));
  }
  for (size_t i = 0; i < x.size(); ++i) x[i] *= tile[i];
  return Shapes{x};
}

Result<Shapes> infer_shapes(ExpandOp::Adaptor op) {
  SAMC_ASSIGN(const Shape result, broadcast_shapes(shape_of(op.getInput()), to_shape(op.getShape())));
  return Shapes{result};
}

Result<Shapes> infer_shapes(PadOp::Adaptor op) {
  Shape x = shape_of(op.getInput());
  const Shape paddings = to_shape(op.getPaddings());
  const auto mismatch = [&] {
    return invalid_input(
        fmt::format("{} padded by {}", shape_to_string(shape_of(op.getInput())), shape_to_string(paddings)));
  };
  if (paddings.size() != 2 * x.size()) return mismatch();
  for (size_t i = 0; i < x.size(); ++i) {
    const int64_t before = paddings[i];
    const int64_t after = paddings[i + x.size()];
    if (op.getMode() == "reflect" && (before >= x[i] || after >= x[i])) return mismatch();
    if (op.getMode() != "constant" && (before < 0 || after < 0)) return mismatch();
    x[i] += before + after;
    if (x[i] < 0) return mismatch();
  }
  return Shapes{x};
}

Result<Shapes> infer_shapes(ReduceOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  SAMC_ASSIGN(const Shape axes, normal_axes(to_shape(op.getAxes()), x.size()));
  Shape result;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool reduced = std::binary_search(axes.begin(), axes.end(), static_cast<int64_t>(i));
    if (reduced && op.getKeepdims()) result.push_back(1);
    if (!reduced) result.push_back(x[i]);
  }
  return Shapes{result};
}

Result<Shapes> infer_shapes(ScatterNDOp::Adaptor op) {
  const Shape data = shape_of(op.getInputData());
  const Shape indices = shape_of(op.getIndices());
  const Shape updates = shape_of(op.getUpdates());
  if (op.getReduction() != 0) return unsupported("ScatterND with a reduction");
  if (indices.empty() || indices.back() < 0 || indices.back() > static_cast<int64_t>(data.size())) {
    return invalid_input(fmt::format("ScatterND into {} at {}", shape_to_string(data), shape_to_string(indices)));
  }
  Shape wanted(indices.begin(), indices.end() - 1);
  wanted.insert(wanted.end(), data.begin() + indices.back(), data.end());
  if (updates != wanted) {
    return invalid_input(
        fmt::format("ScatterND updates {}, not {}", shape_to_string(updates), shape_to_string(wanted)));
  }
  return Shapes{data};
}

bool same_type(mlir::Value a, mlir::Value b) { return has_static_shape(a) && a.getType() == b.getType(); }

// Reshape of Reshape, Squeeze and Unsqueeze: only the last shape counts.
struct ReshapeOfReshape : mlir::OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(ReshapeOp op, mlir::PatternRewriter& rewriter) const override {
    mlir::Operation* before = op.getInput().getDefiningOp();
    if (!before || !mlir::isa<ReshapeOp, SqueezeOp, UnsqueezeOp>(before)) return mlir::failure();
    if (!has_static_shape(op.getOutput())) return mlir::failure();
    const Shape shape = shape_of(op.getOutput());
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(before->getOperand(0));
      op.setShapeAttr(to_array(op.getContext(), shape));
    });
    return mlir::success();
  }
};

struct PermuteOfPermute : mlir::OpRewritePattern<PermuteOp> {
  using OpRewritePattern::OpRewritePattern;
  mlir::LogicalResult matchAndRewrite(PermuteOp op, mlir::PatternRewriter& rewriter) const override {
    auto before = op.getInput().getDefiningOp<PermuteOp>();
    if (!before) return mlir::failure();
    const Shape first = to_shape(before.getOrder());
    Shape order = to_shape(op.getOrder());
    for (int64_t& axis : order) axis = first[static_cast<size_t>(axis)];
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(before.getInput());
      op.setOrderAttr(to_array(op.getContext(), order));
    });
    return mlir::success();
  }
};

template <class Op>
mlir::OpFoldResult fold_when_same_type(Op op) {
  return same_type(op.getInput(), op.getOutput()) ? mlir::OpFoldResult(op.getInput()) : mlir::OpFoldResult();
}

}  // namespace

// The two results: indices, and none.
mlir::LogicalResult ArgOp::inferReturnTypes(mlir::MLIRContext* context, std::optional<mlir::Location> location,
                                            mlir::ValueRange operands, mlir::DictionaryAttr attributes,
                                            mlir::OpaqueProperties, mlir::RegionRange,
                                            llvm::SmallVectorImpl<mlir::Type>& types) {
  const auto infer = [&]() -> Result<Shapes> {
    ArgOp::Adaptor op(operands, with_defaults<ArgOp>(context, attributes));
    Shape shape = shape_of(op.getInput());
    SAMC_ASSIGN(const int64_t axis, normal_axis(static_cast<int64_t>(op.getAxis()), shape.size()));
    if (op.getKeepdims()) {
      shape[static_cast<size_t>(axis)] = 1;
    } else {
      shape.erase(shape.begin() + axis);
    }
    return Shapes{shape};
  };
  if (mlir::failed(finish_inference(context, location, operands, infer, types))) return mlir::failure();
  types.push_back(mlir::NoneType::get(context));
  return mlir::success();
}

mlir::OpFoldResult ReshapeOp::fold(FoldAdaptor) { return fold_when_same_type(*this); }
mlir::OpFoldResult SqueezeOp::fold(FoldAdaptor) { return fold_when_same_type(*this); }
mlir::OpFoldResult UnsqueezeOp::fold(FoldAdaptor) { return fold_when_same_type(*this); }
mlir::OpFoldResult TileOp::fold(FoldAdaptor) { return fold_when_same_type(*this); }
mlir::OpFoldResult ExpandOp::fold(FoldAdaptor) { return fold_when_same_type(*this); }
mlir::OpFoldResult SliceOp::fold(FoldAdaptor) { return fold_when_same_type(*this); }

mlir::OpFoldResult PadOp::fold(FoldAdaptor) {
  const bool nothing = llvm::all_of(to_shape(getPaddings()), [](int64_t pad) { return pad == 0; });
  return nothing ? fold_when_same_type(*this) : mlir::OpFoldResult();
}

mlir::OpFoldResult PermuteOp::fold(FoldAdaptor) {
  const Shape order = to_shape(getOrder());
  return std::is_sorted(order.begin(), order.end()) ? fold_when_same_type(*this) : mlir::OpFoldResult();
}

mlir::OpFoldResult ConcatOp::fold(FoldAdaptor) {
  return getInputs().size() == 1 && !getDoRelu() ? mlir::OpFoldResult(getInputs().front()) : mlir::OpFoldResult();
}

void ReshapeOp::getCanonicalizationPatterns(mlir::RewritePatternSet& patterns, mlir::MLIRContext* context) {
  patterns.add<ReshapeOfReshape>(context);
}

void PermuteOp::getCanonicalizationPatterns(mlir::RewritePatternSet& patterns, mlir::MLIRContext* context) {
  patterns.add<PermuteOfPermute>(context);
}

SAMC_INFER(ReshapeOp)
SAMC_INFER(PermuteOp)
SAMC_INFER(ConcatOp)
SAMC_INFER(SliceOp)
SAMC_INFER(SplitOp)
SAMC_INFER(GatherOp)
SAMC_INFER(SqueezeOp)
SAMC_INFER(UnsqueezeOp)
SAMC_INFER(TileOp)
SAMC_INFER(ExpandOp)
SAMC_INFER(PadOp)
SAMC_INFER(ReduceOp)
SAMC_INFER(ScatterNDOp)

}  // namespace samc::top

#define GET_OP_CLASSES
#include "ir/top_movement.cpp.inc"

void samc::top::TopDialect::add_movement_ops() {
  addOperations<
#define GET_OP_LIST
#include "ir/top_movement.cpp.inc"
      >();
}
