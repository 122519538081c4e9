#include <algorithm>
#include <cmath>

#include "base/rounding.h"
#include "kernels/bf16.h"
#include "kernels/gemm.h"

namespace samc::scalar {
namespace {

constexpr int64_t kTileRows = 4;

// What a product is in.
struct InF32 {
  using Element = float;
  static constexpr int64_t kWordElements = 1;
  static float to_f32(float element) { return element; }
  static float from_f32(float value) { return value; }
};
struct InBf16 {
  using Element = uint16_t;
  static constexpr int64_t kWordElements = 2;
  static float to_f32(uint16_t element) { return bf16_to_f32(element); }
  static uint16_t from_f32(float value) { return round_to_bf16(value); }
};

template <class In>
constexpr int64_t kLineElements = kGemmLine* In::kWordElements;

// Where element i of row `row` lies in packed rows of so many lines.
template <class In>
int64_t place_in_tiles(int64_t row, int64_t i, int64_t lines) {
  const int64_t line = row / kTileRows * kTileRows * lines + i / kLineElements<In> * kTileRows + row % kTileRows;
  return line * kLineElements<In> + i % kLineElements<In>;
}

template <class In>
void pack_rows(const GemmRows& rows) {
  const int64_t lines = divide_up(rows.k, kLineElements<In>);
  auto* const dst = static_cast<typename In::Element*>(rows.dst);
  for (int64_t row = 0; row < rows.rows; ++row) {
    const auto src = [&](int64_t i) {
      const int64_t place = row * rows.row_stride + i;
      return rows.src_dtype == DType::kBF16 ? bf16_to_f32(static_cast<const uint16_t*>(rows.src)[place])
                                            : static_cast<const float*>(rows.src)[place];
    };
    float mean = 0;
    float factor = rows.scale;
    if (rows.normalise) {
      double sum = 0;
      for (int64_t i = 0; i < rows.k; ++i) sum += src(i);
      mean = static_cast<float>(sum / static_cast<double>(rows.k));
      double squares = 0;
      for (int64_t i = 0; i < rows.k; ++i) {
        const double difference = static_cast<double>(src(i)) - mean;
        squares += difference * difference;
      }
      factor = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(rows.k) + rows.eps));
    }
    for (int64_t i = 0; i < lines * kLineElements<In>; ++i) {
      dst[place_in_tiles<In>(row, i, lines)] = In::from_f32(i < rows.k ? (src(i) - mean) * factor : 0);
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

template <class In>
void multiply(const GemmBlock& block) {
  constexpr int64_t kPair = In::kWordElements;
  const auto* const rows = static_cast<const typename In::Element*>(block.a);
  const int64_t lines = divide_up(block.k, kGemmLine);
  for (int64_t first_column = 0; first_column < block.columns; first_column += kGemmLine) {
    const auto* const panel = static_cast<const typename In::Element*>(block.b) + first_column * block.k * kPair;
    const int64_t left = block.columns - first_column;
    const int64_t columns = left < kGemmLine ? left : kGemmLine;
    for (int64_t row = 0; row < block.rows; ++row) {
      float sums[kGemmLine] = {};
      const int64_t sums_place = row * block.sums_pitch + first_column;
      if (block.sums_before != nullptr) std::copy_n(block.sums_before + sums_place, kGemmLine, sums);
      const auto add = [&](float factor, int64_t i) {
        const auto* const line = panel + i / kPair * kGemmLine * kPair + i % kPair;
        for (int64_t column = 0; column < kGemmLine; ++column)
          sums[column] += factor * In::to_f32(line[column * kPair]);
      };
      if (block.row_stride != 0) {
        for (int64_t s = 0; s < block.segment_count; ++s) {
          const GemmSegment& segment = block.segments[s];
          const auto* const a = rows + (row * block.row_stride + segment.offset) * kPair;
          for (int64_t i = 0; i < segment.count * kPair; ++i) add(In::to_f32(a[i]), segment.k_first * kPair + i);
        }
      } else {
        for (int64_t i = 0; i < block.k * kPair; ++i) add(In::to_f32(rows[place_in_tiles<In>(row, i, lines)]), i);
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
        if (block.dst_dtype == DType::kBF16) {
          static_cast<uint16_t*>(block.dst)[offset + column] = round_to_bf16(value);
        } else {
          static_cast<float*>(block.dst)[offset + column] = value;
        }
      }
    }
  }
}

}  // namespace

extern const Gemm gemm;
const Gemm gemm{kTileRows, 1, 1, pack_rows<InF32>, pack_columns, multiply<InF32>};

extern const Gemm gemm_bf16;
const Gemm gemm_bf16{kTileRows, 2, 1, pack_rows<InBf16>, nullptr, multiply<InBf16>};

}  // namespace samc::scalar
