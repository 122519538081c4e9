#include "kernels/axial_attention.h"

#include <algorithm>

#include "base/check.h"
#include "base/rounding.h"
#include "kernels/bf16.h"

namespace samc {

SAMC_VECTOR_VARIANTS(axial_attention, const AxialAttention)
#if defined(__x86_64__)
SAMC_DECLARE_VARIANT(avx512_bf16, axial_attention_bf16, const AxialAttentionBf16)
SAMC_DECLARE_VARIANT(scalar, axial_attention_bf16, const AxialAttentionBf16)
SAMC_LIST_VARIANTS(axial_attention_bf16, const AxialAttentionBf16, {kAvx512Bf16Isa, &avx512_bf16::axial_attention_bf16},
                   {kScalarIsa, &scalar::axial_attention_bf16})
#else
SAMC_BF16_VARIANTS(axial_attention_bf16, const AxialAttentionBf16)
#endif

namespace {

int64_t angle_count(const AxialAttentionParams& p) { return (p.grid_w / 2 + p.grid_h / 2 + 2) * p.dim / 2; }

// Copies the angles of an axis, whose places are `step` positions apart, from pair number `first` on.
AxialAngles axis_angles(const AxialAttentionParams& p, const AxialAttentionInputs& in, int64_t places, int64_t step,
                        int64_t first, float* memory) {
  const int64_t half = p.dim / 2, quarter = p.dim / 4, count = places / 2 + 1;
  float* const sines = memory + count * quarter;
  for (int64_t place = 0; place < count; ++place) {
    const int64_t from = std::min(place, places - 1) * step * half + first;  // a single place has angles of 0
    std::copy_n(in.cosines + from, quarter, memory + place * quarter);
    std::copy_n(in.sines + from, quarter, sines + place * quarter);
  }
  return {memory, sines};
}

// The memories and tokens as a variant reads them.
template <class Word>
struct Words {
  const Word* keys;
  const Word* values;
  const Word* token_values;
};

// Pairs of elements that lie pair_step apart, pair by pair word_step apart, in rows of row_step elements. Where a row
// or the last row ends before the second of a pair, that is 0.
void pack_words(const float* from, int64_t total, int64_t row_step, int64_t word_step, int64_t pair_step,
                uint32_t* words, ThreadPool& pool) {
  const int64_t row_words = divide_up(row_step, 2);
  pool.run(divide_up(total, row_step), [=](int64_t row, int) {
    const int64_t end = std::min(total, (row + 1) * row_step);
    for (int64_t i = 0; i < row_words; ++i) {
      const int64_t first = row * row_step + i * word_step, second = first + pair_step;
      const uint32_t high = second < end ? round_to_bf16(from[second]) : 0;
      words[row * row_words + i] = round_to_bf16(from[first]) | high << 16;
    }
  });
}

size_t count_of_words(const AxialAttentionParams& p) {
  if (p.precision == Precision::kF32) return 0;
  const int64_t keys = p.grid_h * p.grid_w * p.memories;
  return static_cast<size_t>(keys * divide_up(p.key_channels, 2) + divide_up(keys, 2) * p.value_channels +
                             divide_up(p.tokens, 2) * p.value_channels);
}

Words<uint32_t> words_of(const AxialAttentionParams& p, const AxialAttentionInputs& in, uint32_t* memory,
                         ThreadPool& pool) {
  const int64_t keys = p.grid_h * p.grid_w * p.memories;
  uint32_t* const values = memory + keys * divide_up(p.key_channels, 2);
  uint32_t* const token_values = values + divide_up(keys, 2) * p.value_channels;
  const auto pack_values = [&](const float* from, int64_t count, uint32_t* to) {
    pack_words(from, count * p.value_channels, 2 * p.value_channels, 1, p.value_channels, to, pool);
  };
  pack_words(in.keys, keys * p.key_channels, p.key_channels, 2, 1, memory, pool);
  pack_values(in.values, keys, values);
  pack_values(in.token_values, p.tokens, token_values);
  return {memory, values, token_values};
}

template <class Word>
void attend(const AxialAttentionOf<Word>& variant, const AxialAttentionParams& p, const AxialAttentionInputs& in,
            const Words<Word>& words, float* angles, float* dst, KernelContext& context) {
  const int64_t grid = p.grid_h * p.grid_w;
  const AxialAngles of_columns = axis_angles(p, in, p.grid_w, 1, 0, angles);
  const AxialAngles of_rows =
      axis_angles(p, in, p.grid_h, p.grid_w, p.dim / 4, angles + (p.grid_w / 2 + 1) * p.dim / 2);
  const auto scratch_floats = static_cast<size_t>(variant.groups * axial_scratch_floats(p, variant.queries));
  // As many pieces for each thread. What a query gives does not depend on its piece.
  const int64_t groups = divide_up(grid, variant.queries);
  const int64_t pieces = std::min(groups, round_up(divide_up(groups, variant.groups), context.pool.threads()));
  context.pool.run(pieces, [&](int64_t piece, int worker) {
    const int64_t first = piece * groups / pieces * variant.queries;
    const int64_t end = std::min(grid, (piece + 1) * groups / pieces * variant.queries);
    variant.attend({p, in.q + first * p.dim, in.key_weight, of_columns, of_rows, words.keys, words.values,
                    in.token_keys, words.token_values, end - first, dst + first * p.value_channels,
                    context.scratch.floats(worker, scratch_floats)});
  });
}

}  // namespace

void axial_attention(const AxialAttentionParams& params, const AxialAttentionInputs& inputs, float* dst,
                     KernelContext& context) {
  const AxialAttentionParams& p = params;
  SAMC_CHECK(p.grid_h > 0 && p.grid_w > 0 && p.dim > 0 && p.dim % 4 == 0 && p.key_channels > 0 &&
                 p.value_channels > 0 && p.memories > 0 && p.tokens >= 0,
             "axial_attention: grid {} x {}, dim {}, channels {} and {}, {} memories", p.grid_h, p.grid_w, p.dim,
             p.key_channels, p.value_channels, p.memories);
  const auto angles = static_cast<size_t>(angle_count(p));
  float* const shared = context.scratch.shared_floats(angles + count_of_words(p));
  if (p.precision == Precision::kF32)
    attend(*axial_attention_variants.choose(context), p, inputs,
           Words<float>{inputs.keys, inputs.values, inputs.token_values}, shared, dst, context);
  else
    attend(*axial_attention_bf16_variants.choose(context), p, inputs,
           words_of(p, inputs, reinterpret_cast<uint32_t*>(shared + angles), context.pool), shared, dst, context);
}

}  // namespace samc
