#include "kernels/axial_attention.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/check.h"
#include "base/rounding.h"
#include "kernels/bf16.h"
#include "kernels/gemm.h"

namespace samc {

SAMC_VECTOR_VARIANTS(axial_attention, AxialAttentionFunction)
SAMC_VECTOR_VARIANTS(axial_turn, AxialTurnFunction)
#if defined(__x86_64__)
SAMC_DECLARE_VARIANT(avx512_bf16, axial_attention_bf16, AxialAttentionBf16Function)
SAMC_DECLARE_VARIANT(scalar, axial_attention_bf16, AxialAttentionBf16Function)
SAMC_LIST_VARIANTS(axial_attention_bf16, AxialAttentionBf16Function,
                   {kAvx512Bf16Isa, &avx512_bf16::axial_attention_bf16}, {kScalarIsa, &scalar::axial_attention_bf16})
#else
SAMC_BF16_VARIANTS(axial_attention_bf16, AxialAttentionBf16Function)
#endif

namespace {

constexpr float kLog2E = 1.44269504f;

// What all pieces share: the angles of columns, or of rows, (places, dim / 4).
struct PlaceAngles {
  const float* cosines;
  const float* sines;
};

// Copies the angles of `places` positions, `step` positions apart, from pair number `first` on.
PlaceAngles place_angles(const AxialAttentionParams& p, const AxialAttentionInputs& in, int64_t places, int64_t step,
                         int64_t first, float* memory) {
  const int64_t half = p.dim / 2, quarter = p.dim / 4;
  float* const sines = memory + places * quarter;
  for (int64_t place = 0; place < places; ++place)
    for (int64_t i = 0; i < quarter; ++i) {
      const int64_t from = place * step * half + first + i, to = place * quarter + i;
      memory[to] = in.cosines[from];
      sines[to] = in.sines[from];
    }
  return {memory, sines};
}

// Scratch memory of a worker.
struct Workspace {
  float* rows;          // (kAxialQueries, dim): some or all channels of the queries
  float* panels;        // the same for gemm
  float* turned;        // the same, turned back
  float* by_column;     // (grid_w, key_channels + 1, kAxialQueries)
  float* by_row;        // (grid_h, key_channels + 1, kAxialQueries)
  float* token_scores;  // (tokens, kAxialQueries)
  float* piece;

  static size_t floats(const AxialAttentionParams& p) {
    return static_cast<size_t>(kAxialQueries * (3 * p.dim + (p.grid_h + p.grid_w) * (p.key_channels + 1) + p.tokens) +
                               axial_scratch_floats(p.value_channels));
  }
  Workspace(const AxialAttentionParams& p, float* memory)
      : rows(memory),
        panels(rows + kAxialQueries * p.dim),
        turned(panels + kAxialQueries * p.dim),
        by_column(turned + kAxialQueries * p.dim),
        by_row(by_column + p.grid_w * (p.key_channels + 1) * kAxialQueries),
        token_scores(by_row + p.grid_h * (p.key_channels + 1) * kAxialQueries),
        piece(token_scores + p.tokens * kAxialQueries) {}
};

// Products of a piece's queries with constant rows.
class QueryProducts {
 public:
  QueryProducts(const Gemm& gemm, AxialTurnFunction* turn, const std::vector<int64_t>& row_offsets)
      : gemm_(gemm), turn_(turn), row_offsets_(row_offsets) {}

  // work.rows (kAxialQueries, k) into work.panels
  void pack(int64_t k, const Workspace& work) const {
    GemmColumns columns;
    columns.src = work.rows;
    columns.stride = k;
    columns.transposed = true;
    columns.k = k;
    columns.columns = kAxialQueries;
    columns.dst = work.panels;
    gemm_.pack_columns(columns);
  }

  // dst (places, rows, kAxialQueries): what is packed, (2 pairs) channels turned back by each place's angles, times
  // weight (rows, 2 pairs).
  void by_places(const PlaceAngles& angles, int64_t places, int64_t pairs, const float* weight, int64_t rows,
                 const Workspace& work, float* dst) const {
    for (int64_t place = 0; place < places; ++place) {
      turn_({work.panels, angles.cosines + place * pairs, angles.sines + place * pairs, work.turned, pairs});
      multiply(weight, rows, 2 * pairs, work.turned, dst + place * rows * kAxialQueries);
    }
  }

  // dst (rows, kAxialQueries) = a (rows, k) times panels
  void multiply(const float* a, int64_t rows, int64_t k, const float* panels, float* dst) const {
    const GemmSegment whole{0, 0, k};
    GemmBlock block;
    block.a = a;
    block.segments = &whole;
    block.segment_count = 1;
    block.row_stride = k;
    block.b = panels;
    block.rows = rows;
    block.k = k;
    block.columns = kAxialQueries;
    block.row_offsets = row_offsets_.data();
    block.dst = dst;
    gemm_.multiply(block);
  }

 private:
  const Gemm& gemm_;
  AxialTurnFunction* turn_;
  const std::vector<int64_t>& row_offsets_;
};

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

// Calls run_piece(work, first query, queries) for pieces of the queries, for which work has all but memories and
// tokens.
using RunPiece = std::function<void(const Workspace& work, int64_t first, int64_t queries)>;
void for_each_piece(const AxialAttentionParams& p, const AxialAttentionInputs& inputs, float* angles,
                    const RunPiece& run_piece, KernelContext& context) {
  const int64_t grid = p.grid_h * p.grid_w, half = p.dim / 2, quarter = p.dim / 4;
  std::vector<int64_t> row_offsets(static_cast<size_t>(std::max(p.key_channels + 1, p.tokens)));
  for (size_t row = 0; row < row_offsets.size(); ++row) row_offsets[row] = static_cast<int64_t>(row) * kAxialQueries;
  const QueryProducts products(*gemm_variants.choose(context), axial_turn_variants.choose(context), row_offsets);
  const PlaceAngles of_columns = place_angles(p, inputs, p.grid_w, 1, 0, angles);
  const PlaceAngles of_rows = place_angles(p, inputs, p.grid_h, p.grid_w, quarter, angles + p.grid_w * half);

  context.pool.run(divide_up(grid, kAxialQueries), [&](int64_t block, int worker) {
    const int64_t first = block * kAxialQueries, queries = std::min(kAxialQueries, grid - first);
    const Workspace work(p, context.scratch.floats(worker, Workspace::floats(p)));
    // Two stretches of the queries' channels, one behind the other, scaled so that scores are powers of two.
    const auto take = [&](int64_t from, int64_t then, int64_t count) {
      const float factor = p.scale * kLog2E;
      std::fill_n(work.rows, kAxialQueries * 2 * count, 0.0f);
      for (int64_t i = 0; i < queries; ++i) {
        const float* query = inputs.q + (first + i) * p.dim;
        float* row = work.rows + i * 2 * count;
        for (int64_t c = 0; c < count; ++c) row[c] = query[from + c] * factor;
        for (int64_t c = 0; c < count; ++c) row[count + c] = query[then + c] * factor;
      }
    };
    const int64_t rows = p.key_channels + 1;
    take(0, half, quarter);
    products.pack(half, work);
    products.by_places(of_columns, p.grid_w, quarter, inputs.key_weight, rows, work, work.by_column);
    take(quarter, half + quarter, quarter);
    products.pack(half, work);
    products.by_places(of_rows, p.grid_h, quarter, inputs.key_weight + rows * half, rows, work, work.by_row);
    if (p.tokens > 0) {
      take(0, half, half);
      products.pack(p.dim, work);
      products.multiply(inputs.token_keys, p.tokens, p.dim, work.panels, work.token_scores);
    }
    run_piece(work, first, queries);
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
  const auto angle_count = static_cast<size_t>((p.grid_h + p.grid_w) * p.dim / 2);
  float* const shared = context.scratch.shared_floats(angle_count + count_of_words(p));
  const auto attend = [&](auto* function, const auto& words) {
    for_each_piece(
        p, inputs, shared,
        [&](const Workspace& work, int64_t first, int64_t queries) {
          function({work.by_column, work.by_row, work.token_scores, words.keys, words.values, words.token_values,
                    p.grid_h, p.grid_w, p.key_channels, p.value_channels, p.memories, p.tokens, queries,
                    dst + first * p.value_channels, work.piece});
        },
        context);
  };
  if (p.precision == Precision::kF32)
    attend(axial_attention_variants.choose(context), Words<float>{inputs.keys, inputs.values, inputs.token_values});
  else
    attend(axial_attention_bf16_variants.choose(context),
           words_of(p, inputs, reinterpret_cast<uint32_t*>(shared + angle_count), context.pool));
}

}  // namespace samc
