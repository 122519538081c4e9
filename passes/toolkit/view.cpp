#include "passes/toolkit/view.h"

#include "passes/toolkit/attributes.h"

namespace samc {
namespace {

using Factors = std::vector<Factor>;

void merge_neighbours(Factors& factors) {
  Factors merged;
  for (const Factor& factor : factors) {
    if (factor.extent == 1) continue;
    if (!merged.empty() && merged.back().stride == factor.extent * factor.stride)
      merged.back() = {merged.back().extent * factor.extent, factor.stride};
    else
      merged.push_back(factor);
  }
  factors = std::move(merged);
}

std::vector<Factors> dense_dims(const Shape& shape) {
  std::vector<Factors> dims(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1) dims[i] = {{shape[i], stride}};
    stride *= shape[i];
  }
  return dims;
}

// The same elements in the same order under another shape; nothing when an extent would have to be cut unevenly.
std::optional<std::vector<Factors>> reshape_dims(const std::vector<Factors>& dims, const Shape& shape) {
  Factors all;
  for (const Factors& factors : dims) all.insert(all.end(), factors.begin(), factors.end());
  merge_neighbours(all);
  std::vector<Factors> result(shape.size());
  size_t next = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t wanted = shape[i];
    while (wanted > 1) {
      if (next == all.size()) return std::nullopt;
      Factor& factor = all[next];
      if (wanted % factor.extent == 0) {
        result[i].push_back(factor);
        wanted /= factor.extent;
        ++next;
      } else if (factor.extent % wanted == 0) {
        const int64_t inner = factor.extent / wanted;
        result[i].push_back({wanted, factor.stride * inner});
        factor.extent = inner;
        wanted = 1;
      } else {
        return std::nullopt;
      }
    }
    merge_neighbours(result[i]);
  }
  return result;
}

bool apply(mlir::Operation* op, View& view) {
  const Shape result = shape_of(op->getResult(0));
  if (auto permute = mlir::dyn_cast<top::PermuteOp>(op)) {
    std::vector<Factors> dims;
    for (const int64_t axis : to_shape(permute.getOrder())) dims.push_back(view.dims[static_cast<size_t>(axis)]);
    view.dims = std::move(dims);
    return true;
  }
  if (auto slice = mlir::dyn_cast<top::SliceOp>(op)) {
    const SliceRange range = range_of_slice(slice);
    const Shape input = shape_of(op->getOperand(0));
    std::vector<Factors> dims = view.dims;
    int64_t offset = view.offset;
    for (size_t i = 0; i < result.size(); ++i) {
      if (range.steps[i] != 1) return false;
      if (result[i] == input[i]) continue;
      if (dims[i].size() != 1) return false;
      offset += range.starts[i] * dims[i][0].stride;
      if (result[i] == 1)
        dims[i].clear();
      else
        dims[i][0].extent = result[i];
    }
    view.dims = std::move(dims);
    view.offset = offset;
    return true;
  }
  std::optional<std::vector<Factors>> dims = reshape_dims(view.dims, result);
  if (!dims) return false;
  view.dims = std::move(*dims);
  return true;
}

}  // namespace

std::vector<Factor> factors(int64_t extent, int64_t stride) {
  return extent == 1 ? std::vector<Factor>{} : std::vector<Factor>{{extent, stride}};
}

View trace_view(mlir::Value value) {
  std::vector<mlir::Operation*> chain;
  mlir::Value base = value;
  while (mlir::Operation* op = base.getDefiningOp()) {
    if (!is_movement(op) && !mlir::isa<top::SliceOp>(op)) break;
    chain.push_back(op);
    base = op->getOperand(0);
  }
  // When some op of the chain is no view of what stands before it, the base is that op's result.
  while (true) {
    View view{base, 0, dense_dims(shape_of(base))};
    bool reached = true;
    while (!chain.empty()) {
      mlir::Operation* op = chain.back();
      chain.pop_back();
      if (!apply(op, view)) {
        base = op->getResult(0);
        reached = false;
        break;
      }
    }
    if (reached) return view;
  }
}

bool is_columns(const View& view, const Shape& shape) {
  const Shape base = shape_of(view.base);
  const int64_t columns = shape.back(), pitch = base.back();
  if (view.dims.back() != factors(columns, 1) || view.offset + columns > pitch) return false;
  int64_t rows = 1;
  for (size_t axis = shape.size() - 1; axis-- > 0; rows *= shape[axis])
    if (view.dims[axis] != factors(shape[axis], rows * pitch)) return false;
  return rows == element_count(base) / pitch;
}

}  // namespace samc
