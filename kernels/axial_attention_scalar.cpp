// The plain form: one query after the other, all its scores, their softmax, the sum of values.

#include <algorithm>
#include <cmath>

#include "base/dtype.h"
#include "kernels/axial_attention.h"
#include "kernels/gemm.h"

namespace samc::scalar {
namespace {

// What is multiplied, in each precision.
struct InF32 {
  static float rounded(float value) { return value; }
  static float reference(float largest) { return largest; }
  static float of_key(const float* keys, int64_t at, int64_t channels, int64_t c) { return keys[at * channels + c]; }
  static float of_value(const float* values, int64_t at, int64_t channels, int64_t c) {
    return values[at * channels + c];
  }
};

struct InBf16 {
  static float rounded(float value) { return bf16_to_f32(f32_to_bf16(value)); }
  static float reference(float largest) { return std::ceil(largest); }
  static float half(uint32_t word, int64_t which) {
    return bf16_to_f32(static_cast<uint16_t>(which == 0 ? word : word >> 16));
  }
  static float of_key(const uint32_t* keys, int64_t at, int64_t channels, int64_t c) {
    return half(keys[at * ((channels + 1) / 2) + c / 2], c % 2);
  }
  static float of_value(const uint32_t* values, int64_t at, int64_t channels, int64_t c) {
    return half(values[at / 2 * channels + c], at % 2);
  }
};

// One query's running softmax over keys that come one by one.
template <class In>
struct RunningSum {
  float reference = -INFINITY;
  float sum = 0;

  template <class Word>
  void add(float score, const Word* values, int64_t at, int64_t channels, float* out) {
    // Not std::max: a NaN has to stay.
    if (!(score <= reference)) {
      const float now = In::reference(score), correction = std::exp2(reference - now);
      sum *= correction;
      for (int64_t c = 0; c < channels; ++c) out[c] *= correction;
      reference = now;
    }
    const float weight = In::rounded(std::exp2(score - reference));
    sum += weight;
    for (int64_t c = 0; c < channels; ++c) out[c] += weight * In::of_value(values, at, channels, c);
  }
};

template <class In, class Word>
void attend(const AxialPieceOf<Word>& piece) {
  const int64_t channels = piece.key_channels;
  for (int64_t i = 0; i < piece.queries; ++i) {
    float* out = piece.dst + i * piece.value_channels;
    std::fill_n(out, piece.value_channels, 0.0f);
    RunningSum<In> running;
    for (int64_t position = 0; position < piece.grid_h * piece.grid_w; ++position) {
      const float* a = piece.by_column + position % piece.grid_w * (channels + 1) * kAxialQueries + i;
      const float* b = piece.by_row + position / piece.grid_w * (channels + 1) * kAxialQueries + i;
      for (int64_t memory = 0; memory < piece.memories; ++memory) {
        const int64_t at = position * piece.memories + memory;
        float score = a[channels * kAxialQueries] + b[channels * kAxialQueries];
        for (int64_t c = 0; c < channels; ++c)
          score += In::rounded(a[c * kAxialQueries] + b[c * kAxialQueries]) * In::of_key(piece.keys, at, channels, c);
        running.add(score, piece.values, at, piece.value_channels, out);
      }
    }
    for (int64_t token = 0; token < piece.tokens; ++token)
      running.add(piece.token_scores[token * kAxialQueries + i], piece.token_values, token, piece.value_channels, out);
    for (int64_t c = 0; c < piece.value_channels; ++c) out[c] /= running.sum;
  }
}

}  // namespace

void axial_attention(const AxialPiece& piece) { attend<InF32>(piece); }
void axial_attention_bf16(const AxialPieceBf16& piece) { attend<InBf16>(piece); }

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
