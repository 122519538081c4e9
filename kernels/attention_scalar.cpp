// The plain form: one query after the other, all its scores, their softmax, the sum of values.

#include <algorithm>
#include <cmath>

#include "kernels/attention.h"

namespace samc::scalar {
namespace {

template <class Float>
Float* row(const WindowRows<Float>& rows, int64_t i) {
  return rows.origin + (i / rows.width * rows.grid_w + i % rows.width) * rows.pitch;
}

}  // namespace

void attention(const AttentionPiece& piece) {
  float* scores = piece.scratch;
  // Keys beyond the grid are all the same: one key that counts padded_keys times.
  const int64_t keys = piece.keys + (piece.padded_keys > 0 ? 1 : 0);
  for (int64_t i = 0; i < piece.queries; ++i) {
    const float* q = row(piece.q, piece.first_query + i);
    float* dst = row(piece.dst, piece.first_query + i);
    float largest = -INFINITY;
    for (int64_t j = 0; j < keys; ++j) {
      const float* k = j < piece.keys ? row(piece.k, j) : piece.pad_k;
      float score = 0;
      for (int64_t d = 0; d < piece.dim; ++d) score += q[d] * k[d];
      scores[j] = score * piece.scale;
      largest = std::max(largest, scores[j]);
    }
    std::fill_n(dst, piece.value_dim, 0.0f);
    float sum = 0;
    for (int64_t j = 0; j < keys; ++j) {
      const float* v = j < piece.keys ? row(piece.v, j) : piece.pad_v;
      const float times = j < piece.keys ? 1.0f : static_cast<float>(piece.padded_keys);
      const float weight = times * std::exp(scores[j] - largest);
      sum += weight;
      for (int64_t d = 0; d < piece.value_dim; ++d) dst[d] += weight * v[d];
    }
    if (piece.row_sums != nullptr) {
      piece.row_largest[i] = largest * 1.44269504f;  // log2(e)
      piece.row_sums[i] = sum;
      continue;
    }
    for (int64_t d = 0; d < piece.value_dim; ++d) dst[d] /= sum;
  }
}

}  // namespace samc::scalar
