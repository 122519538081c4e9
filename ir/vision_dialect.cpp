#include "ir/vision_dialect.h"

#include "base/rounding.h"
#include "ir/values.h"

#define GET_OP_CLASSES
#include "ir/vision.cpp.inc"

namespace samc::vision {

VisionDialect::VisionDialect(mlir::MLIRContext* in_context)
    : Dialect(getDialectNamespace(), in_context, mlir::TypeID::get<VisionDialect>()) {
  addOperations<
#define GET_OP_LIST
#include "ir/vision.cpp.inc"
      >();
}

namespace {

// Whether windows are those of a map (1, height, width, c), filled up at the lower and right edge.
bool are_windows_of(const Shape& windows, const Shape& map) {
  return windows.size() == 4 && map.size() == 4 && map[0] == 1 && windows[1] > 0 && windows[2] > 0 &&
         windows[0] == divide_up(map[1], windows[1]) * divide_up(map[2], windows[2]) && windows[3] == map[3];
}

}  // namespace

mlir::LogicalResult WindowPartitionOp::verify() {
  const Shape map = shape_of(getInput()), windows = shape_of(getResult());
  const auto height = static_cast<int64_t>(getWindowH()), width = static_cast<int64_t>(getWindowW());
  if (!are_windows_of(windows, map) || windows[1] != height || windows[2] != width)
    return emitOpError("cuts ") << shape_to_string(map) << " into " << shape_to_string(windows);
  if (!is_none(getPad()) && element_count(shape_of(getPad())) != map[3])
    return emitOpError("is padded with ") << shape_to_string(shape_of(getPad())) << ", which is no row";
  return mlir::success();
}

mlir::LogicalResult WindowUnpartitionOp::verify() {
  const Shape map = shape_of(getResult()), windows = shape_of(getInput());
  if (are_windows_of(windows, map)) return mlir::success();
  return emitOpError("makes ") << shape_to_string(map) << " of " << shape_to_string(windows);
}

mlir::LogicalResult AttentionOp::verify() {
  const Shape q = shape_of(getQ()), k = shape_of(getK()), v = shape_of(getV());
  if (q.size() == 4 && k.size() == 4 && v.size() == 4 && k == Shape{q[0], q[1], k[2], q[3]} &&
      v == Shape{q[0], q[1], k[2], v[3]} && shape_of(getResult()) == Shape{q[0], q[1], q[2], v[3]})
    return mlir::success();
  return emitOpError("of q ") << shape_to_string(q) << ", k " << shape_to_string(k) << ", v " << shape_to_string(v);
}

}  // namespace samc::vision

MLIR_DEFINE_EXPLICIT_TYPE_ID(samc::vision::VisionDialect)
