// The plain form: one query after the other, all its scores, their softmax, the sum of values.

#include <algorithm>
#include <cmath>

#include "kernels/attention.h"
#include "kernels/bf16.h"

namespace samc::scalar {
namespace {

constexpr float kLog2E = 1.44269504f;

template <class Byte>
Byte* row(const WindowRows<Byte>& rows, int64_t i) {
  return rows.origin + (i / rows.width * rows.grid_w + i % rows.width) * rows.pitch;
}

float element(const std::byte* row, DType dtype, int64_t i) {
  return dtype == DType::kBF16 ? bf16_to_f32(reinterpret_cast<const uint16_t*>(row)[i])
                               : reinterpret_cast<const float*>(row)[i];
}

// What the precisions differ in: what a product takes of a number, and how scores become weights.
struct InF32 {
  static float factor_of_queries(float) { return 1; }
  static float operand(float value) { return value; }
  static float score(float sum, float scale) { return sum * scale; }
  static float reference(float largest) { return largest; }
  static float padded_score(float score, float) { return score; }
  static float weight(float difference, float times) { return times * std::exp(difference); }
  static float log2_of_reference(float reference) { return reference * kLog2E; }
};
struct InBf16 {
  static float factor_of_queries(float scale) { return scale * kLog2E; }
  static float operand(float value) { return rounded_to_bf16(value); }
  static float score(float sum, float) { return sum; }
  static float reference(float largest) { return std::ceil(largest); }
  static float padded_score(float score, float times) { return score + std::log2(times); }
  static float weight(float difference, float) { return operand(std::exp2(difference)); }
  static float log2_of_reference(float reference) { return reference; }
};

template <class Numbers>
void attend(const AttentionPiece& piece) {
  float* const q = piece.scratch;  // (dim)
  float* const scores = q + piece.dim;
  // Keys beyond the grid are all the same: one key that counts padded_keys times.
  const int64_t keys = piece.keys + (piece.padded_keys > 0 ? 1 : 0);
  float* const out = scores + keys;  // (value_dim)
  const auto times = [&](int64_t j) { return j < piece.keys ? 1.0f : static_cast<float>(piece.padded_keys); };
  const auto key = [&](int64_t j, int64_t d) {
    if (piece.position.origin != nullptr)
      return Numbers::operand(element(row(piece.k, j), piece.k.dtype, d) +
                              element(row(piece.position, j), piece.position.dtype, d));
    return Numbers::operand(j < piece.keys ? element(row(piece.k, j), piece.k.dtype, d) : piece.pad_k[d]);
  };
  const auto value = [&](int64_t j, int64_t d) {
    return Numbers::operand(j < piece.keys ? element(row(piece.v, j), piece.v.dtype, d) : piece.pad_v[d]);
  };
  for (int64_t i = 0; i < piece.queries; ++i) {
    const std::byte* source = row(piece.q, piece.first_query + i);
    const float factor = Numbers::factor_of_queries(piece.scale);
    for (int64_t d = 0; d < piece.dim; ++d) q[d] = Numbers::operand(element(source, piece.q.dtype, d) * factor);
    float largest = -INFINITY;
    for (int64_t j = 0; j < keys; ++j) {
      float sum = 0;
      for (int64_t d = 0; d < piece.dim; ++d) sum += q[d] * key(j, d);
      scores[j] = Numbers::score(sum, piece.scale);
      if (j == piece.keys) scores[j] = Numbers::padded_score(scores[j], times(j));
      largest = std::max(largest, scores[j]);
    }
    const float reference = Numbers::reference(largest);
    std::fill_n(out, piece.value_dim, 0.0f);
    float sum = 0;
    for (int64_t j = 0; j < keys; ++j) {
      const float weight = Numbers::weight(scores[j] - reference, times(j));
      sum += weight;
      for (int64_t d = 0; d < piece.value_dim; ++d) out[d] += weight * value(j, d);
    }
    const bool some_keys = piece.row_sums != nullptr;
    if (some_keys) {
      piece.row_largest[i] = Numbers::log2_of_reference(reference);
      piece.row_sums[i] = sum;
    }
    std::byte* const dst = row(piece.dst, piece.first_query + i);
    for (int64_t d = 0; d < piece.value_dim; ++d) {
      const float result = some_keys ? out[d] : out[d] / sum;
      if (piece.dst.dtype == DType::kBF16) {
        reinterpret_cast<uint16_t*>(dst)[d] = round_to_bf16(result);
      } else {
        reinterpret_cast<float*>(dst)[d] = result;
      }
    }
  }
}

}  // namespace

extern const Attention attention = {256, &attend<InF32>, nullptr};
extern const Attention attention_bf16 = {256, &attend<InBf16>, nullptr};
// Plain code takes numbers as they are: what vectors compute in whole numbers, but for their rounding.
extern const Attention attention_int8 = {256, &attend<InF32>, nullptr};

}  // namespace samc::scalar
