// The plain form: one query after the other, all its scores, their softmax, the sum of values.

#include <algorithm>
#include <cmath>

#include "kernels/axial_attention.h"
#include "kernels/gemm.h"

namespace samc::scalar {
namespace {

// One query's running softmax over keys that come one by one.
struct RunningSum {
  float largest = -INFINITY;
  float sum = 0;

  void add(float score, const float* value, int64_t channels, float* out) {
    // Not std::max: a NaN has to stay.
    if (!(score <= largest)) {
      const float correction = std::exp2(largest - score);
      sum *= correction;
      for (int64_t c = 0; c < channels; ++c) out[c] *= correction;
      largest = score;
    }
    const float weight = std::exp2(score - largest);
    sum += weight;
    for (int64_t c = 0; c < channels; ++c) out[c] += weight * value[c];
  }
};

}  // namespace

void axial_attention(const AxialPiece& piece) {
  const int64_t channels = piece.key_channels;
  for (int64_t i = 0; i < piece.queries; ++i) {
    float* out = piece.dst + i * piece.value_channels;
    std::fill_n(out, piece.value_channels, 0.0f);
    RunningSum running;
    for (int64_t position = 0; position < piece.grid_h * piece.grid_w; ++position) {
      const float* a = piece.by_column + position % piece.grid_w * (channels + 1) * kAxialQueries + i;
      const float* b = piece.by_row + position / piece.grid_w * (channels + 1) * kAxialQueries + i;
      for (int64_t memory = 0; memory < piece.memories; ++memory) {
        const int64_t at = position * piece.memories + memory;
        float score = a[channels * kAxialQueries] + b[channels * kAxialQueries];
        for (int64_t c = 0; c < channels; ++c)
          score += (a[c * kAxialQueries] + b[c * kAxialQueries]) * piece.keys[at * channels + c];
        running.add(score, piece.values + at * piece.value_channels, piece.value_channels, out);
      }
    }
    for (int64_t token = 0; token < piece.tokens; ++token)
      running.add(piece.token_scores[token * kAxialQueries + i], piece.token_values + token * piece.value_channels,
                  piece.value_channels, out);
    for (int64_t c = 0; c < piece.value_channels; ++c) out[c] /= running.sum;
  }
}

void axial_turn(const AxialTurn& turn) {
  const int64_t half = turn.pairs * kGemmLine;
  for (int64_t panel = 0; panel < kAxialQueries / kGemmLine; ++panel)
    for (int64_t i = 0; i < half; ++i) {
      const float cosine = turn.cosines[i / kGemmLine], sine = turn.sines[i / kGemmLine];
      const float first = turn.queries[2 * panel * half + i], second = turn.queries[(2 * panel + 1) * half + i];
      turn.turned[2 * panel * half + i] = first * cosine + second * sine;
      turn.turned[(2 * panel + 1) * half + i] = second * cosine - first * sine;
    }
}

}  // namespace samc::scalar
