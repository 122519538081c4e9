#include <cmath>

#include "ir/infer.h"

namespace samc::top {

namespace {

std::string text(mlir::Value value) { return shape_to_string(shape_of(value)); }

int64_t last(const Shape& shape, size_t from_end) { return shape[shape.size() - from_end]; }

Status check_channels(mlir::Value value, const char* what, int64_t channels) {
  if (is_none(value) || element_count(shape_of(value)) == channels) return Status::ok();
  return invalid_input(fmt::format("{} {} for {} channels", what, text(value), channels));
}

struct Window {
  Shape kernel;
  Shape strides;
  Shape pads;
  Shape dilations;
};

Status check_window(const Window& window) {
  const auto positive = [](const Shape& list) { return llvm::all_of(list, [](int64_t value) { return value > 0; }); };
  if (window.kernel.size() != 2 || window.strides.size() != 2 || window.pads.size() != 4 ||
      window.dilations.size() != 2) {
    return invalid_input(fmt::format("kernel_shape {}, strides {}, pads {} and dilations {} are not those of two axes",
                                     shape_to_string(window.kernel), shape_to_string(window.strides),
                                     shape_to_string(window.pads), shape_to_string(window.dilations)));
  }
  if (!positive(window.kernel) || !positive(window.strides) || !positive(window.dilations)) {
    return invalid_input("kernel_shape, strides and dilations must be positive");
  }
  if (llvm::any_of(window.pads, [](int64_t pad) { return pad < 0; })) return invalid_input("negative pads");
  return Status::ok();
}

// Windows along one of the two axes.
Result<int64_t> window_count(int64_t extent, const Window& window, size_t axis, bool ceil_mode) {
  const int64_t reach = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
  const int64_t room = extent + window.pads[axis] + window.pads[axis + 2] - reach;
  if (room < 0) return invalid_input(fmt::format("a window of {} on an extent of {}", reach, extent));
  const int64_t stride = window.strides[axis];
  int64_t count = room / stride + 1;
  // As PyTorch: the last window must start inside the picture or its left padding.
  if (ceil_mode && room % stride != 0 && count * stride < extent + window.pads[axis]) ++count;
  return count;
}

Shape dilations_of(std::optional<mlir::ArrayAttr> list) {
  return list && !list->empty() ? to_shape(*list) : Shape{1, 1};
}

Result<Shapes> infer_shapes(ConvOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  const Shape filter = shape_of(op.getFilter());
  const Window window{to_shape(op.getKernelShape()), to_shape(op.getStrides()), to_shape(op.getPads()),
                      dilations_of(op.getDilations())};
  const int64_t group = static_cast<int64_t>(op.getGroup());
  if (x.size() != 4 || filter.size() != 4) {
    return invalid_input(
        fmt::format("convolution of {} with filter {}: both need 4 axes", shape_to_string(x), shape_to_string(filter)));
  }
  SAMC_TRY(check_window(window));
  if (group < 1 || filter[1] * group != x[1] || filter[0] % group != 0 || filter[2] != window.kernel[0] ||
      filter[3] != window.kernel[1]) {
    return invalid_input(fmt::format("convolution of {} with filter {}, kernel {}, group {}", shape_to_string(x),
                                     shape_to_string(filter), shape_to_string(window.kernel), group));
  }
  SAMC_TRY(check_channels(op.getBias(), "bias", filter[0]));
  SAMC_ASSIGN(const int64_t height, window_count(x[2], window, 0, false));
  SAMC_ASSIGN(const int64_t width, window_count(x[3], window, 1, false));
  return Shapes{{x[0], filter[0], height, width}};
}

Result<Shapes> infer_shapes(DeconvOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  const Shape filter = shape_of(op.getFilter());
  const Window window{to_shape(op.getKernelShape()), to_shape(op.getStrides()), to_shape(op.getPads()),
                      dilations_of(op.getDilations())};
  const Shape extra =
      op.getOutputPadding() && !op.getOutputPadding()->empty() ? to_shape(*op.getOutputPadding()) : Shape{0, 0};
  const int64_t group = static_cast<int64_t>(op.getGroup());
  if (x.size() != 4 || filter.size() != 4 || extra.size() != 2) {
    return invalid_input(fmt::format("transposed convolution of {} with filter {}: both need 4 axes",
                                     shape_to_string(x), shape_to_string(filter)));
  }
  SAMC_TRY(check_window(window));
  if (group < 1 || filter[1] != x[1] || x[1] % group != 0 || filter[2] != window.kernel[0] ||
      filter[3] != window.kernel[1]) {
    return invalid_input(fmt::format("transposed convolution of {} with filter {}, kernel {}, group {}",
                                     shape_to_string(x), shape_to_string(filter), shape_to_string(window.kernel),
                                     group));
  }
  const int64_t channels = filter[0] * group;
  SAMC_TRY(check_channels(op.getBias(), "bias", channels));
  Shape result = {x[0], channels, 0, 0};
  for (size_t axis = 0; axis < 2; ++axis) {
    result[axis + 2] = (x[axis + 2] - 1) * window.strides[axis] - window.pads[axis] - window.pads[axis + 2] +
                       (window.kernel[axis] - 1) * window.dilations[axis] + extra[axis] + 1;
    if (result[axis + 2] < 1) return invalid_input("the pads leave nothing of the result");
  }
  return Shapes{result};
}

Result<Shapes> infer_shapes(MatMulOp::Adaptor op) {
  if (op.getHdimIsBatch() || op.getOutputTranspose() || !op.getKeepDims()) {
    return unsupported("MatMul with hdim_is_batch, output_transpose or without keep_dims");
  }
  const Shape a = shape_of(op.getInput());
  const Shape b = shape_of(op.getRight());
  const auto mismatch = [&] {
    return invalid_input(fmt::format("matrix product of {}{} and {}{}", shape_to_string(a),
                                     op.getLeftTranspose() ? " transposed" : "", shape_to_string(b),
                                     op.getRightTranspose() ? " transposed" : ""));
  };
  if (a.size() < 2 || b.size() < 2) return mismatch();
  const int64_t m = last(a, op.getLeftTranspose() ? 1 : 2);
  const int64_t k = last(a, op.getLeftTranspose() ? 2 : 1);
  const int64_t n = last(b, op.getRightTranspose() ? 2 : 1);
  if (last(b, op.getRightTranspose() ? 1 : 2) != k) return mismatch();
  const auto batch = broadcast_shapes(std::span(a).first(a.size() - 2), std::span(b).first(b.size() - 2));
  if (!batch.is_ok()) return mismatch();
  SAMC_TRY(check_channels(op.getBias(), "bias", n));
  Shape result = batch.value();
  result.push_back(m);
  result.push_back(n);
  return Shapes{result};
}

Result<Shapes> infer_shapes(LayerNormOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  SAMC_ASSIGN(const int64_t axis, normal_axis(op.getAxis(), x.size()));
  const Shape normalized(x.begin() + axis, x.end());
  const Shape stated = to_shape(op.getNormalizedShape());
  if (!stated.empty() && stated != normalized) {
    return invalid_input(fmt::format("normalized_shape {} of {}", shape_to_string(stated), shape_to_string(x)));
  }
  SAMC_TRY(check_channels(op.getWeight(), "weight", element_count(normalized)));
  SAMC_TRY(check_channels(op.getBias(), "bias", element_count(normalized)));
  return Shapes{x};
}

Result<Shapes> infer_shapes(PixelNormOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  if (x.size() < 2) return invalid_input(fmt::format("PixelNorm of {}: it needs 2 axes or more", shape_to_string(x)));
  SAMC_TRY(check_channels(op.getWeight(), "weight", x[1]));
  SAMC_TRY(check_channels(op.getBias(), "bias", x[1]));
  return Shapes{x};
}

Result<Shapes> infer_shapes(SoftmaxOp::Adaptor op) {
  const Shape x = shape_of(op.getInput());
  SAMC_TRY(normal_axis(op.getAxis(), x.size()).status());
  return Shapes{x};
}

template <class Adaptor>
Result<Shapes> infer_pool(Adaptor op) {
  const Shape x = shape_of(op.getInput());
  const Window window{to_shape(op.getKernelShape()), to_shape(op.getStrides()), to_shape(op.getPads()), {1, 1}};
  if (x.size() != 4) return invalid_input(fmt::format("pooling of {}: it needs 4 axes", shape_to_string(x)));
  SAMC_TRY(check_window(window));
  SAMC_ASSIGN(const int64_t height, window_count(x[2], window, 0, op.getCeilMode()));
  SAMC_ASSIGN(const int64_t width, window_count(x[3], window, 1, op.getCeilMode()));
  return Shapes{{x[0], x[1], height, width}};
}

Result<Shapes> infer_shapes(MaxPoolOp::Adaptor op) { return infer_pool(op); }
Result<Shapes> infer_shapes(AvgPoolOp::Adaptor op) { return infer_pool(op); }

Result<Shapes> infer_shapes(InterpOp::Adaptor op) {
  Shape x = shape_of(op.getInput());
  if (x.size() < 2) return invalid_input(fmt::format("Interp of {}: it needs 2 axes or more", shape_to_string(x)));
  const double scales[2] = {op.getScaleH().convertToDouble(), op.getScaleW().convertToDouble()};
  for (size_t i = 0; i < 2; ++i) {
    int64_t& extent = x[x.size() - 2 + i];
    // The scale of a wanted size is a quotient, and may come out a little below it.
    constexpr double kQuotientError = 1e-6;
    const double scaled = std::floor(static_cast<double>(extent) * scales[i] + kQuotientError);
    if (!(scaled >= 1.0)) {
      return unsupported(fmt::format("Interp of extent {} by scale {}", extent, scales[i]),
                         "a size given as an operand must be made a scale first");
    }
    extent = static_cast<int64_t>(scaled);
  }
  return Shapes{x};
}

}  // namespace

mlir::LogicalResult WeightOp::verify() {
  if (name_of(getOutput()).empty()) return emitOpError("has no name: its location must be loc(\"name\")");
  if (!has_static_shape(getOutput())) return emitOpError("must have a static shape");
  return mlir::success();
}

mlir::LogicalResult InputOp::verify() {
  const auto input = mlir::dyn_cast<mlir::RankedTensorType>(getInput().getType());
  const auto output = mlir::dyn_cast<mlir::RankedTensorType>(getOutput().getType());
  if (input && output && input.getShape() != output.getShape()) return emitOpError("changes the shape of its operand");
  return mlir::success();
}

SAMC_INFER(ConvOp)
SAMC_INFER(DeconvOp)
SAMC_INFER(MatMulOp)
SAMC_INFER(LayerNormOp)
SAMC_INFER(PixelNormOp)
SAMC_INFER(SoftmaxOp)
SAMC_INFER(MaxPoolOp)
SAMC_INFER(AvgPoolOp)
SAMC_INFER(InterpOp)

}  // namespace samc::top

#define GET_OP_CLASSES
#include "ir/top_neural.cpp.inc"

void samc::top::TopDialect::add_neural_ops() {
  addOperations<
#define GET_OP_LIST
#include "ir/top_neural.cpp.inc"
      >();
}
