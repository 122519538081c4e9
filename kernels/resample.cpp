#include "kernels/resample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"

namespace samc {

SAMC_VECTOR_VARIANTS(max_pool_row, MaxPoolRowFunction)

namespace {

// Where an output position lies between two input positions.
struct Between {
  int64_t first;
  int64_t second;
  float weight;  // of the second
};

std::vector<Between> positions(int64_t in, int64_t out) {
  std::vector<Between> result(static_cast<size_t>(out));
  const float step = static_cast<float>(in) / static_cast<float>(out);
  for (int64_t i = 0; i < out; ++i) {
    const float centre = std::max(0.0f, step * (static_cast<float>(i) + 0.5f) - 0.5f);
    const int64_t first = std::min(static_cast<int64_t>(centre), in - 1);
    result[static_cast<size_t>(i)] = {first, std::min(first + 1, in - 1), centre - static_cast<float>(first)};
  }
  return result;
}

}  // namespace

// run_row(y, out_w) for each row of what max_pool gives.
template <class RunRow>
static void for_each_pooled_row(const MaxPoolParams& p, KernelContext& context, const RunRow& run_row) {
  SAMC_CHECK(p.kernel_h > 0 && p.kernel_w > 0 && p.stride_h > 0 && p.stride_w > 0 && p.offset + p.c <= p.pitch,
             "max_pool: kernel {}x{}, stride {}x{}", p.kernel_h, p.kernel_w, p.stride_h, p.stride_w);
  if (p.in_h < p.kernel_h || p.in_w < p.kernel_w) return;
  const int64_t out_h = (p.in_h - p.kernel_h) / p.stride_h + 1;
  const int64_t out_w = (p.in_w - p.kernel_w) / p.stride_w + 1;
  context.pool.run(out_h, [&](int64_t y, int) { run_row(y, out_w); });
}

void max_pool(const MaxPoolParams& params, const float* src, float* dst, KernelContext& context) {
  const MaxPoolParams& p = params;
  MaxPoolRowFunction* run_row = max_pool_row_variants.choose(context);
  for_each_pooled_row(p, context, [&](int64_t y, int64_t out_w) {
    run_row({src + y * p.stride_h * p.in_w * p.pitch + p.offset, p.pitch, p.in_w * p.pitch, p.stride_w * p.pitch,
             p.kernel_h, p.kernel_w, p.c, out_w, dst + y * out_w * p.c});
  });
}

// A bf16 number as an integer of the same order; NaN above all others. The second function is the first one's inverse.
static int16_t ordered(uint16_t bits) {
  const auto number = static_cast<int16_t>(bits);
  const auto magnitude = static_cast<int16_t>(number & 0x7fff);
  constexpr int16_t kInfinity = 0x7f80;
  return magnitude > kInfinity ? int16_t{0x7fff} : static_cast<int16_t>(number ^ ((number >> 15) & 0x7fff));
}
static uint16_t from_ordered(int16_t number) { return static_cast<uint16_t>(number ^ ((number >> 15) & 0x7fff)); }

void max_pool(const MaxPoolParams& params, const uint16_t* src, uint16_t* dst, KernelContext& context) {
  const MaxPoolParams& p = params;
  for_each_pooled_row(p, context, [&](int64_t y, int64_t out_w) {
    std::vector<int16_t> largest(static_cast<size_t>(p.c));
    for (int64_t x = 0; x < out_w; ++x) {
      std::fill(largest.begin(), largest.end(), std::numeric_limits<int16_t>::min());
      for (int64_t i = 0; i < p.kernel_h; ++i) {
        for (int64_t j = 0; j < p.kernel_w; ++j) {
          const uint16_t* pixel = src + ((y * p.stride_h + i) * p.in_w + x * p.stride_w + j) * p.pitch + p.offset;
          for (size_t c = 0; c < largest.size(); ++c) largest[c] = std::max(largest[c], ordered(pixel[c]));
        }
      }
      uint16_t* target = dst + (y * out_w + x) * p.c;
      for (size_t c = 0; c < largest.size(); ++c) target[c] = from_ordered(largest[c]);
    }
  });
}

void upsample_nearest(const UpsampleNearestParams& params, const float* src, const float* residual, float* dst,
                      KernelContext& context) {
  const UpsampleNearestParams& p = params;
  context.pool.run(p.h * p.scale, [&](int64_t y, int) {
    for (int64_t x = 0; x < p.w * p.scale; ++x) {
      const float* source = src + (y / p.scale * p.w + x / p.scale) * p.c;
      const int64_t at = (y * p.w * p.scale + x) * p.c;
      float* target = dst + at;
      if (residual == nullptr) {
        std::copy_n(source, p.c, target);
      } else {
        const float* other = residual + at;
        for (int64_t c = 0; c < p.c; ++c) target[c] = source[c] + other[c];
      }
    }
  });
}

void interp_linear(const InterpLinearParams& params, const float* src, float* dst, KernelContext& context) {
  const InterpLinearParams& p = params;
  if (p.planes * p.out_h * p.out_w * p.c == 0) return;
  SAMC_CHECK(p.in_h > 0 && p.in_w > 0, "interp_linear of an empty image");
  const std::vector<Between> rows = positions(p.in_h, p.out_h);
  const std::vector<Between> columns = positions(p.in_w, p.out_w);
  const int64_t width = p.in_w * p.c;
  context.pool.run(p.planes * p.out_h, [&](int64_t index, int worker) {
    const Between& row = rows[static_cast<size_t>(index % p.out_h)];
    const float* plane = src + index / p.out_h * p.in_h * width;
    const float* upper = plane + row.first * width;
    const float* lower = plane + row.second * width;
    float* blended = context.scratch.floats(worker, static_cast<size_t>(width));
    for (int64_t x = 0; x < width; ++x) blended[x] = upper[x] * (1 - row.weight) + lower[x] * row.weight;
    float* target = dst + index * p.out_w * p.c;
    if (p.c == 1) {
      for (int64_t x = 0; x < p.out_w; ++x) {
        const Between& column = columns[static_cast<size_t>(x)];
        target[x] = blended[column.first] * (1 - column.weight) + blended[column.second] * column.weight;
      }
      return;
    }
    for (int64_t x = 0; x < p.out_w; ++x) {
      const Between& column = columns[static_cast<size_t>(x)];
      const float* left = blended + column.first * p.c;
      const float* right = blended + column.second * p.c;
      for (int64_t c = 0; c < p.c; ++c) target[x * p.c + c] = left[c] * (1 - column.weight) + right[c] * column.weight;
    }
  });
}

}  // namespace samc
