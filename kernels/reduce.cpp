#include "kernels/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace samc {
namespace {

struct Axis {
  int64_t extent;
  int64_t stride;
};

int64_t locate(const std::vector<Axis>& axes, int64_t index) {
  int64_t offset = 0;
  for (size_t i = axes.size(); i-- > 0; index /= axes[i].extent) offset += index % axes[i].extent * axes[i].stride;
  return offset;
}

}  // namespace

Result<ReduceOp> reduce_op_named(const std::string& name) {
  if (name == "mean") return ReduceOp::kMean;
  if (name == "sum") return ReduceOp::kSum;
  if (name == "max") return ReduceOp::kMax;
  return unsupported(fmt::format("reduce operation '{}' is not known", name), "known are: mean, sum, max");
}

void reduce(const ReduceParams& params, const float* src, float* dst, KernelContext& context) {
  std::vector<bool> reduced(params.shape.size(), false);
  for (const int64_t axis : params.axes) {
    SAMC_CHECK(axis >= 0 && axis < static_cast<int64_t>(params.shape.size()), "reduce: axis {} of {}", axis,
               shape_to_string(params.shape));
    reduced[static_cast<size_t>(axis)] = true;
  }
  std::vector<Axis> kept;
  std::vector<Axis> inner{{1, 0}};  // the reduced axes; the last is walked in the innermost loop
  int64_t outputs = 1;
  int64_t terms = 1;
  int64_t stride = 1;
  for (size_t i = params.shape.size(); i-- > 0; stride *= params.shape[i]) {
    const Axis axis{params.shape[i], stride};
    (reduced[i] ? terms : outputs) *= axis.extent;
    (reduced[i] ? inner : kept).insert((reduced[i] ? inner : kept).begin(), axis);
  }
  if (inner.size() > 1) inner.pop_back();
  const Axis last = inner.back();
  inner.pop_back();

  const int64_t outputs_a_piece = std::max<int64_t>(1, 16384 / std::max<int64_t>(1, terms));
  context.pool.run((outputs + outputs_a_piece - 1) / outputs_a_piece, [&](int64_t piece, int) {
    for (int64_t o = piece * outputs_a_piece; o < std::min(outputs, (piece + 1) * outputs_a_piece); ++o) {
      const float* base = src + locate(kept, o);
      double sum = 0;
      float largest = -std::numeric_limits<float>::infinity();
      for (int64_t first = 0; first < terms; first += last.extent) {
        const float* row = base + locate(inner, first / last.extent);
        for (int64_t i = 0; i < last.extent; ++i) {
          const float value = row[i * last.stride];
          sum += static_cast<double>(value);
          largest = largest >= value || std::isnan(largest) ? largest : value;
        }
      }
      switch (params.op) {
        case ReduceOp::kSum:
          dst[o] = static_cast<float>(sum);
          break;
        case ReduceOp::kMean:
          dst[o] = static_cast<float>(sum / static_cast<double>(terms));
          break;
        case ReduceOp::kMax:
          dst[o] = largest;
          break;
      }
    }
  });
}

}  // namespace samc
