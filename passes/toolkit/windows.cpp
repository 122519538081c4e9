#include "passes/toolkit/windows.h"

#include "base/rounding.h"

namespace samc {

mlir::Value make_partition(mlir::OpBuilder& builder, const NewName& name, mlir::Value map, int64_t window_h,
                           int64_t window_w) {
  return make_partition(builder, name, map, window_h, window_w, make_none(builder), false);
}

mlir::Value make_partition(mlir::OpBuilder& builder, const NewName& name, mlir::Value map, int64_t window_h,
                           int64_t window_w, mlir::Value pad, bool pad_undefined) {
  const Shape shape = shape_of(map);
  const Shape windows = {divide_up(shape[1], window_h) * divide_up(shape[2], window_w), window_h, window_w, shape[3]};
  return builder.create<vision::WindowPartitionOp>(
      name.in(builder.getContext()), tensor_type(builder.getContext(), windows), map, pad,
      builder.getI64IntegerAttr(window_h), builder.getI64IntegerAttr(window_w), builder.getBoolAttr(pad_undefined));
}

mlir::Value make_unpartition(mlir::OpBuilder& builder, const NewName& name, mlir::Value windows, const Shape& map) {
  return builder.create<vision::WindowUnpartitionOp>(name.in(builder.getContext()),
                                                     tensor_type(builder.getContext(), map), windows);
}

bool pads_map_behind(top::PadOp pad) {
  const Shape paddings = to_shape(pad.getPaddings());
  return paddings.size() == 8 && paddings[4] == 0 && paddings[7] == 0 &&
         std::all_of(paddings.begin(), paddings.begin() + 4, [](int64_t before) { return before == 0; }) &&
         pad.getMode() == "constant" && pad.getVal().isZero();
}

}  // namespace samc
