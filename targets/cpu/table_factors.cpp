#include "targets/cpu/table_factors.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace samc::cpu {
namespace {

// The table as planes[y][x][channel].
struct Map {
  const float* data;
  int64_t height, width, channels;
  float at(int64_t y, int64_t x, int64_t c) const { return data[(y * width + x) * channels + c]; }
};

std::optional<Map> map_of(const TensorView& table) {
  Shape shape = table.shape;
  std::erase(shape, 1);
  const float* data = table.f32().data();
  if (shape.size() == 3) return Map{data, shape[0], shape[1], shape[2]};
  if (shape.size() != 2) return std::nullopt;
  // Rows are the positions of a square.
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(shape[0]))));
  if (side * side != shape[0]) return std::nullopt;
  return Map{data, side, side, shape[1]};
}

Tensor made_of(Shape shape, const std::function<float(int64_t)>& element) {
  Tensor tensor(std::move(shape));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.f32()[static_cast<size_t>(i)] = element(i);
  return tensor;
}

// One number for each first index: a row of channels that every position has.
std::optional<TableFactors> constant_planes(const Map& map) {
  const int64_t area = map.width * map.channels;
  for (int64_t y = 0; y < map.height; ++y)
    for (int64_t i = 0; i < area; ++i)
      if (map.data[y * area + i] != map.data[y * area]) return std::nullopt;
  TableFactors factors{TableFactors::Kind::kSum, {}, {map.height, map.width, map.channels}};
  factors.parts.push_back(made_of({map.height, 1, 1}, [&](int64_t y) { return map.data[y * area]; }));
  factors.parts.push_back(Tensor::zeros({1, map.width, map.channels}));
  return factors;
}

// Each channel goes with the row alone, or with the column alone.
std::optional<TableFactors> by_axes(const Map& map) {
  std::vector<bool> by_row(static_cast<size_t>(map.channels), true), by_column(by_row);
  for (int64_t y = 0; y < map.height; ++y)
    for (int64_t x = 0; x < map.width; ++x)
      for (int64_t c = 0; c < map.channels; ++c) {
        const auto channel = static_cast<size_t>(c);
        by_row[channel] = by_row[channel] && map.at(y, x, c) == map.at(y, 0, c);
        by_column[channel] = by_column[channel] && map.at(y, x, c) == map.at(0, x, c);
      }
  for (size_t c = 0; c < by_row.size(); ++c)
    if (!by_row[c] && !by_column[c]) return std::nullopt;
  TableFactors factors{TableFactors::Kind::kSum, {}, {map.height, map.width, map.channels}};
  factors.parts.push_back(made_of({map.height, 1, map.channels}, [&](int64_t i) {
    return by_row[static_cast<size_t>(i % map.channels)] ? map.at(i / map.channels, 0, i % map.channels) : 0.0f;
  }));
  factors.parts.push_back(made_of({1, map.width, map.channels}, [&](int64_t i) {
    return by_row[static_cast<size_t>(i % map.channels)] ? 0.0f : map.at(0, i / map.channels, i % map.channels);
  }));
  return factors;
}

// A matrix that is taken apart, column times row, largest element first (cross approximation with full pivoting). What
// is left of it is the error so far.
class Cross {
 public:
  Cross(std::vector<double> rest, int64_t rows, int64_t columns)
      : rest_(std::move(rest)), rows_(rows), columns_(columns) {}

  double largest() {
    double largest = 0;
    for (size_t i = 0; i < rest_.size(); ++i)
      if (std::abs(rest_[i]) > largest) {
        largest = std::abs(rest_[i]);
        pivot_ = i;
      }
    return largest;
  }
  // Takes off the product through the element that largest() found.
  void take(std::vector<double>& column, std::vector<double>& row) {
    const auto columns = static_cast<size_t>(columns_);
    const size_t y = pivot_ / columns, x = pivot_ % columns;
    const double scale = std::sqrt(std::abs(rest_[pivot_])), sign = rest_[pivot_] < 0 ? -1 : 1;
    column.resize(static_cast<size_t>(rows_));
    for (size_t i = 0; i < column.size(); ++i) column[i] = sign * rest_[i * columns + x] / scale;
    row.resize(columns);
    for (size_t i = 0; i < columns; ++i) row[i] = rest_[y * columns + i] / scale;
    for (size_t i = 0; i < column.size(); ++i)
      for (size_t k = 0; k < columns; ++k) rest_[i * columns + k] -= column[i] * row[k];
  }

 private:
  std::vector<double> rest_;
  int64_t rows_, columns_;
  size_t pivot_ = 0;
};

double largest_of(const TensorView& table) {
  double largest = 0;
  for (const float number : table.f32()) largest = std::max(largest, std::abs(static_cast<double>(number)));
  return largest;
}

// Each channel is the sum of two products of a column and a row.
std::optional<TableFactors> by_products(const Map& map, double allowed) {
  TableFactors factors{TableFactors::Kind::kProducts, {}, {map.height, map.width, map.channels}};
  for (int part = 0; part < 2; ++part) {
    factors.parts.push_back(Tensor::zeros({map.height, 1, map.channels}));
    factors.parts.push_back(Tensor::zeros({1, map.width, map.channels}));
  }
  std::vector<double> column, row;
  for (int64_t c = 0; c < map.channels; ++c) {
    std::vector<double> channel(static_cast<size_t>(map.height * map.width));
    for (int64_t y = 0; y < map.height; ++y)
      for (int64_t x = 0; x < map.width; ++x)
        channel[static_cast<size_t>(y * map.width + x)] = static_cast<double>(map.at(y, x, c));
    Cross cross(std::move(channel), map.height, map.width);
    for (size_t part = 0; part < 2 && cross.largest() > allowed; ++part) {
      cross.take(column, row);
      const auto put = [&](const std::vector<double>& from, Tensor& to) {
        for (size_t i = 0; i < from.size(); ++i)
          to.f32()[i * static_cast<size_t>(map.channels) + static_cast<size_t>(c)] = static_cast<float>(from[i]);
      };
      put(column, factors.parts[2 * part]);
      put(row, factors.parts[2 * part + 1]);
    }
    if (cross.largest() > allowed) return std::nullopt;
  }
  return factors;
}

// The rows of the map are sums of a few.
std::optional<TableFactors> by_rows(const Map& map, double allowed) {
  const int64_t columns = map.width * map.channels;
  Cross cross({map.data, map.data + map.height * columns}, map.height, columns);
  std::vector<std::vector<double>> left, right;
  while (cross.largest() > allowed) {
    if (static_cast<int64_t>(left.size()) == kMostTableRank) return std::nullopt;
    cross.take(left.emplace_back(), right.emplace_back());
  }
  const auto rank = static_cast<int64_t>(left.size());
  TableFactors factors{TableFactors::Kind::kMatrices, {}, {map.height, columns}};
  factors.parts.push_back(made_of({map.height, rank}, [&](int64_t i) {
    return static_cast<float>(left[static_cast<size_t>(i % rank)][static_cast<size_t>(i / rank)]);
  }));
  factors.parts.push_back(made_of({rank, columns}, [&](int64_t i) {
    return static_cast<float>(right[static_cast<size_t>(i / columns)][static_cast<size_t>(i % columns)]);
  }));
  return factors;
}

bool is_worth_it(const TableFactors& factors, const TensorView& table) {
  int64_t count = 0;
  for (const Tensor& part : factors.parts) count += part.count();
  return 8 * count <= table.count();
}

}  // namespace

std::optional<TableFactors> factor_table(const TensorView& table) {
  const std::optional<Map> map = map_of(table);
  if (!map || !is_finite(table)) return std::nullopt;
  const double allowed = kTableTolerance * largest_of(table);
  std::optional<TableFactors> found = constant_planes(*map);
  if (!found) found = by_axes(*map);
  if (!found) found = by_products(*map, allowed);
  if (!found) found = by_rows(*map, allowed);
  if (found && !is_worth_it(*found, table)) found.reset();
  return found;
}

}  // namespace samc::cpu
