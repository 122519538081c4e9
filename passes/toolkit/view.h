#pragma once
// How a value's elements lie in another value's buffer, through reshapes, permutes, slices and squeezes between them.

#include <vector>

#include "base/tensor.h"
#include "mlir/IR/Value.h"

namespace samc {

// Each dimension is a list of (extent, stride) factors, outermost first; extents of 1 are left out.
struct Factor {
  int64_t extent;
  int64_t stride;
  bool operator==(const Factor&) const = default;
};
// Of a dimension that is one step through the buffer.
std::vector<Factor> factors(int64_t extent, int64_t stride);
struct View {
  mlir::Value base;  // dense, row-major
  int64_t offset = 0;
  std::vector<std::vector<Factor>> dims;
};
// Follows value back as far as views reach. Always succeeds: at worst the base is value itself.
View trace_view(mlir::Value value);
// Whether a value of this shape (..., columns) is some columns of its base (..., pitch), all rows in their order.
bool is_columns(const View& view, const Shape& shape);

}  // namespace samc
