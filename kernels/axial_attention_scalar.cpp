// The plain form: one query after the other, all its scores, their softmax, the sum of values.

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/dtype.h"
#include "kernels/axial_attention.h"

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

// table (places, key_channels + 1): the products of one axis, whose pairs begin at channel `first`, at each place.
void score_places(const AxialAttentionParams& p, const float* q, int64_t first, const float* weight,
                  const AxialAngles& angles, int64_t places, float* table) {
  const int64_t pairs = p.dim / 4, middle = places / 2;
  const float factor = axial_query_factor(p);
  for (int64_t place = 0; place < places; ++place)
    for (int64_t c = 0; c <= p.key_channels; ++c) {
      const int64_t distance = std::abs(place - middle);
      float sum = 0;
      for (int64_t i = 0; i < pairs; ++i) {
        const float cosine = angles.cosines[middle * pairs + i], sine = angles.sines[middle * pairs + i];
        const float one = q[first + i] * factor, other = q[first + p.dim / 2 + i] * factor;
        const float a = one * cosine + other * sine, b = other * cosine - one * sine;
        const float of_a = weight[c * 2 * pairs + i], of_b = weight[c * 2 * pairs + pairs + i];
        const float odd = angles.sines[distance * pairs + i] * (of_a * b - of_b * a);
        sum += angles.cosines[distance * pairs + i] * (of_a * a + of_b * b) + (place < middle ? -odd : odd);
      }
      table[place * (p.key_channels + 1) + c] = sum;
    }
}

template <class In, class Word>
void attend(const AxialPieceOf<Word>& piece) {
  const AxialAttentionParams& p = piece.shape;
  const int64_t channels = p.key_channels;
  float* const by_column = piece.scratch;
  float* const by_row = by_column + p.grid_w * (channels + 1);
  for (int64_t i = 0; i < piece.queries; ++i) {
    const float* q = piece.q + i * p.dim;
    score_places(p, q, 0, piece.key_weight, piece.of_columns, p.grid_w, by_column);
    score_places(p, q, p.dim / 4, piece.key_weight + (channels + 1) * p.dim / 2, piece.of_rows, p.grid_h, by_row);
    float* out = piece.dst + i * p.value_channels;
    std::fill_n(out, p.value_channels, 0.0f);
    RunningSum<In> running;
    for (int64_t position = 0; position < p.grid_h * p.grid_w; ++position) {
      const float* a = by_column + position % p.grid_w * (channels + 1);
      const float* b = by_row + position / p.grid_w * (channels + 1);
      for (int64_t memory = 0; memory < p.memories; ++memory) {
        const int64_t at = position * p.memories + memory;
        float score = a[channels] + b[channels];
        for (int64_t c = 0; c < channels; ++c)
          score += In::rounded(a[c] + b[c]) * In::of_key(piece.keys, at, channels, c);
        running.add(score, piece.values, at, p.value_channels, out);
      }
    }
    for (int64_t token = 0; token < p.tokens; ++token) {
      float score = 0;
      for (int64_t c = 0; c < p.dim; ++c) score += q[c] * axial_query_factor(p) * piece.token_keys[token * p.dim + c];
      running.add(score, piece.token_values, token, p.value_channels, out);
    }
    for (int64_t c = 0; c < p.value_channels; ++c) out[c] /= running.sum;
  }
}

constexpr int64_t kQueries = 16;  // of a piece: one group

}  // namespace

extern const AxialAttention axial_attention;
const AxialAttention axial_attention{kQueries, 1, &attend<InF32>};
extern const AxialAttentionBf16 axial_attention_bf16;
const AxialAttentionBf16 axial_attention_bf16{kQueries, 1, &attend<InBf16>};

}  // namespace samc::scalar
