#include <algorithm>
#include <cmath>

#include "kernels/gemm.h"

namespace samc::scalar {
namespace {

constexpr int64_t kTileRows = 4;

void pack_rows(const GemmRows& rows) {
  const int64_t lines = (rows.k + kGemmLine - 1) / kGemmLine;
  for (int64_t row = 0; row < rows.rows; ++row) {
    const float* src = rows.src + row * rows.row_stride;
    float* dst = rows.dst + row / kTileRows * kTileRows * lines * kGemmLine + row % kTileRows * kGemmLine;
    float mean = 0;
    float factor = rows.scale;
    if (rows.normalise) {
      double sum = 0;
      for (int64_t i = 0; i < rows.k; ++i) sum += src[i];
      mean = static_cast<float>(sum / static_cast<double>(rows.k));
      double squares = 0;
      for (int64_t i = 0; i < rows.k; ++i) {
        const double difference = static_cast<double>(src[i]) - mean;
        squares += difference * difference;
      }
      factor = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(rows.k) + rows.eps));
    }
    for (int64_t i = 0; i < rows.k; ++i) {
      dst[i / kGemmLine * kTileRows * kGemmLine + i % kGemmLine] = (src[i] - mean) * factor;
    }
  }
}

void pack_columns(const GemmColumns& columns) {
  float* dst = columns.dst;
  for (int64_t first = 0; first < columns.columns; first += kGemmLine) {
    for (int64_t i = 0; i < columns.k; ++i) {
      for (int64_t column = first; column < first + kGemmLine; ++column) {
        const int64_t place = columns.transposed ? column * columns.stride + i : i * columns.stride + column;
        *dst++ = column < columns.columns ? columns.src[place] : 0;
      }
    }
  }
}

void multiply(const GemmBlock& block) {
  const int64_t tile_floats = (block.k + kGemmLine - 1) / kGemmLine * kGemmLine * kTileRows;
  for (int64_t first_column = 0; first_column < block.columns; first_column += kGemmLine) {
    const float* panel = block.b + first_column * block.k;
    const int64_t left = block.columns - first_column;
    const int64_t columns = left < kGemmLine ? left : kGemmLine;
    for (int64_t row = 0; row < block.rows; ++row) {
      float sums[kGemmLine] = {};
      const int64_t sums_place = row * block.sums_pitch + first_column;
      if (block.sums_before != nullptr) std::copy_n(block.sums_before + sums_place, kGemmLine, sums);
      const auto add = [&](float factor, int64_t i) {
        for (int64_t column = 0; column < kGemmLine; ++column) sums[column] += factor * panel[i * kGemmLine + column];
      };
      if (block.row_stride != 0) {
        for (int64_t s = 0; s < block.segment_count; ++s) {
          const GemmSegment& segment = block.segments[s];
          const float* a = block.a + row * block.row_stride + segment.offset;
          for (int64_t i = 0; i < segment.count; ++i) add(a[i], segment.k_first + i);
        }
      } else {
        const float* a = block.a + row / kTileRows * tile_floats + row % kTileRows * kGemmLine;
        for (int64_t i = 0; i < block.k; ++i) add(a[i / kGemmLine * kTileRows * kGemmLine + i % kGemmLine], i);
      }
      if (block.sums_after != nullptr) {
        std::copy_n(sums, kGemmLine, block.sums_after + sums_place);
        continue;
      }
      const int64_t offset = block.row_offsets[row] + first_column;
      for (int64_t column = 0; column < columns; ++column) {
        float value = sums[column] + (block.bias != nullptr ? block.bias[first_column + column] : 0);
        const float residual = block.residual != nullptr ? block.residual[offset + column] : 0;
        value = block.residual_first ? activate(value + residual, block.activation)
                                     : activate(value, block.activation) + residual;
        block.dst[offset + column] = value;
      }
    }
  }
}

}  // namespace

extern const Gemm gemm;
const Gemm gemm{kTileRows, pack_rows, pack_columns, multiply};

}  // namespace samc::scalar
