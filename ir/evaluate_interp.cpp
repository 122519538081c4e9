// Resizing of the last two axes, with the coordinates of PyTorch's interpolate and ONNX's Resize.

#include <algorithm>
#include <cmath>

#include "ir/evaluate.h"
#include "ir/top_dialect.h"

namespace samc {

namespace {

// What one output position reads along one axis: up to four elements with their weights.
struct Taps {
  int64_t index[4] = {0, 0, 0, 0};
  double weight[4] = {1, 0, 0, 0};
};

// Position in the source, with the centre of its first element at 0.
double source_position(int64_t at, int64_t in, int64_t out, llvm::StringRef coordinates) {
  const double ratio = static_cast<double>(in) / static_cast<double>(out);
  const double position = static_cast<double>(at);
  if (coordinates == "asymmetric") return position * ratio;
  if (coordinates == "align_corners") {
    return out == 1 ? 0.0 : position * static_cast<double>(in - 1) / static_cast<double>(out - 1);
  }
  if (coordinates == "pytorch_half_pixel" && out == 1) return 0.0;
  return (position + 0.5) * ratio - 0.5;
}

int64_t clamped(double index, int64_t in) {
  return static_cast<int64_t>(std::clamp(index, 0.0, static_cast<double>(in - 1)));
}

Taps nearest_taps(int64_t at, int64_t in, int64_t out, llvm::StringRef coordinates) {
  const double position = source_position(at, in, out, coordinates);
  Taps taps;
  // asymmetric is PyTorch's nearest, half_pixel its nearest-exact
  taps.index[0] = clamped(coordinates == "asymmetric" ? std::floor(position) : std::floor(position + 0.5), in);
  return taps;
}

Taps linear_taps(int64_t at, int64_t in, int64_t out, llvm::StringRef coordinates) {
  const double position = std::max(0.0, source_position(at, in, out, coordinates));
  const double below = std::floor(position);
  Taps taps;
  taps.index[0] = clamped(below, in);
  taps.index[1] = clamped(below + 1.0, in);
  taps.weight[1] = position - below;
  taps.weight[0] = 1.0 - taps.weight[1];
  return taps;
}

Taps cubic_taps(int64_t at, int64_t in, int64_t out, llvm::StringRef coordinates) {
  constexpr double kSharpness = -0.75;  // PyTorch's and ONNX's
  const double position = source_position(at, in, out, coordinates);
  const double below = std::floor(position);
  Taps taps;
  for (int tap = 0; tap < 4; ++tap) {
    taps.index[tap] = clamped(below + tap - 1, in);
    const double distance = std::abs(position - (below + tap - 1));
    taps.weight[tap] = distance <= 1.0
                           ? ((kSharpness + 2.0) * distance - (kSharpness + 3.0)) * distance * distance + 1.0
                           : ((distance - 5.0) * distance + 8.0) * distance * kSharpness - 4.0 * kSharpness;
  }
  return taps;
}

}  // namespace

std::optional<Status> evaluate_interp(const Arguments& arguments) {
  auto op = mlir::dyn_cast<top::InterpOp>(arguments.op);
  if (!op) return std::nullopt;
  const Shape& x = arguments.in_shape(0);
  const Shape& out = arguments.out_shape();
  const size_t rank = x.size();
  const int64_t in_h = x[rank - 2];
  const int64_t in_w = x[rank - 1];
  const int64_t out_h = out[rank - 2];
  const int64_t out_w = out[rank - 1];
  const auto taps_of = op.getMode() == "nearest" ? nearest_taps : op.getMode() == "linear" ? linear_taps : cubic_taps;
  const int used = op.getMode() == "nearest" ? 1 : op.getMode() == "linear" ? 2 : 4;
  std::vector<Taps> rows;
  std::vector<Taps> columns;
  for (int64_t y = 0; y < out_h; ++y) rows.push_back(taps_of(y, in_h, out_h, op.getCoordMode()));
  for (int64_t column = 0; column < out_w; ++column) {
    columns.push_back(taps_of(column, in_w, out_w, op.getCoordMode()));
  }
  arguments.run(element_count(std::span(x).first(rank - 2)), [&](int64_t plane) {
    const float* source = arguments.in(0) + plane * in_h * in_w;
    float* target = arguments.out() + plane * out_h * out_w;
    for (int64_t y = 0; y < out_h; ++y) {
      for (int64_t column = 0; column < out_w; ++column) {
        const Taps& vertical = rows[static_cast<size_t>(y)];
        const Taps& horizontal = columns[static_cast<size_t>(column)];
        double sum = 0.0;
        for (int i = 0; i < used; ++i) {
          double row_sum = 0.0;
          for (int j = 0; j < used; ++j) {
            row_sum +=
                horizontal.weight[j] * static_cast<double>(source[vertical.index[i] * in_w + horizontal.index[j]]);
          }
          sum += vertical.weight[i] * row_sum;
        }
        target[y * out_w + column] = static_cast<float>(sum);
      }
    }
  });
  return Status::ok();
}

}  // namespace samc
