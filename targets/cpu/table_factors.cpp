#include "targets/cpu/table_factors.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <utility>

namespace samc::cpu {
namespace {

// The table as planes[y][x][channel].
struct Map {
  const float* data;
  int64_t height, width, channels;
  float at(int64_t y, int64_t x, int64_t c) const { return data[(y * width + x) * channels + c]; }
};

// Of two axes, one stands for the positions of a square: the first (positions by channels), or the second, when the
// channels are what Map calls rows.
std::optional<Map> map_of(const TensorView& table, size_t positions) {
  Shape shape = table.shape;
  std::erase(shape, 1);
  if (shape.size() == 2) {
    const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(shape[positions]))));
    if (side * side != shape[positions]) return std::nullopt;
    shape[positions] = side;
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(positions), side);
  }
  if (shape.size() != 3) return std::nullopt;
  return Map{table.f32().data(), shape[0], shape[1], shape[2]};
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

// Each first index has a plane that goes with its row alone, or with its column alone: channels before positions.
std::optional<TableFactors> by_planes(const Map& map) {
  const int64_t rows = map.width, columns = map.channels;
  TableFactors factors{TableFactors::Kind::kSum, {}, {map.height, rows, columns}};
  factors.parts.push_back(Tensor::zeros({map.height, rows, 1}));
  factors.parts.push_back(Tensor::zeros({map.height, 1, columns}));
  for (int64_t plane = 0; plane < map.height; ++plane) {
    bool by_row = true, by_column = true;
    for (int64_t y = 0; y < rows; ++y)
      for (int64_t x = 0; x < columns; ++x) {
        by_row = by_row && map.at(plane, y, x) == map.at(plane, y, 0);
        by_column = by_column && map.at(plane, y, x) == map.at(plane, 0, x);
      }
    if (!by_row && !by_column) return std::nullopt;
    Tensor& part = factors.parts[by_row ? 0 : 1];
    const int64_t count = by_row ? rows : columns;
    for (int64_t i = 0; i < count; ++i)
      part.f32()[static_cast<size_t>(plane * count + i)] = by_row ? map.at(plane, i, 0) : map.at(plane, 0, i);
  }
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

// A matrix as a sum of a few products of a column and a row.
struct Products {
  std::vector<std::vector<double>> columns;
  std::vector<std::vector<double>> rows;
  int64_t count() const { return static_cast<int64_t>(columns.size()); }
};
std::optional<Products> take_apart(std::vector<double> matrix, int64_t rows, int64_t columns, double allowed) {
  Cross cross(std::move(matrix), rows, columns);
  Products products;
  while (cross.largest() > allowed) {
    if (products.count() == kMostTableRank) return std::nullopt;
    cross.take(products.columns.emplace_back(), products.rows.emplace_back());
  }
  return products;
}

// (size, products): product r's number i at (i, r).
Tensor side_by_side(const std::vector<std::vector<double>>& lists, int64_t size) {
  const auto count = static_cast<int64_t>(lists.size());
  return made_of({size, count}, [&](int64_t i) {
    return static_cast<float>(lists[static_cast<size_t>(i % count)][static_cast<size_t>(i / count)]);
  });
}

// The rows of the map are sums of a few.
TableFactors by_rows(const Map& map, const Products& rows) {
  const int64_t columns = map.width * map.channels;
  TableFactors factors{TableFactors::Kind::kMatrices, {}, {map.height, columns}};
  factors.parts.push_back(side_by_side(rows.columns, map.height));
  factors.parts.push_back(made_of({rows.count(), columns}, [&](int64_t i) {
    return static_cast<float>(rows.rows[static_cast<size_t>(i / columns)][static_cast<size_t>(i % columns)]);
  }));
  return factors;
}

// The largest distance of the table from a product of its grid's parts.
double grid_error(const Map& map, const TableFactors& grid) {
  const Shape& middle = grid.parts[1].shape();  // (r, w, s)
  const int64_t rank = middle[0], w = middle[1], inner = middle[2], c = map.channels, row = w * c;
  const std::span<const float> left = grid.parts[0].f32(), columns = grid.parts[1].f32(), core = grid.parts[2].f32();
  std::vector<double> rows(static_cast<size_t>(rank * row), 0.0);
  for (int64_t r = 0; r < rank; ++r)
    for (int64_t x = 0; x < w; ++x)
      for (int64_t s = 0; s < inner; ++s)
        for (int64_t i = 0; i < c; ++i)
          rows[static_cast<size_t>(r * row + x * c + i)] +=
              static_cast<double>(columns[static_cast<size_t>((r * w + x) * inner + s)]) *
              static_cast<double>(core[static_cast<size_t>((r * inner + s) * c + i)]);
  double largest = 0;
  std::vector<double> sum(static_cast<size_t>(row));
  for (int64_t y = 0; y < map.height; ++y) {
    std::ranges::fill(sum, 0.0);
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t i = 0; i < row; ++i)
        sum[static_cast<size_t>(i)] +=
            static_cast<double>(left[static_cast<size_t>(y * rank + r)]) * rows[static_cast<size_t>(r * row + i)];
    for (int64_t i = 0; i < row; ++i)
      largest = std::max(largest, std::abs(sum[static_cast<size_t>(i)] - static_cast<double>(map.data[y * row + i])));
  }
  return largest;
}

// The columns of those few rows are sums of a few, too.
std::optional<TableFactors> by_rows_and_columns(const Map& map, const Products& rows, double allowed) {
  const int64_t rank = rows.count(), h = map.height, w = map.width, c = map.channels;
  // Each row by what it is multiplied by at most, so that errors of all weigh the same.
  std::vector<double> weights;
  for (const std::vector<double>& column : rows.columns)
    weights.push_back(std::abs(*std::ranges::max_element(column, {}, [](double number) { return std::abs(number); })));
  std::vector<double> by_column;  // (w, rank, c)
  for (int64_t x = 0; x < w; ++x)
    for (size_t r = 0; r < weights.size(); ++r)
      for (int64_t i = 0; i < c; ++i) by_column.push_back(weights[r] * rows.rows[r][static_cast<size_t>(x * c + i)]);
  const std::optional<Products> columns = take_apart(std::move(by_column), w, rank * c, allowed / 4);
  if (!columns) return std::nullopt;
  const int64_t inner = columns->count();
  TableFactors factors{TableFactors::Kind::kGrid, {}, {1, h, w * c}};
  factors.parts.push_back(side_by_side(rows.columns, h));
  const Tensor of_columns = side_by_side(columns->columns, w);
  factors.parts.push_back(
      made_of({rank, w, inner}, [&](int64_t i) { return of_columns.f32()[static_cast<size_t>(i % (w * inner))]; }));
  factors.parts.push_back(made_of({rank, inner, c}, [&](int64_t i) {
    const auto r = static_cast<size_t>(i / c / inner), s = static_cast<size_t>(i / c % inner);
    return static_cast<float>(columns->rows[s][r * static_cast<size_t>(c) + static_cast<size_t>(i % c)] / weights[r]);
  }));
  if (grid_error(map, factors) > allowed) return std::nullopt;
  return factors;
}

int64_t count_of(const TableFactors& factors) {
  int64_t count = 0;
  for (const Tensor& part : factors.parts) count += part.count();
  return count;
}

}  // namespace

std::optional<TableFactors> factor_table(const TensorView& table) {
  if (!is_finite(table)) return std::nullopt;
  const double allowed = kTableTolerance * largest_of(table);
  std::optional<TableFactors> best;
  const auto consider = [&](std::optional<TableFactors> factors) {
    // The more is to be computed, the more it must spare.
    if (factors && 8 * count_of(*factors) <= table.count() && (!best || 2 * count_of(*factors) <= count_of(*best)))
      best = std::move(factors);
  };
  if (const std::optional<Map> map = map_of(table, 0)) {
    consider(constant_planes(*map));
    consider(by_axes(*map));
    if (!best) consider(by_products(*map, allowed));
    if (!best) {
      const std::vector<double> numbers(map->data, map->data + element_count(table.shape));
      const std::optional<Products> rows = take_apart(numbers, map->height, map->width * map->channels, allowed);
      if (rows) consider(by_rows(*map, *rows));
      if (rows) consider(by_rows_and_columns(*map, *rows, allowed));
    }
  }
  if (const std::optional<Map> planes = map_of(table, 1); planes && !best) consider(by_planes(*planes));
  return best;
}

}  // namespace samc::cpu
