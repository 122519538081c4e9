// The vision dialect's ops.

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rounding.h"
#include "ir/evaluate.h"
#include "ir/values.h"
#include "ir/vision_dialect.h"

namespace samc {
namespace {

void attend(const Arguments& arguments, double scale) {
  const Shape &q = arguments.in_shape(0), &v = arguments.in_shape(2);
  const int64_t queries = q[2], dim = q[3], keys = v[2], value_dim = v[3];
  arguments.run(q[0] * q[1] * queries, [&](int64_t row) {
    const int64_t head = row / queries;
    const float* query = arguments.in(0) + row * dim;
    std::vector<double> scores(static_cast<size_t>(keys));
    double largest = -std::numeric_limits<double>::infinity();
    for (int64_t key = 0; key < keys; ++key) {
      const float* other = arguments.in(1) + (head * keys + key) * dim;
      double& score = scores[static_cast<size_t>(key)];
      for (int64_t i = 0; i < dim; ++i) score += static_cast<double>(query[i]) * static_cast<double>(other[i]);
      score *= scale;
      largest = std::max(largest, score);
    }
    double sum = 0.0;
    for (double& score : scores) {
      score = std::exp(score - largest);
      sum += score;
    }
    for (int64_t i = 0; i < value_dim; ++i) {
      double mixed = 0.0;
      for (int64_t key = 0; key < keys; ++key)
        mixed += scores[static_cast<size_t>(key)] *
                 static_cast<double>(arguments.in(2)[(head * keys + key) * value_dim + i]);
      arguments.out()[row * value_dim + i] = static_cast<float>(mixed / sum);
    }
  });
}

// body(place in the windows, place in the map or -1 outside it), in elements, for each row of channels.
template <class Body>
void for_each_row(const Shape& windows, const Shape& map, const Body& body) {
  const int64_t columns = divide_up(map[2], windows[2]), channels = map[3];
  int64_t at = 0;
  for (int64_t window = 0; window < windows[0]; ++window)
    for (int64_t y = 0; y < windows[1]; ++y)
      for (int64_t x = 0; x < windows[2]; ++x, at += channels) {
        const int64_t row = window / columns * windows[1] + y, column = window % columns * windows[2] + x;
        body(at, row < map[1] && column < map[2] ? (row * map[2] + column) * channels : -1);
      }
}

}  // namespace

std::optional<Status> evaluate_vision(const Arguments& arguments) {
  if (auto op = mlir::dyn_cast<vision::AttentionOp>(arguments.op)) {
    attend(arguments, op.getScale().convertToDouble());
  } else if (mlir::isa<vision::WindowPartitionOp>(arguments.op)) {
    const Shape& map = arguments.in_shape(0);
    const std::vector<float> zeros(static_cast<size_t>(map[3]), 0.0f);
    const float* pad = arguments.absent(1) ? zeros.data() : arguments.in(1);
    for_each_row(arguments.out_shape(), map, [&](int64_t at, int64_t from) {
      std::copy_n(from < 0 ? pad : arguments.in(0) + from, map[3], arguments.out() + at);
    });
  } else if (mlir::isa<vision::WindowUnpartitionOp>(arguments.op)) {
    const Shape& map = arguments.out_shape();
    for_each_row(arguments.in_shape(0), map, [&](int64_t at, int64_t to) {
      if (to >= 0) std::copy_n(arguments.in(0) + at, map[3], arguments.out() + to);
    });
  } else {
    return std::nullopt;
  }
  return Status::ok();
}

}  // namespace samc
