#include <cmath>
#include <cstring>
#include <limits>

#include "base/rounding.h"
#include "kernels/bf16.h"
#include "kernels/gemm.h"
#include "kernels/pack.h"

namespace samc::scalar {
namespace {

// One row after the other: its elements, and at the end of its last line its zero and its scale.
int64_t row_bytes(int64_t words) { return round_up(words, kGemmLine) * 4; }

// Sums in the order of the vector variants, whatever their lanes: 16 of them, halved.
struct Lanes {
  float sums[16] = {};
  float total() {
    for (int64_t half = 8; half > 0; half /= 2)
      for (int64_t i = 0; i < half; ++i) sums[i] += sums[i + half];
    return sums[0];
  }
};

void pack_rows(const GemmRows& rows) {
  const int64_t padded_k = round_up(rows.k, kInt8Depth);
  auto* dst = static_cast<uint8_t*>(rows.dst);
  for (int64_t row = 0; row < rows.rows; ++row, dst += row_bytes(padded_k / 4 + kGemmInt8Extra)) {
    const auto src = [&](int64_t i) {
      const int64_t place = row * rows.row_stride + i;
      return rows.src_dtype == DType::kBF16 ? bf16_to_f32(static_cast<const uint16_t*>(rows.src)[place])
                                            : static_cast<const float*>(rows.src)[place];
    };
    float mean = 0;
    float factor = 1;
    if (rows.normalise) {
      Lanes sums;
      for (int64_t i = 0; i < rows.k; ++i) sums.sums[i % 16] += src(i);
      mean = sums.total() / static_cast<float>(rows.k);
      Lanes squares;
      for (int64_t i = 0; i < rows.k; ++i)
        squares.sums[i % 16] = std::fma(src(i) - mean, src(i) - mean, squares.sums[i % 16]);
      factor = 1 / std::sqrt(squares.total() / static_cast<float>(rows.k) + rows.eps);
    }
    float high = 0, low = 0;
    bool is_finite = true;
    for (int64_t i = 0; i < rows.k; ++i) {
      const float value = src(i) - mean;
      high = std::max(high, value);
      low = std::max(low, -value);
      is_finite = is_finite && std::isfinite(value);
    }
    float step = high / kGemmInt8Steps + low / kGemmInt8Steps;
    if (!(step >= kGemmInt8LeastStep)) step = 0;
    const float inverse = step > 0 && is_finite ? 1 / step : 0;
    const auto zero = static_cast<int32_t>(std::lrint(low * inverse));
    for (int64_t i = 0; i < padded_k; ++i) {
      const bool counts = i < rows.k && inverse > 0;
      const int64_t steps = counts ? std::lrint((src(i) - mean) * inverse) + zero : zero;
      dst[i] = static_cast<uint8_t>(std::min<int64_t>(steps, kGemmInt8Steps));
    }
    const float scale = is_finite ? factor * step : std::numeric_limits<float>::quiet_NaN();
    uint8_t* const behind = dst + row_bytes(padded_k / 4 + kGemmInt8Extra) - kGemmInt8Extra * 4;
    std::memcpy(behind, &zero, sizeof zero);
    std::memcpy(behind + sizeof zero, &scale, sizeof scale);
  }
}

void multiply(const GemmBlock& block) {
  const int64_t k = (block.k - kGemmInt8Extra) * 4;
  const auto* a = static_cast<const uint8_t*>(block.a);
  for (int64_t row = 0; row < block.rows; ++row, a += row_bytes(block.k)) {
    int32_t zero = 0;
    float row_scale = 0;
    std::memcpy(&zero, a + row_bytes(block.k) - 8, sizeof zero);
    std::memcpy(&row_scale, a + row_bytes(block.k) - 4, sizeof row_scale);
    for (int64_t column = 0; column < block.columns; ++column) {
      const auto* const panel =
          static_cast<const int8_t*>(block.b) + column / kGemmLine * kGemmLine * block.k * 4 + column % kGemmLine * 4;
      int32_t sum = 0, column_sum = 0;
      float column_scale = 0;
      for (int64_t i = 0; i < k; ++i) sum += int32_t{a[i]} * panel[i / 4 * kGemmLine * 4 + i % 4];
      std::memcpy(&column_sum, panel + k * kGemmLine, sizeof column_sum);
      std::memcpy(&column_scale, panel + (k + 4) * kGemmLine, sizeof column_scale);
      // A weight made by a hostile hand may have any sum: without a sign it overflows as vectors do.
      const auto exact = static_cast<int32_t>(static_cast<uint32_t>(sum) -
                                              static_cast<uint32_t>(zero) * static_cast<uint32_t>(column_sum));
      float value = static_cast<float>(exact) * (row_scale * column_scale);
      if (block.bias != nullptr) value += block.bias[column];
      const int64_t place = block.row_offsets[row] + column;
      const float residual = block.residual != nullptr ? block.residual[place] : 0;
      value = block.residual_first ? activate(value + residual, block.activation)
                                   : activate(value, block.activation) + residual;
      if (block.dst_dtype == DType::kBF16) {
        static_cast<uint16_t*>(block.dst)[place] = round_to_bf16(value);
      } else {
        static_cast<float*>(block.dst)[place] = value;
      }
    }
  }
}

}  // namespace

extern const Gemm gemm_int8;
const Gemm gemm_int8{1, 4, 0, pack_rows, nullptr, multiply};

}  // namespace samc::scalar
