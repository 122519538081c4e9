#include "kernels/deconv2x2.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/rounding.h"
#include "kernels/bf16.h"
#include "kernels/cache.h"
#include "kernels/gemm_run.h"
#include "kernels/layer_norm.h"

namespace samc {
namespace {

// Rows of pixels, from src on.
void pack_pixels(const Gemm& gemm, const Deconv2x2Params& params, const void* src, int64_t pixels, void* packed) {
  GemmRows rows;
  rows.src = src;
  rows.src_dtype = params.src_dtype;
  rows.row_stride = params.in_c;
  rows.rows = pixels;
  rows.k = params.in_c;
  rows.dst = packed;
  gemm.pack_rows(rows);
}

// When a row of two pixels does not fill whole panels: products go to scratch memory and from there to their places.
void scatter(const Deconv2x2Params& params, const void* src, const void* weight, const float* bias,
             const float* residual, void* dst, KernelContext& context) {
  constexpr int64_t kBlockRows = 84;
  const Gemm& gemm = choose_gemm(params.precision, context);
  const int64_t columns = 4 * params.out_c;
  const int64_t pixels = params.h * params.w;
  const int64_t packed = gemm.packed_rows_words(kBlockRows, params.in_c);
  context.pool.run((pixels + kBlockRows - 1) / kBlockRows, [&](int64_t piece, int worker) {
    const int64_t first = piece * kBlockRows;
    float* a = context.scratch.floats(worker, static_cast<size_t>(packed + kBlockRows * columns));
    float* products = a + packed;
    const int64_t rows = std::min(kBlockRows, pixels - first);
    pack_pixels(gemm, params, elements_on(src, first * params.in_c, params.src_dtype), rows, a);
    std::array<int64_t, kBlockRows> row_offsets;
    for (int64_t row = 0; row < rows; ++row) row_offsets[static_cast<size_t>(row)] = row * columns;
    GemmBlock block;
    block.a = a;
    block.b = weight;
    block.rows = rows;
    block.k = gemm.words(params.in_c);
    block.columns = columns;
    block.row_offsets = row_offsets.data();
    block.dst = products;
    gemm.multiply(block);
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t y = (first + row) / params.w;
      const int64_t x = (first + row) % params.w;
      for (int64_t column = 0; column < columns; ++column) {
        const int64_t channel = column % params.out_c;
        const int64_t corner = column / params.out_c;
        const int64_t place = ((2 * y + corner / 2) * 2 * params.w + 2 * x + corner % 2) * params.out_c + channel;
        float value = products[row * columns + column];
        if (bias != nullptr) value += bias[channel];
        if (residual != nullptr) value += residual[place];
        value = activate(value, params.activation);
        if (params.dst_dtype == DType::kBF16) {
          static_cast<uint16_t*>(dst)[place] = round_to_bf16(value);
        } else {
          static_cast<float*>(dst)[place] = value;
        }
      }
    }
  });
}

std::vector<float> twice(const float* bias, int64_t count) {
  std::vector<float> pair;
  for (int side = 0; side < 2 && bias != nullptr; ++side) pair.insert(pair.end(), bias, bias + count);
  return pair;
}

// With a finish: whole rows of pixels at a time.
class FinishedRows {
 public:
  FinishedRows(const Deconv2x2Params& params, const Deconv2x2Finish& finish, KernelContext& context)
      : params_(params),
        finish_(finish),
        context_(context),
        gemm_(choose_gemm(params.precision, context)),
        mix_gemm_(*gemm_variants.choose(context)),
        layer_norm_(layer_norm_variants.choose(context)),
        block_h_(std::clamp<int64_t>(kBlockPixels / params.w, 1, params.h)),
        packed_words_(gemm_.packed_rows_words(block_h_ * params.w, params.in_c)),
        mix_columns_(std::max<int64_t>(
            kMixBytes / static_cast<int64_t>(sizeof(float)) / params.out_c / kPanelColumns * kPanelColumns,
            kPanelColumns)) {
    const int64_t pair = 2 * params.out_c;
    for (int64_t pixel = 0; pixel < block_h_ * params.w; ++pixel)
      row_offsets_.push_back((pixel / params.w * 2 * params.w + pixel % params.w) * pair);
    for (int64_t mix = 0; mix < finish.mixes; ++mix) mix_offsets_.push_back(mix * 4 * params.h * params.w);
  }

  void run(const void* src, const void* weight, const float* bias, const float* residual, float* dst) const {
    const std::vector<float> pair_bias = twice(bias, params_.out_c);
    const int64_t block_pixels = block_h_ * params_.w;
    const int64_t values_size = 4 * block_pixels * params_.out_c;
    const int64_t mix_size = finish_.mixes > 0 ? packed_floats(params_.out_c, mix_columns_) : 0;
    context_.blocking = {block_pixels, 2 * params_.out_c, params_.in_c};
    // Pieces are runs of blocks, so that a worker knows what it reads next.
    const int64_t blocks = divide_up(params_.h, block_h_);
    const int64_t runs = std::min(blocks, kRunsOfThread * context_.pool.threads());
    context_.pool.run(runs, [&](int64_t run, int worker) {
      float* const packed =
          context_.scratch.floats(worker, static_cast<size_t>(packed_words_ + values_size + mix_size));
      float* const values = packed + packed_words_;
      const int64_t last = std::min(params_.h * params_.w, (run + 1) * blocks / runs * block_pixels);
      for (int64_t first = run * blocks / runs * block_pixels; first < last; first += block_pixels) {
        Block block;
        block.pixels = std::min(block_pixels, last - first);
        block.next_pixels = std::clamp<int64_t>(last - first - block_pixels, 0, block_pixels);
        block.src = elements_on(src, first * params_.in_c, params_.src_dtype);
        const int64_t place = 4 * first * params_.out_c;  // in residual, and in dst if nothing is mixed
        if (residual != nullptr) block.residual = residual + place;
        multiply(block, weight, bias == nullptr ? nullptr : pair_bias.data(), packed, values);
        const bool is_mixed = finish_.mixes > 0;
        if (finish_.norm)
          layer_norm_({values, finish_.norm_weight, finish_.norm_bias, is_mixed ? values : dst + place,
                       4 * block.pixels, params_.out_c, finish_.eps, params_.activation});
        if (is_mixed) mix(values, 4 * block.pixels, values + values_size, dst + 4 * first);
      }
    });
  }

 private:
  // About as many as a block of run_gemm has: the panels that pass by are used that often.
  static constexpr int64_t kBlockPixels = 128;
  static constexpr int64_t kRunsOfThread = 4;
  static constexpr int64_t kMixBytes = kL1Bytes * 3 / 4;

  struct Block {
    const void* src = nullptr;  // (pixels, in_c)
    const float* residual = nullptr;
    int64_t pixels = 0;
    int64_t next_pixels = 0;  // of the block that the same worker does next
  };

  // values (2 rows, 2 w, out_c) = rows of pixels times weight, + bias + residual, and the activation if no norm follows
  void multiply(const Block& now, const void* weight, const float* bias, float* packed, float* values) const {
    pack_pixels(gemm_, params_, now.src, now.pixels, packed);
    const int64_t pair = 2 * params_.out_c;
    GemmBlock block;
    block.a = packed;
    block.rows = now.pixels;
    block.k = gemm_.words(params_.in_c);
    block.columns = pair;
    block.row_offsets = row_offsets_.data();
    block.bias = bias;
    block.residual_first = true;
    block.activation = finish_.norm ? Activation::kNone : params_.activation;
    for (int64_t y = 0; y < 2; ++y) {
      const int64_t shift = y * params_.w * pair;
      block.b = words_on(weight, y * pair * block.k);
      block.residual = now.residual == nullptr ? nullptr : now.residual + shift;
      block.dst = values + shift;
      if (y == 0) {
        block.fetch = elements_on(now.src, now.pixels * params_.in_c, params_.src_dtype);
        block.fetch_bytes = now.next_pixels * params_.in_c * dtype_size(params_.src_dtype);
      } else {
        block.fetch = now.residual == nullptr ? nullptr : now.residual + 4 * now.pixels * params_.out_c;
        block.fetch_bytes = now.next_pixels * 4 * params_.out_c * dtype_size(DType::kF32);
      }
      gemm_.multiply(block);
    }
  }

  // dst (mixes, all pixels), from the block's first pixel on
  void mix(const float* values, int64_t pixels, float* packed, float* dst) const {
    const GemmSegment whole_row{0, 0, params_.out_c};
    for (int64_t first = 0; first < pixels; first += mix_columns_) {
      GemmColumns columns;
      columns.src = values + first * params_.out_c;
      columns.stride = params_.out_c;
      columns.transposed = true;
      columns.k = params_.out_c;
      columns.columns = std::min(mix_columns_, pixels - first);
      columns.dst = packed;
      mix_gemm_.pack_columns(columns);
      GemmBlock block;
      block.a = finish_.mix;
      block.row_stride = params_.out_c;
      block.segments = &whole_row;
      block.segment_count = 1;
      block.b = packed;
      block.rows = finish_.mixes;
      block.k = params_.out_c;
      block.columns = columns.columns;
      block.row_offsets = mix_offsets_.data();
      block.dst = dst + first;
      mix_gemm_.multiply(block);
    }
  }

  const Deconv2x2Params& params_;
  const Deconv2x2Finish& finish_;
  KernelContext& context_;
  const Gemm& gemm_;
  const Gemm& mix_gemm_;
  LayerNormFunction* layer_norm_;
  int64_t block_h_;       // rows of src in a block
  int64_t packed_words_;  // of a block's pixels
  int64_t mix_columns_;   // pixels of dst that are mixed at a time
  std::vector<int64_t> row_offsets_;
  std::vector<int64_t> mix_offsets_;
};

}  // namespace

void deconv2x2(const Deconv2x2Params& params, const void* src, const void* weight, const float* bias,
               const float* residual, void* dst, KernelContext& context, const Deconv2x2Finish& finish) {
  SAMC_CHECK(params.h >= 0 && params.w >= 0 && params.in_c > 0 && params.out_c > 0,
             "deconv2x2 {} x {}, {} -> {} channels", params.h, params.w, params.in_c, params.out_c);
  check_gemm_types(params.precision, params.src_dtype, params.dst_dtype);
  if (finish.is_there()) {
    SAMC_CHECK(params.out_c % kDeconv2x2FinishChannels == 0 && params.dst_dtype == DType::kF32,
               "deconv2x2 with a finish: {} channels of {}", params.out_c, dtype_name(params.dst_dtype));
    if (params.h * params.w == 0) return;
    return FinishedRows(params, finish, context).run(src, weight, bias, residual, static_cast<float*>(dst));
  }
  const int64_t pair = 2 * params.out_c;
  if (pair % kPanelColumns != 0) return scatter(params, src, weight, bias, residual, dst, context);
  const std::vector<float> pair_bias = twice(bias, params.out_c);
  GemmProblem problem;
  problem.precision = params.precision;
  problem.rows = params.h * params.w;
  problem.k = params.in_c;
  problem.columns = 2 * pair;
  problem.b = weight;
  problem.bias = bias != nullptr ? pair_bias.data() : nullptr;
  problem.residual = residual;
  problem.residual_first = true;
  problem.activation = params.activation;
  problem.dst = dst;
  problem.dst_dtype = params.dst_dtype;
  problem.plain_rows = src;
  problem.plain_dtype = params.src_dtype;
  problem.row_stride = params.in_c;
  problem.group_columns = pair;
  problem.group_offset = params.w * pair;
  const Gemm& gemm = choose_gemm(params.precision, context);
  run_gemm(
      problem,
      [&](int64_t first, int64_t count, void* packed, void*) {
        pack_pixels(gemm, params, elements_on(src, first * params.in_c, params.src_dtype), count, packed);
      },
      [&](int64_t first, int64_t count, int64_t* offsets) {
        for (int64_t row = 0; row < count; ++row) {
          const int64_t pixel = first + row;
          offsets[row] = (pixel / params.w * 2 * params.w + pixel % params.w) * pair;
        }
      },
      context);
}

}  // namespace samc
