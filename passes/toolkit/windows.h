#pragma once
// Making windows and putting them together again (ir/vision.td).

#include "ir/vision_dialect.h"
#include "passes/toolkit/make.h"

namespace samc {

// Windows of map (1, height, width, c), padded with zeros to whole ones.
mlir::Value make_partition(mlir::OpBuilder& builder, const NewName& name, mlir::Value map, int64_t window_h,
                           int64_t window_w);
// The same with a row for the positions outside, or none for zeros, or with positions that nobody reads.
mlir::Value make_partition(mlir::OpBuilder& builder, const NewName& name, mlir::Value map, int64_t window_h,
                           int64_t window_w, mlir::Value pad, bool pad_undefined);
// windows (windows, window_h, window_w, c) as map (1, height, width, c), cropped to it.
mlir::Value make_unpartition(mlir::OpBuilder& builder, const NewName& name, mlir::Value windows, const Shape& map);

// Whether zeros are added behind rows and columns of a map alone.
bool pads_map_behind(top::PadOp pad);

}  // namespace samc
