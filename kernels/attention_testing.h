#pragma once
// Shapes of attention for its tests, and what it should give.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/attention.h"
#include "kernels/bf16.h"
#include "kernels/testing.h"

namespace samc {

struct AttentionCase {
  std::string name;
  AttentionParams params;
  bool pads = false;
};

// Whole-grid attention: q, k and v in buffers of their own.
inline AttentionCase whole(int64_t queries, int64_t keys, int64_t heads, int64_t dim, int64_t value_dim) {
  AttentionParams p;
  p.heads = heads;
  p.dim = dim;
  p.value_dim = value_dim;
  p.q_pitch = p.k_pitch = heads * dim;
  p.v_pitch = heads * value_dim;
  p.grid_q_w = p.window_q_w = queries;
  p.grid_k_w = p.window_k_w = keys;
  p.scale = 1.0f / std::sqrt(static_cast<float>(dim));
  return {std::to_string(queries) + " queries, " + std::to_string(keys) + " keys, " + std::to_string(heads) +
              " heads of " + std::to_string(dim) + ", " + std::to_string(value_dim),
          p, false};
}

// Windows of one buffer that holds q, k and v side by side; pool: how much coarser q's grid is.
inline AttentionCase windowed(int64_t batch, int64_t grid_h, int64_t grid_w, int64_t window_h, int64_t window_w,
                              int64_t heads, int64_t dim, int64_t pool) {
  AttentionParams p;
  p.batch = batch;
  p.heads = heads;
  p.dim = p.value_dim = dim;
  p.q_pitch = pool == 1 ? 3 * heads * dim : heads * dim;
  p.k_pitch = p.v_pitch = 3 * heads * dim;
  p.k_offset = heads * dim;
  p.v_offset = 2 * heads * dim;
  p.grid_k_h = grid_h;
  p.grid_k_w = grid_w;
  p.window_k_h = window_h;
  p.window_k_w = window_w;
  p.grid_q_h = grid_h / pool;
  p.grid_q_w = grid_w / pool;
  p.window_q_h = window_h / pool;
  p.window_q_w = window_w / pool;
  p.scale = 1.0f / std::sqrt(static_cast<float>(dim));
  return {"grid " + std::to_string(grid_h) + "x" + std::to_string(grid_w) + ", window " + std::to_string(window_h) +
              "x" + std::to_string(window_w) + ", pool " + std::to_string(pool) + ", " + std::to_string(heads) +
              " heads of " + std::to_string(dim),
          p, grid_h % window_h != 0 || grid_w % window_w != 0};
}

struct AttentionData {
  std::vector<float> q, k, v, pad_k, pad_v;
  bool pads;

  AttentionData(const AttentionCase& c, float magnitude) : pads(c.pads) {
    const AttentionParams& p = c.params;
    const int64_t q_rows = p.batch * p.grid_q_h * p.grid_q_w;
    const int64_t k_rows = p.batch * p.grid_k_h * p.grid_k_w;
    q = random_floats(q_rows * p.q_pitch, 1);
    k = random_floats(k_rows * p.k_pitch, 2);
    v = random_floats(k_rows * p.v_pitch, 3);
    pad_k = random_floats(p.heads * p.dim, 4);
    pad_v = random_floats(p.heads * p.value_dim, 5);
    for (float& x : q) x *= magnitude;
  }
  // With operands and result in memory as the params say. The result is f32 here.
  std::vector<float> run(const AttentionParams& p, KernelContext& context, const float* position = nullptr) const {
    std::vector<float> dst(static_cast<size_t>(p.batch * p.grid_q_h * p.grid_q_w * p.heads * p.value_dim), NAN);
    std::vector<uint16_t> dst16(dst.size(), 0x7fc0);
    const bool is_bf16 = p.dst_dtype == DType::kBF16;
    const Stored stored_q(q, p.q_dtype), stored_k(k, p.k_dtype), stored_v(v, p.v_dtype);
    attention(p, stored_q.data, stored_k.data, stored_v.data, pads ? pad_k.data() : nullptr,
              pads ? pad_v.data() : nullptr, is_bf16 ? static_cast<void*>(dst16.data()) : dst.data(), context,
              position);
    if (is_bf16) std::ranges::transform(dst16, dst.begin(), bf16_to_f32);
    return dst;
  }

 private:
  struct Stored {
    Stored(const std::vector<float>& values, DType dtype) : data(values.data()) {
      if (dtype != DType::kBF16) return;
      rounded.resize(values.size());
      std::ranges::transform(values, rounded.begin(), round_to_bf16);
      data = rounded.data();
    }
    std::vector<uint16_t> rounded;
    const void* data;
  };
};

// Straight from the definition, every padded key on its own, in double.
// With `round` (of a product's operands and of weights) as bf16 is meant to be, else f32.
inline std::vector<double> attention_expected(const AttentionParams& p, const AttentionData& data, bool round) {
  const auto operand = [&](float value) { return static_cast<double>(round ? rounded_to_bf16(value) : value); };
  const float factor = round ? p.scale * 1.44269504f : 1.0f;  // log2(e)
  std::vector<double> dst(static_cast<size_t>(p.batch * p.grid_q_h * p.grid_q_w * p.heads * p.value_dim));
  for (int64_t image = 0; image < p.batch; ++image)
    for (int64_t y = 0; y < p.grid_q_h; ++y)
      for (int64_t x = 0; x < p.grid_q_w; ++x)
        for (int64_t head = 0; head < p.heads; ++head) {
          const int64_t row = (image * p.grid_q_h + y) * p.grid_q_w + x;
          const float* q = &data.q[static_cast<size_t>(row * p.q_pitch + p.q_offset + head * p.dim)];
          std::vector<double> scores;
          std::vector<const float*> values;
          size_t padded = 0, first_padded = 0;  // keys; in bf16 the first one stands for all
          for (int64_t i = 0; i < p.window_k_h; ++i)
            for (int64_t j = 0; j < p.window_k_w; ++j) {
              const int64_t key_y = y / p.window_q_h * p.window_k_h + i;
              const int64_t key_x = x / p.window_q_w * p.window_k_w + j;
              const bool inside = key_y < p.grid_k_h && key_x < p.grid_k_w;
              if (!inside && padded++ > 0 && round) continue;
              if (!inside && padded == 1) first_padded = scores.size();
              const int64_t key_row = (image * p.grid_k_h + key_y) * p.grid_k_w + key_x;
              const float* k = inside ? &data.k[static_cast<size_t>(key_row * p.k_pitch + p.k_offset + head * p.dim)]
                                      : &data.pad_k[static_cast<size_t>(head * p.dim)];
              values.push_back(inside
                                   ? &data.v[static_cast<size_t>(key_row * p.v_pitch + p.v_offset + head * p.value_dim)]
                                   : &data.pad_v[static_cast<size_t>(head * p.value_dim)]);
              double score = 0;
              for (int64_t d = 0; d < p.dim; ++d) score += operand(q[d] * factor) * operand(k[d]);
              scores.push_back(round ? score : score * p.scale);
            }
          if (round && padded > 0) scores[first_padded] += std::log2(static_cast<double>(padded));
          double largest = -INFINITY;
          for (const double score : scores) largest = std::max(largest, score);
          if (round) largest = std::ceil(largest);
          double sum = 0;
          double* out = &dst[static_cast<size_t>((row * p.heads + head) * p.value_dim)];
          for (size_t j = 0; j < scores.size(); ++j) {
            const double difference = scores[j] - largest;
            const double weight = round ? operand(static_cast<float>(std::exp2(difference))) : std::exp(difference);
            sum += weight;
            for (int64_t d = 0; d < p.value_dim; ++d) out[d] += weight * operand(values[j][d]);
          }
          for (int64_t d = 0; d < p.value_dim; ++d) out[d] /= sum;
        }
  return dst;
}

inline std::vector<AttentionCase> attention_cases() {
  return {
      whole(1, 1, 1, 16, 16),
      whole(1, 1, 1, 1, 1),
      whole(7, 7, 8, 32, 32),
      whole(20, 20, 8, 32, 32),
      whole(8, 700, 8, 16, 16),
      whole(300, 8, 8, 16, 16),
      whole(260, 530, 2, 96, 96),
      whole(33, 257, 1, 256, 64),
      whole(15, 256, 2, 112, 112),
      whole(29, 513, 1, 144, 144),
      whole(31, 45, 3, 5, 7),
      whole(14, 32, 1, 17, 33),
      whole(13, 31, 2, 64, 64),
      whole(253, 17, 1, 31, 1),
      whole(5, 600, 2, 3, 40),
      whole(2, 1025, 1, 48, 17),
      whole(56, 1500, 1, 64, 48),   // few pieces and many keys: the keys are cut into parts
      whole(300, 1025, 2, 16, 16),  // the same for each of four pieces
      windowed(1, 16, 16, 8, 8, 1, 96, 1),
      windowed(2, 8, 8, 4, 4, 2, 96, 1),
      windowed(1, 16, 16, 8, 8, 2, 96, 2),
      windowed(1, 20, 20, 14, 14, 2, 32, 1),
      windowed(2, 10, 9, 4, 7, 3, 24, 1),
      windowed(1, 8, 8, 7, 7, 2, 96, 1),
      windowed(1, 5, 5, 7, 7, 1, 16, 1),
      windowed(1, 36, 36, 18, 18, 1, 16, 1),
      windowed(1, 20, 20, 14, 14, 1, 16, 2),
      windowed(1, 17, 20, 17, 17, 1, 16, 1),
  };
}

// q's grid has another remainder than k's when pooled; windows must still pair up.
inline bool windows_pair(const AttentionParams& p) {
  return (p.grid_q_h + p.window_q_h - 1) / p.window_q_h == (p.grid_k_h + p.window_k_h - 1) / p.window_k_h &&
         (p.grid_q_w + p.window_q_w - 1) / p.window_q_w == (p.grid_k_w + p.window_k_w - 1) / p.window_k_w;
}

}  // namespace samc
