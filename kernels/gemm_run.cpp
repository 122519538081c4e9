#include "kernels/gemm_run.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/rounding.h"
#include "kernels/cache.h"
#include "kernels/pack.h"

namespace samc {

SAMC_VECTOR_VARIANTS(gemm, const Gemm)
SAMC_BF16_VARIANTS(gemm_bf16, const Gemm)
SAMC_INT8_VARIANTS(gemm_int8, const Gemm)

const Gemm& choose_gemm(Precision precision, KernelContext& context) {
  const KernelVariants<const Gemm>& variants = precision == Precision::kF32    ? gemm_variants
                                               : precision == Precision::kBf16 ? gemm_bf16_variants
                                                                               : gemm_int8_variants;
  return *variants.choose(context);
}

void check_gemm_types(Precision precision, DType src, DType dst) {
  const auto known = [&](DType dtype) {
    return dtype == DType::kF32 || (dtype == DType::kBF16 && precision != Precision::kF32);
  };
  SAMC_CHECK(known(src) && known(dst), "a product in {} of {} to {}", precision_name(precision), dtype_name(src),
             dtype_name(dst));
}

namespace {

constexpr int64_t kMostBlockRows = 256;
// Half of the L2 cache: the other half is for the panels that pass by.
constexpr int64_t kWordBytes = 4;
constexpr int64_t kBlockWords = kL2Bytes / 2 / kWordBytes;
// Columns are only cut when there are too few rows for all threads; each range is at least this wide.
constexpr int64_t kLeastColumns = 64;
// Plain rows of more words than this are multiplied in parts of about kPartK: more of them fit into the L2 cache, so
// that the panels pass by less often.
constexpr int64_t kLongK = 3200;
constexpr int64_t kPartK = 768;
// A piece with fewer multiplications than this is not worth waking a thread for.
constexpr int64_t kLeastPieceWork = 1024 * 1024;

struct Cut {
  int64_t block_tiles;
  int64_t row_blocks;
  int64_t columns;  // of a range
  int64_t column_ranges;
};

// part_k: words of the rows that stay in the cache.
Cut cut(const GemmProblem& problem, int64_t part_k, int64_t tile_rows, int64_t threads) {
  const int64_t tiles = divide_up(problem.rows, tile_rows);
  const int64_t padded_k = round_up(part_k, kGemmLine);
  const int64_t most_tiles =
      std::clamp<int64_t>(kBlockWords / std::max<int64_t>(1, padded_k * tile_rows), 2, kMostBlockRows / tile_rows);
  const int64_t work = problem.rows * problem.k * problem.columns;
  const int64_t wanted = std::clamp<int64_t>(work / kLeastPieceWork, 1, threads == 1 ? 1 : 8 * threads);

  Cut result{};
  // Blocks of at least two tiles, so that each panel that is brought into the cache is used twice.
  result.block_tiles = std::clamp<int64_t>(tiles / wanted, std::min<int64_t>(2, tiles), most_tiles);
  result.row_blocks = divide_up(tiles, result.block_tiles);
  result.block_tiles = divide_up(tiles, result.row_blocks);
  result.row_blocks = divide_up(tiles, result.block_tiles);

  const int64_t wanted_ranges = divide_up(wanted, result.row_blocks);
  result.columns = divide_up(divide_up(problem.columns, wanted_ranges), kLeastColumns) * kLeastColumns;
  result.column_ranges = divide_up(problem.columns, result.columns);
  return result;
}

bool reads_plain_rows(const GemmProblem& problem, const Gemm& gemm) {
  const DType wanted = gemm.word_elements == 1 ? DType::kF32 : DType::kBF16;
  if (problem.plain_rows == nullptr || gemm.plain_words == 0 || problem.plain_dtype != wanted) return false;
  // Rows whose distance is a multiple of an L1 cache's way would push each other out of it.
  if (problem.row_stride * dtype_size(wanted) % kL1WayBytes == 0) return false;
  return problem.k % (gemm.plain_words * gemm.word_elements) == 0 && problem.row_stride % gemm.word_elements == 0;
}

}  // namespace

void run_gemm(const GemmProblem& problem, const GemmPack& pack, const GemmOffsets& offsets, KernelContext& context) {
  if (problem.rows == 0 || problem.columns == 0) return;
  SAMC_CHECK(problem.group_columns % kPanelColumns == 0, "groups of {} columns", problem.group_columns);
  const Gemm& gemm = choose_gemm(problem.precision, context);

  const int64_t panel_k = gemm.words(problem.k);
  const bool plain = reads_plain_rows(problem, gemm);
  const int64_t k = plain ? problem.k / gemm.word_elements : panel_k;
  const int64_t row_stride = problem.row_stride / gemm.word_elements;
  std::vector<GemmSegment> parts{{0, 0, k}};
  if (plain && k > kLongK) {
    parts.clear();
    const int64_t part = round_up(divide_up(k, divide_up(k, kPartK)), kGemmLine);
    for (int64_t first = 0; first < k; first += part) parts.push_back({first, first, std::min(part, k - first)});
  }
  const Cut pieces = cut(problem, parts[0].count, gemm.tile_rows, context.pool.threads());
  const int64_t block_rows = pieces.block_tiles * gemm.tile_rows;
  context.blocking = {block_rows, pieces.columns, parts[0].count * gemm.word_elements};
  const int64_t packed_size = plain ? 0 : gemm.packed_rows_words(std::min(block_rows, problem.rows), problem.k);
  const int64_t sums_pitch = round_up(std::min(pieces.columns, problem.columns), kPanelColumns);
  const int64_t sums_size = parts.size() > 1 ? sums_pitch * std::min(block_rows, problem.rows) : 0;

  // With one range of columns a piece packs its rows; with several, each piece packs them anew.
  context.pool.run(pieces.row_blocks * pieces.column_ranges, [&](int64_t piece, int worker) {
    const int64_t row_block = piece / pieces.column_ranges;
    const int64_t range = piece % pieces.column_ranges;
    float* packed = context.scratch.floats(worker, static_cast<size_t>(packed_size + problem.extra_floats + sums_size));
    float* sums = packed + packed_size + problem.extra_floats;
    GemmBlock block;
    const int64_t first_row = row_block * block_rows;
    const int64_t count = std::min(block_rows, problem.rows - first_row);
    std::array<int64_t, kMostBlockRows> row_offsets;
    offsets(first_row, count, row_offsets.data());
    block.k = panel_k;
    block.residual_first = problem.residual_first;
    block.activation = problem.activation;
    const int64_t first_column = range * pieces.columns;
    const int64_t group = problem.group_columns > 0 ? problem.group_columns : problem.columns;
    const int64_t last_column = std::min(problem.columns, first_column + pieces.columns);
    if (plain) {
      block.a = words_on(problem.plain_rows, first_row * row_stride);
      block.row_stride = row_stride;
      block.segment_count = 1;
    } else {
      pack(first_row, count, packed, packed + packed_size);
      block.a = packed;
    }
    block.rows = count;
    block.row_offsets = row_offsets.data();
    block.sums_pitch = sums_pitch;
    for (int64_t column = first_column; column < last_column;) {
      const int64_t in_group = column % group;
      block.b = words_on(problem.b, column * panel_k);
      block.columns = std::min(last_column - column, group - in_group);
      const int64_t shift = column / group * problem.group_offset + in_group;
      block.bias = problem.bias != nullptr ? problem.bias + in_group : nullptr;
      block.residual = problem.residual != nullptr ? problem.residual + shift : nullptr;
      block.dst = elements_on(problem.dst, shift, problem.dst_dtype);
      block.dst_dtype = problem.dst_dtype;
      for (const GemmSegment& part : parts) {
        block.segments = &part;
        block.sums_before = &part == &parts.front() ? nullptr : sums;
        block.sums_after = &part == &parts.back() ? nullptr : sums;
        gemm.multiply(block);
      }
      column += block.columns;
    }
  });
}

}  // namespace samc
