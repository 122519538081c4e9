#include <cmath>

#include "kernels/gemm.h"

namespace samc::scalar {
namespace {

constexpr int64_t kTileRows = kGemmTileRowsScalar;

}  // namespace

void gemm_pack_rows(const GemmRows& rows) {
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

void gemm_pack_columns(const GemmColumns& columns) {
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

void gemm_multiply(const GemmBlock& block) {
  const int64_t tile_floats = (block.k + kGemmLine - 1) / kGemmLine * kGemmLine * kTileRows;
  for (int64_t first_column = 0; first_column < block.columns; first_column += kGemmLine) {
    const float* panel = block.b + first_column * block.k;
    const int64_t left = block.columns - first_column;
    const int64_t columns = left < kGemmLine ? left : kGemmLine;
    for (int64_t row = 0; row < block.rows; ++row) {
      const bool plain = block.row_stride != 0;
      const float* a = plain ? block.a + row * block.row_stride
                             : block.a + row / kTileRows * tile_floats + row % kTileRows * kGemmLine;
      const int64_t line_step = plain ? kGemmLine : kTileRows * kGemmLine;
      float sums[kGemmLine] = {};
      for (int64_t i = 0; i < block.k; ++i) {
        const float factor = a[i / kGemmLine * line_step + i % kGemmLine];
        for (int64_t column = 0; column < kGemmLine; ++column) sums[column] += factor * panel[i * kGemmLine + column];
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

}  // namespace samc::scalar
