#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/evaluate.h"
#include "ir/shapes.h"
#include "ir/top_dialect.h"
#include "ir/values.h"

namespace samc {

namespace {

struct Window {
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
};

template <class Op>
Window window_of(Op op, const Shape& dilations) {
  const Shape kernel = to_shape(op.getKernelShape());
  const Shape strides = to_shape(op.getStrides());
  const Shape pads = to_shape(op.getPads());
  return {kernel[0], kernel[1], strides[0], strides[1], pads[0], pads[1], dilations[0], dilations[1]};
}

Shape dilations_of(std::optional<mlir::ArrayAttr> list) {
  return list && !list->empty() ? to_shape(*list) : Shape{1, 1};
}

void add_bias(const Arguments& arguments, const float* bias, int64_t channels, int64_t plane) {
  const int64_t planes = arguments.results.front().count() / plane;
  float* out = arguments.out();
  arguments.run(planes, [&](int64_t at) {
    for (int64_t i = 0; i < plane; ++i) out[at * plane + i] += bias[at % channels];
  });
}

// One image's channels (count, in_h, in_w) as columns (count kernel_h kernel_w, out_h out_w).
void unfold(const Arguments& arguments, const float* image, int64_t count, int64_t in_h, int64_t in_w,
            const Window& window, int64_t out_h, int64_t out_w, float* columns) {
  arguments.run(count * window.kernel_h * window.kernel_w, [&](int64_t row) {
    const int64_t kernel_x = row % window.kernel_w;
    const int64_t kernel_y = row / window.kernel_w % window.kernel_h;
    const float* plane = image + row / (window.kernel_h * window.kernel_w) * in_h * in_w;
    float* target = columns + row * out_h * out_w;
    for (int64_t y = 0; y < out_h; ++y) {
      const int64_t from_y = y * window.stride_h - window.pad_top + kernel_y * window.dilation_h;
      for (int64_t x = 0; x < out_w; ++x) {
        const int64_t from_x = x * window.stride_w - window.pad_left + kernel_x * window.dilation_w;
        const bool inside = from_y >= 0 && from_y < in_h && from_x >= 0 && from_x < in_w;
        target[y * out_w + x] = inside ? plane[from_y * in_w + from_x] : 0.0f;
      }
    }
  });
}

// For each image and group: filter (out / group, in / group kh kw) times the unfolded image.
void convolve(const Arguments& arguments, top::ConvOp op) {
  const Shape& x = arguments.in_shape(0);
  const Shape& filter = arguments.in_shape(1);
  const Shape& out = arguments.out_shape();
  const Window window = window_of(op, dilations_of(op.getDilations()));
  const int64_t group = static_cast<int64_t>(op.getGroup());
  const int64_t depth = filter[1] * filter[2] * filter[3];
  const int64_t positions = out[2] * out[3];
  const int64_t in_plane = x[2] * x[3];
  Tensor columns(Shape{group * depth, positions});
  for (int64_t image = 0; image < x[0]; ++image) {
    unfold(arguments, arguments.in(0) + image * x[1] * in_plane, x[1], x[2], x[3], window, out[2], out[3],
           columns.f32().data());
    std::vector<Product> products;
    const int64_t rows = filter[0] / group;
    for (int64_t g = 0; g < group; ++g) {
      products.push_back({arguments.in(1) + g * rows * depth, columns.f32().data() + g * depth * positions,
                          arguments.out() + (image * out[1] + g * rows) * positions, rows, depth, positions});
    }
    matrix_products(arguments, products);
  }
  if (!arguments.absent(2)) add_bias(arguments, arguments.in(2), out[1], positions);
}

// Each element of the input adds its filter, scaled, to a window of the output.
void deconvolve(const Arguments& arguments, top::DeconvOp op) {
  const Shape& x = arguments.in_shape(0);
  const Shape& filter = arguments.in_shape(1);  // (out / group, in, kh, kw)
  const Shape& out = arguments.out_shape();
  const Window window = window_of(op, dilations_of(op.getDilations()));
  const int64_t group = static_cast<int64_t>(op.getGroup());
  const int64_t out_group = filter[0];
  const int64_t in_group = x[1] / group;
  const int64_t positions = x[2] * x[3];
  const int64_t kernel = filter[2] * filter[3];

  // filter as (group, out / group, kernel, in / group), so that its product with the image is the columns to fold
  Tensor arranged(Shape{group, out_group * kernel, in_group});
  for (int64_t g = 0; g < group; ++g)
    for (int64_t o = 0; o < out_group; ++o)
      for (int64_t at = 0; at < kernel; ++at)
        for (int64_t i = 0; i < in_group; ++i)
          arranged.f32()[static_cast<size_t>(((g * out_group + o) * kernel + at) * in_group + i)] =
              arguments.in(1)[(o * x[1] + g * in_group + i) * kernel + at];

  Tensor columns(Shape{group * out_group * kernel, positions});
  for (int64_t image = 0; image < x[0]; ++image) {
    std::vector<Product> products;
    for (int64_t g = 0; g < group; ++g) {
      products.push_back({arranged.f32().data() + g * out_group * kernel * in_group,
                          arguments.in(0) + (image * x[1] + g * in_group) * positions,
                          columns.f32().data() + g * out_group * kernel * positions, out_group * kernel, in_group,
                          positions});
    }
    matrix_products(arguments, products);
    arguments.run(out[1], [&](int64_t channel) {
      float* target = arguments.out() + (image * out[1] + channel) * out[2] * out[3];
      std::vector<double> sums(static_cast<size_t>(out[2] * out[3]),
                               arguments.absent(2) ? 0.0 : static_cast<double>(arguments.in(2)[channel]));
      for (int64_t at = 0; at < kernel; ++at) {
        const float* column = columns.f32().data() + (channel * kernel + at) * positions;
        for (int64_t y = 0; y < x[2]; ++y) {
          const int64_t to_y = y * window.stride_h - window.pad_top + at / filter[3] * window.dilation_h;
          for (int64_t from_x = 0; from_x < x[3]; ++from_x) {
            const int64_t to_x = from_x * window.stride_w - window.pad_left + at % filter[3] * window.dilation_w;
            if (to_y < 0 || to_y >= out[2] || to_x < 0 || to_x >= out[3]) continue;
            sums[static_cast<size_t>(to_y * out[3] + to_x)] += static_cast<double>(column[y * x[3] + from_x]);
          }
        }
      }
      for (size_t i = 0; i < sums.size(); ++i) target[i] = static_cast<float>(sums[i]);
    });
  }
}

// (batch, rows, columns) to (batch, columns, rows)
Tensor transposed(const Arguments& arguments, const float* source, int64_t batch, int64_t rows, int64_t columns) {
  Tensor result(Shape{batch, columns, rows});
  float* target = result.f32().data();
  arguments.run(batch, [&](int64_t at) {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column)
        target[(at * columns + column) * rows + row] = source[(at * rows + row) * columns + column];
  });
  return result;
}

void multiply_matrices(const Arguments& arguments, top::MatMulOp op) {
  const Shape& a = arguments.in_shape(0);
  const Shape& b = arguments.in_shape(1);
  const Shape& out = arguments.out_shape();
  const int64_t m = out[out.size() - 2];
  const int64_t n = out[out.size() - 1];
  const int64_t k = op.getLeftTranspose() ? a[a.size() - 2] : a[a.size() - 1];
  const Shape batch(out.begin(), out.end() - 2);
  const Shape a_batch(a.begin(), a.end() - 2);
  const Shape b_batch(b.begin(), b.end() - 2);
  const float* left = arguments.in(0);
  const float* right = arguments.in(1);
  Tensor left_copy;
  Tensor right_copy;
  if (op.getLeftTranspose()) {
    left_copy = transposed(arguments, left, element_count(a_batch), k, m);
    left = left_copy.f32().data();
  }
  if (op.getRightTranspose()) {
    right_copy = transposed(arguments, right, element_count(b_batch), n, k);
    right = right_copy.f32().data();
  }
  const Shape a_strides = broadcast_strides(a_batch, batch);
  const Shape b_strides = broadcast_strides(b_batch, batch);
  const Shape strides = dense_strides(batch);
  std::vector<Product> products;
  for (int64_t at = 0; at < element_count(batch); ++at) {
    int64_t a_at = 0;
    int64_t b_at = 0;
    for (size_t axis = 0; axis < batch.size(); ++axis) {
      const int64_t index = at / strides[axis] % batch[axis];
      a_at += index * a_strides[axis];
      b_at += index * b_strides[axis];
    }
    products.push_back({left + a_at * m * k, right + b_at * k * n, arguments.out() + at * m * n, m, k, n});
  }
  // One weight for a batch of rows is one product.
  if (b_batch.empty() && element_count(batch) > 1) {
    products = {{left, right, arguments.out(), m * element_count(batch), k, n}};
  }
  matrix_products(arguments, products);
  if (!arguments.absent(2)) {
    const float* bias = arguments.in(2);
    float* target = arguments.out();
    arguments.run(element_count(batch) * m, [&](int64_t row) {
      for (int64_t column = 0; column < n; ++column) target[row * n + column] += bias[column];
    });
  }
}

// (outer, count, inner) normalised over count
void normalize(const Arguments& arguments, int64_t outer, int64_t count, int64_t inner, double eps) {
  const float* weight = arguments.absent(1) ? nullptr : arguments.in(1);
  const float* bias = arguments.absent(2) ? nullptr : arguments.in(2);
  arguments.run(outer, [&](int64_t at) {
    for (int64_t position = 0; position < inner; ++position) {
      const float* source = arguments.in(0) + at * count * inner + position;
      float* target = arguments.out() + at * count * inner + position;
      double sum = 0.0;
      for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(source[i * inner]);
      const double mean = sum / static_cast<double>(count);
      double squares = 0.0;
      for (int64_t i = 0; i < count; ++i) {
        const double difference = static_cast<double>(source[i * inner]) - mean;
        squares += difference * difference;
      }
      const double scale = 1.0 / std::sqrt(squares / static_cast<double>(count) + eps);
      for (int64_t i = 0; i < count; ++i) {
        double value = (static_cast<double>(source[i * inner]) - mean) * scale;
        if (weight) value *= static_cast<double>(weight[i]);
        if (bias) value += static_cast<double>(bias[i]);
        target[i * inner] = static_cast<float>(value);
      }
    }
  });
}

void softmax(const Arguments& arguments, top::SoftmaxOp op) {
  const Shape& x = arguments.in_shape(0);
  const size_t axis = static_cast<size_t>(normal_axis_checked(op.getAxis(), x.size()));
  const int64_t count = x[axis];
  const int64_t inner = element_count(std::span(x).subspan(axis + 1));
  const double beta = op.getBeta().convertToDouble();
  const bool log = op.getLog();
  arguments.run(element_count(std::span(x).first(axis)), [&](int64_t at) {
    std::vector<double> powers(static_cast<size_t>(count));
    for (int64_t position = 0; position < inner; ++position) {
      const float* source = arguments.in(0) + at * count * inner + position;
      float* target = arguments.out() + at * count * inner + position;
      double largest = -std::numeric_limits<double>::infinity();
      for (int64_t i = 0; i < count; ++i) largest = std::max(largest, beta * static_cast<double>(source[i * inner]));
      double sum = 0.0;
      for (int64_t i = 0; i < count; ++i) {
        powers[static_cast<size_t>(i)] = std::exp(beta * static_cast<double>(source[i * inner]) - largest);
        sum += powers[static_cast<size_t>(i)];
      }
      for (int64_t i = 0; i < count; ++i) {
        target[i * inner] =
            static_cast<float>(log ? beta * static_cast<double>(source[i * inner]) - largest - std::log(sum)
                                   : powers[static_cast<size_t>(i)] / sum);
      }
    }
  });
}

template <class Op>
void pool(const Arguments& arguments, Op op, bool mean) {
  const Shape& x = arguments.in_shape(0);
  const Shape& out = arguments.out_shape();
  const Window window = window_of(op, {1, 1});
  const Shape pads = to_shape(op.getPads());
  const bool count_pads = op.getCountIncludePad();
  arguments.run(x[0] * x[1], [&](int64_t plane) {
    const float* source = arguments.in(0) + plane * x[2] * x[3];
    float* target = arguments.out() + plane * out[2] * out[3];
    for (int64_t y = 0; y < out[2]; ++y) {
      for (int64_t column = 0; column < out[3]; ++column) {
        const int64_t top = y * window.stride_h - window.pad_top;
        const int64_t left = column * window.stride_w - window.pad_left;
        const int64_t bottom = std::min(top + window.kernel_h, x[2] + pads[2]);
        const int64_t right = std::min(left + window.kernel_w, x[3] + pads[3]);
        double sum = 0.0;
        float largest = -std::numeric_limits<float>::infinity();
        int64_t count = 0;
        for (int64_t at_y = std::max<int64_t>(top, 0); at_y < std::min(bottom, x[2]); ++at_y) {
          for (int64_t at_x = std::max<int64_t>(left, 0); at_x < std::min(right, x[3]); ++at_x) {
            const float value = source[at_y * x[3] + at_x];
            sum += static_cast<double>(value);
            if (!(value <= largest)) largest = value;  // so that NaN wins
            ++count;
          }
        }
        if (count_pads) count = (bottom - top) * (right - left);
        target[y * out[3] + column] = mean ? static_cast<float>(sum / static_cast<double>(count)) : largest;
      }
    }
  });
}

}  // namespace

// Tiles of kRows x kColumns of c; in each, kDepth products are added in f32 and the sums of those in double.
void matrix_products(const Arguments& arguments, std::span<const Product> products) {
  constexpr int64_t kRows = 32;
  constexpr int64_t kColumns = 256;
  constexpr int64_t kDepth = 16;
  if (products.empty()) return;
  const int64_t m = products.front().m;
  const int64_t k = products.front().k;
  const int64_t n = products.front().n;
  const int64_t row_tiles = (m + kRows - 1) / kRows;
  const int64_t column_tiles = (n + kColumns - 1) / kColumns;
  arguments.run(static_cast<int64_t>(products.size()) * row_tiles * column_tiles, [&](int64_t piece) {
    const Product& product = products[static_cast<size_t>(piece / (row_tiles * column_tiles))];
    const int64_t first_row = piece / column_tiles % row_tiles * kRows;
    const int64_t first_column = piece % column_tiles * kColumns;
    const int64_t rows = std::min(kRows, m - first_row);
    const int64_t columns = std::min(kColumns, n - first_column);
    std::vector<double> sums(static_cast<size_t>(rows * columns), 0.0);
    float partial[kColumns];
    for (int64_t depth = 0; depth < k; depth += kDepth) {
      const int64_t depth_end = std::min(depth + kDepth, k);
      for (int64_t row = 0; row < rows; ++row) {
        const float* a = product.a + (first_row + row) * k;
        std::fill(partial, partial + columns, 0.0f);
        int64_t i = depth;
        for (; i + 4 <= depth_end; i += 4) {
          const float* b = product.b + i * n + first_column;
          for (int64_t column = 0; column < columns; ++column) {
            partial[column] += a[i] * b[column] + a[i + 1] * b[n + column] + a[i + 2] * b[2 * n + column] +
                               a[i + 3] * b[3 * n + column];
          }
        }
        for (; i < depth_end; ++i) {
          const float* b = product.b + i * n + first_column;
          for (int64_t column = 0; column < columns; ++column) partial[column] += a[i] * b[column];
        }
        double* sum = sums.data() + row * columns;
        for (int64_t column = 0; column < columns; ++column) sum[column] += static_cast<double>(partial[column]);
      }
    }
    for (int64_t row = 0; row < rows; ++row) {
      float* c = product.c + (first_row + row) * n + first_column;
      for (int64_t column = 0; column < columns; ++column) {
        c[column] = static_cast<float>(sums[static_cast<size_t>(row * columns + column)]);
      }
    }
  });
}

std::optional<Status> evaluate_neural(const Arguments& arguments) {
  mlir::Operation* op = arguments.op;
  if (auto conv = mlir::dyn_cast<top::ConvOp>(op)) {
    convolve(arguments, conv);
  } else if (auto deconv = mlir::dyn_cast<top::DeconvOp>(op)) {
    deconvolve(arguments, deconv);
  } else if (auto matmul = mlir::dyn_cast<top::MatMulOp>(op)) {
    multiply_matrices(arguments, matmul);
  } else if (auto layer_norm = mlir::dyn_cast<top::LayerNormOp>(op)) {
    const Shape& x = arguments.in_shape(0);
    const size_t axis = static_cast<size_t>(normal_axis_checked(layer_norm.getAxis(), x.size()));
    normalize(arguments, element_count(std::span(x).first(axis)), element_count(std::span(x).subspan(axis)), 1,
              layer_norm.getEps().convertToDouble());
  } else if (auto pixel_norm = mlir::dyn_cast<top::PixelNormOp>(op)) {
    const Shape& x = arguments.in_shape(0);
    normalize(arguments, x[0], x[1], element_count(std::span(x).subspan(2)), pixel_norm.getEps().convertToDouble());
  } else if (auto soft = mlir::dyn_cast<top::SoftmaxOp>(op)) {
    softmax(arguments, soft);
  } else if (auto max_pool = mlir::dyn_cast<top::MaxPoolOp>(op)) {
    pool(arguments, max_pool, false);
  } else if (auto avg_pool = mlir::dyn_cast<top::AvgPoolOp>(op)) {
    pool(arguments, avg_pool, true);
  } else {
    return evaluate_interp(arguments);
  }
  return Status::ok();
}

}  // namespace samc
