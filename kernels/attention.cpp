#include "kernels/attention.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/rounding.h"
#include "kernels/bf16.h"

namespace samc {

SAMC_VECTOR_VARIANTS(attention, const Attention)
SAMC_BF16_VARIANTS(attention_bf16, const Attention)
SAMC_INT8_VARIANTS(attention_int8, const Attention)

namespace {

constexpr int64_t kMostPiecesInARun = 64;
constexpr int64_t kRunWork = 8 * 1024 * 1024;  // multiplications: some tens of microseconds
// With so few pieces the keys are cut as well, so that every thread has some: whatever the number of threads, since
// results are the same bits for all.
constexpr int64_t kFewPieces = 4;
constexpr int64_t kPartKeys = 4 * kAttentionKeys;

// Room for any variant: packed q, one block of k and of v, some tiles' scores, sums, for each query its maximum and
// sum, and the pads rounded or, where there are none, some keys plus their positions. The scalar variants hold one
// query and its scores. What is rounded to bf16 takes less room than this.
int64_t scratch_floats(int64_t queries, int64_t keys, int64_t dim, int64_t value_dim) {
  const int64_t rows = round_up(queries, kAttentionMostTileRows) + kAttentionMostTileRows;
  const int64_t block = std::min(round_up(keys, 32), kAttentionKeys);
  const int64_t packed = rows * round_up(dim, 16) + block * (round_up(dim, 16) + round_up(value_dim, 16)) +
                         2 * kAttentionScoreRows * kAttentionScoresPitch + rows * round_up(value_dim, 16) + 4 * rows +
                         kAttentionMostLanes * round_up(dim, 32) + round_up(value_dim, 32) + 64;
  return std::max(packed, dim + keys + value_dim + 16);
}

void check_params(const AttentionParams& p, const float* pad_k, const float* pad_v) {
  SAMC_CHECK(p.heads > 0 && p.dim > 0 && p.value_dim > 0, "attention: heads {}, dim {}, value_dim {}", p.heads, p.dim,
             p.value_dim);
  SAMC_CHECK(p.window_q_h > 0 && p.window_q_w > 0 && p.window_k_h > 0 && p.window_k_w > 0,
             "attention: an empty window");
  SAMC_CHECK(p.q_offset + p.heads * p.dim <= p.q_pitch && p.k_offset + p.heads * p.dim <= p.k_pitch &&
                 p.v_offset + p.heads * p.value_dim <= p.v_pitch,
             "attention: heads reach beyond a row");
  SAMC_CHECK(divide_up(p.grid_q_h, p.window_q_h) == divide_up(p.grid_k_h, p.window_k_h) &&
                 divide_up(p.grid_q_w, p.window_q_w) == divide_up(p.grid_k_w, p.window_k_w),
             "attention: q and k have different numbers of windows");
  const auto may_be = [&](DType dtype) {
    return dtype == DType::kF32 || (dtype == DType::kBF16 && p.precision != Precision::kF32);
  };
  SAMC_CHECK(may_be(p.q_dtype) && may_be(p.k_dtype) && may_be(p.v_dtype) && may_be(p.dst_dtype),
             "attention in {} of {}, {}, {} into {}", precision_name(p.precision), dtype_name(p.q_dtype),
             dtype_name(p.k_dtype), dtype_name(p.v_dtype), dtype_name(p.dst_dtype));
  SAMC_CHECK((pad_k == nullptr) == (pad_v == nullptr), "attention: pad_k and pad_v go together");
  SAMC_CHECK(pad_k != nullptr || (p.grid_k_h % p.window_k_h == 0 && p.grid_k_w % p.window_k_w == 0),
             "attention: windows reach over the grid, and there is no pad_k");
}

// What a piece gives when its keys are cut into parts: for each part values (queries, value_dim), largest and sums
// (queries).
struct Parts {
  int64_t parts;
  int64_t queries;
  int64_t value_dim;
  float* memory;

  static size_t floats(int64_t parts, int64_t queries, int64_t value_dim) {
    return static_cast<size_t>(parts * queries * (value_dim + 2));
  }
  float* values(int64_t part) const { return memory + part * queries * value_dim; }
  float* largest(int64_t part) const { return memory + (parts * value_dim + part) * queries; }
  float* sums(int64_t part) const { return memory + (parts * (value_dim + 1) + part) * queries; }
};

// dst = the parts of one query together; sums is (value_dim).
void join_parts(const Parts& parts, int64_t query, DType dtype, float* sums, std::byte* dst) {
  float largest = parts.largest(0)[query];
  for (int64_t part = 1; part < parts.parts; ++part) {
    const float other = parts.largest(part)[query];
    if (other > largest || std::isnan(other)) largest = other;
  }
  float sum = 0;
  std::fill_n(sums, parts.value_dim, 0.0f);
  for (int64_t part = 0; part < parts.parts; ++part) {
    const float factor = std::exp2(parts.largest(part)[query] - largest);
    const float* values = parts.values(part) + query * parts.value_dim;
    sum += factor * parts.sums(part)[query];
    for (int64_t c = 0; c < parts.value_dim; ++c) sums[c] += factor * values[c];
  }
  for (int64_t c = 0; c < parts.value_dim; ++c) {
    const float value = sums[c] / sum;
    if (dtype == DType::kBF16) {
      reinterpret_cast<uint16_t*>(dst)[c] = round_to_bf16(value);
    } else {
      reinterpret_cast<float*>(dst)[c] = value;
    }
  }
}

// The rows of a buffer from row number `row` on, `column` elements into each.
template <class Byte>
WindowRows<Byte> rows(Byte* buffer, DType dtype, int64_t row, int64_t pitch, int64_t column, int64_t grid_w,
                      int64_t width) {
  const int64_t size = dtype_size(dtype);
  return {buffer + (row * pitch + column) * size, dtype, pitch * size, grid_w, width};
}

// One piece whose keys are all rows of k and v in order, its keys in parts.
void attention_in_parts(const AttentionPiece& whole, const Attention& kernel, KernelContext& context) {
  Parts parts{divide_up(whole.keys, kPartKeys), whole.queries, whole.value_dim, nullptr};
  parts.memory = context.scratch.shared_floats(Parts::floats(parts.parts, parts.queries, parts.value_dim));
  const auto scratch = static_cast<size_t>(scratch_floats(whole.queries, kPartKeys, whole.dim, whole.value_dim));
  context.pool.run(parts.parts, [&](int64_t part, int worker) {
    AttentionPiece piece = whole;
    const int64_t first = part * kPartKeys;
    piece.k.origin += first * whole.k.pitch;
    if (piece.position.origin != nullptr) piece.position.origin += first * whole.position.pitch;
    piece.v.origin += first * whole.v.pitch;
    piece.keys = std::min(kPartKeys, whole.keys - first);
    // first_query rows lie in front of the piece's own.
    piece.dst = {reinterpret_cast<std::byte*>(parts.values(part) - whole.first_query * whole.value_dim), DType::kF32,
                 whole.value_dim * dtype_size(DType::kF32), whole.dst.width, whole.dst.width};
    piece.row_largest = parts.largest(part);
    piece.row_sums = parts.sums(part);
    piece.scratch = context.scratch.floats(worker, scratch);
    kernel.attend(piece);
  });
  constexpr int64_t kRows = 8;
  context.pool.run(divide_up(whole.queries, kRows), [&](int64_t block, int worker) {
    float* const sums = context.scratch.floats(worker, scratch);
    for (int64_t i = block * kRows; i < std::min(whole.queries, (block + 1) * kRows); ++i) {
      const int64_t row = whole.first_query + i;
      join_parts(
          parts, i, whole.dst.dtype, sums,
          whole.dst.origin + (row / whole.dst.width * whole.dst.grid_w + row % whole.dst.width) * whole.dst.pitch);
    }
  });
}

}  // namespace

void attention(const AttentionParams& params, const void* q, const void* k, const void* v, const float* pad_k,
               const float* pad_v, void* dst, KernelContext& context, const float* position) {
  const AttentionParams& p = params;
  if (p.batch * p.grid_q_h * p.grid_q_w == 0) return;
  check_params(p, pad_k, pad_v);
  SAMC_CHECK(position == nullptr || (p.k_dtype == DType::kF32 && pad_k == nullptr),
             "attention: positions are added to k of {}", dtype_name(p.k_dtype));
  const auto& variants = p.precision == Precision::kF32    ? attention_variants
                         : p.precision == Precision::kBf16 ? attention_bf16_variants
                                                           : attention_int8_variants;
  const Attention& kernel = *variants.choose(context);
  const int64_t dst_pitch = p.heads * p.value_dim;
  const int64_t windows_x = divide_up(p.grid_q_w, p.window_q_w);
  const int64_t windows = divide_up(p.grid_q_h, p.window_q_h) * windows_x;
  const int64_t window_queries = p.window_q_h * p.window_q_w;
  const int64_t window_keys = p.window_k_h * p.window_k_w;
  const int64_t blocks = divide_up(window_queries, kernel.most_queries);
  context.blocking = {std::min(window_queries, kernel.most_queries), std::min(window_keys, kAttentionKeys), p.dim};
  const auto scratch = static_cast<size_t>(
      scratch_floats(std::min(window_queries, kernel.most_queries), window_keys, p.dim, p.value_dim));

  // Where several pieces have the same keys, these are packed once for all: (batch, heads, key_blocks, block_words).
  const int64_t key_blocks = divide_up(window_keys, kAttentionKeys);
  const int64_t block_words = attention_block_words(p.dim, p.value_dim, p.precision == Precision::kF32 ? 1 : 2);
  float* shared = nullptr;

  const auto piece_at = [&](int64_t index) {
    const int64_t block = index % blocks;
    const int64_t head = index / blocks % p.heads;
    const int64_t window = index / blocks / p.heads % windows;
    const int64_t image = index / blocks / p.heads / windows;
    const int64_t q_y = window / windows_x * p.window_q_h;
    const int64_t q_x = window % windows_x * p.window_q_w;
    const int64_t k_y = window / windows_x * p.window_k_h;
    const int64_t k_x = window % windows_x * p.window_k_w;
    const int64_t q_width = std::min(p.window_q_w, p.grid_q_w - q_x);
    const int64_t k_width = std::min(p.window_k_w, p.grid_k_w - k_x);
    const int64_t queries = std::min(p.window_q_h, p.grid_q_h - q_y) * q_width;
    const int64_t q_row = (image * p.grid_q_h + q_y) * p.grid_q_w + q_x;
    const int64_t k_row = (image * p.grid_k_h + k_y) * p.grid_k_w + k_x;
    AttentionPiece piece{};
    piece.q = rows(static_cast<const std::byte*>(q), p.q_dtype, q_row, p.q_pitch, p.q_offset + head * p.dim, p.grid_q_w,
                   q_width);
    piece.k = rows(static_cast<const std::byte*>(k), p.k_dtype, k_row, p.k_pitch, p.k_offset + head * p.dim, p.grid_k_w,
                   k_width);
    piece.v = rows(static_cast<const std::byte*>(v), p.v_dtype, k_row, p.v_pitch, p.v_offset + head * p.value_dim,
                   p.grid_k_w, k_width);
    piece.position = piece.k;
    piece.position.origin = nullptr;
    if (position != nullptr)
      piece.position = rows(reinterpret_cast<const std::byte*>(position), DType::kF32, k_row, p.k_pitch,
                            p.k_offset + head * p.dim, p.grid_k_w, k_width);
    piece.dst =
        rows(static_cast<std::byte*>(dst), p.dst_dtype, q_row, dst_pitch, head * p.value_dim, p.grid_q_w, q_width);
    piece.first_query = block * kernel.most_queries;
    piece.queries = std::clamp<int64_t>(queries - piece.first_query, 0, kernel.most_queries);
    piece.keys = std::min(p.window_k_h, p.grid_k_h - k_y) * k_width;
    piece.padded_keys = window_keys - piece.keys;
    piece.pad_k = pad_k == nullptr ? nullptr : pad_k + head * p.dim;
    piece.pad_v = pad_v == nullptr ? nullptr : pad_v + head * p.value_dim;
    piece.dim = p.dim;
    piece.value_dim = p.value_dim;
    piece.scale = p.scale;
    piece.packed = shared == nullptr ? nullptr : shared + index / blocks * key_blocks * block_words;
    return piece;
  };

  const int64_t pieces = p.batch * windows * p.heads * blocks;
  if (pieces <= kFewPieces && windows == 1 && pad_k == nullptr && window_keys >= 2 * kPartKeys) {
    for (int64_t index = 0; index < pieces; ++index) attention_in_parts(piece_at(index), kernel, context);
    return;
  }
  if (kernel.pack != nullptr && windows == 1 && blocks > 1 && pad_k == nullptr && position == nullptr) {
    shared = context.scratch.shared_floats(static_cast<size_t>(p.batch * p.heads * key_blocks * block_words));
    context.pool.run(p.batch * p.heads * key_blocks, [&](int64_t index, int) {
      kernel.pack(piece_at(index / key_blocks * blocks), index % key_blocks, shared + index * block_words);
    });
  }
  // Small pieces come in runs, so that a worker knows what it does next.
  const int64_t piece_work = std::min(window_queries, kernel.most_queries) * window_keys * (p.dim + p.value_dim);
  const int64_t most = std::max<int64_t>(1, std::min(pieces / (8 * context.pool.threads()), kMostPiecesInARun));
  const int64_t run_pieces = std::clamp<int64_t>(kRunWork / piece_work, 1, most);
  context.pool.run(divide_up(pieces, run_pieces), [&](int64_t run, int worker) {
    float* const memory = context.scratch.floats(worker, scratch);
    const int64_t last = std::min(pieces, (run + 1) * run_pieces);
    AttentionPiece piece = piece_at(run * run_pieces);
    for (int64_t index = run * run_pieces; index < last; ++index) {
      AttentionPiece next{};
      if (index + 1 < last) next = piece_at(index + 1);
      piece.scratch = memory;
      piece.next = next.queries > 0 ? &next : nullptr;
      if (piece.queries > 0) kernel.attend(piece);
      piece = next;
    }
  });
}

}  // namespace samc
