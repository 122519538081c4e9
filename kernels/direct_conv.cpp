#include "kernels/direct_conv.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

namespace samc {

SAMC_VECTOR_VARIANTS(direct_conv, DirectConvFunction)

namespace {

constexpr int64_t kMostK = 48;
constexpr int64_t kPieceWork = 128 * 1024;  // multiplications: some 5 microseconds, more than it takes to wake a thread
constexpr int64_t kTilePixels = 48;         // a multiple of the pixels of every tile

using Taps = std::array<DirectConvTap, kDirectConvMostTaps>;

Taps list_taps(const ConvParams& params) {
  Taps taps;
  const int64_t k = params.kernel_h * params.kernel_w * params.in_c;
  for (int64_t i = 0; i < k; ++i) {
    const int64_t tap = params.src_nchw ? i % (params.kernel_h * params.kernel_w) : i / params.in_c;
    const int64_t channel = params.src_nchw ? i / (params.kernel_h * params.kernel_w) : i % params.in_c;
    const int64_t y = tap / params.kernel_w;
    const int64_t x = tap % params.kernel_w;
    const int64_t offset =
        params.src_nchw ? (channel * params.in_h + y) * params.in_w + x : (y * params.in_w + x) * params.in_c + channel;
    taps[static_cast<size_t>(i)] = {offset, i, y, x};
  }
  return taps;
}

// Hands out pieces so that each worker keeps to its own part of the picture, call after call, while there is any of it
// left: that part of src and dst is in its core's cache, and fetching it from another's takes longer than multiplying
// it.
class PieceRanges {
 public:
  PieceRanges(int64_t pieces, int workers) : next_(static_cast<size_t>(workers)), ends_(next_.size()) {
    for (size_t worker = 0; worker < next_.size(); ++worker) {
      const auto index = static_cast<int64_t>(worker);
      next_[worker].store(pieces * index / workers);
      ends_[worker] = pieces * (index + 1) / workers;
    }
  }

  // To be called once for each piece: then there always is one.
  int64_t take(int worker) {
    for (size_t tries = 0; tries < next_.size(); ++tries) {
      const size_t range = (static_cast<size_t>(worker) + tries) % next_.size();
      const int64_t piece = next_[range].fetch_add(1);
      if (piece < ends_[range]) return piece;
    }
    SAMC_CHECK(false, "direct_conv has more calls than pieces");
    return 0;
  }

 private:
  std::vector<std::atomic<int64_t>> next_;
  std::vector<int64_t> ends_;
};

}  // namespace

bool direct_conv_pays(const ConvParams& params) {
  static_assert(kMostK <= kDirectConvMostTaps);
  return params.kernel_h * params.kernel_w * params.in_c <= kMostK;
}

void direct_conv(const ConvParams& params, const float* src, const float* weight, const float* bias,
                 const float* residual, float* dst, KernelContext& context) {
  SAMC_CHECK(direct_conv_pays(params), "direct_conv {} x {}, {} channels", params.kernel_h, params.kernel_w,
             params.in_c);
  DirectConvPiece whole{params, src, weight, bias, residual, dst};
  ConvParams& shape = whole.params;
  const bool pointwise = shape.kernel_h == 1 && shape.kernel_w == 1 && shape.stride_h == 1 && shape.stride_w == 1 &&
                         shape.pad_top == 0 && shape.pad_left == 0 && shape.in_h == shape.out_h &&
                         shape.in_w == shape.out_w;
  if (pointwise) {  // one long row
    shape.in_w *= shape.in_h;
    shape.out_w = shape.in_w;
    shape.in_h = shape.out_h = 1;
  }
  const Taps taps = list_taps(shape);
  whole.taps = taps.data();
  whole.tap_count = shape.kernel_h * shape.kernel_w * shape.in_c;
  whole.pixel_step = shape.src_nchw ? shape.stride_w : shape.stride_w * shape.in_c;
  whole.inner_first = std::min(shape.out_w, (shape.pad_left + shape.stride_w - 1) / shape.stride_w);
  const int64_t room = shape.in_w + shape.pad_left - shape.kernel_w;
  whole.inner_last = std::clamp<int64_t>(room < 0 ? 0 : room / shape.stride_w + 1, whole.inner_first, shape.out_w);

  const int64_t pixels = shape.out_h * shape.out_w;
  const int64_t unit = pointwise ? kTilePixels : shape.out_w;
  const int64_t work = unit * whole.tap_count * shape.out_c;
  SAMC_CHECK(unit > 0 && work > 0, "direct_conv to an empty picture");
  const int64_t piece_pixels = std::max<int64_t>(1, kPieceWork / work) * unit;
  DirectConvFunction* const run_piece = direct_conv_variants.choose(context);
  const int64_t pieces = (pixels + piece_pixels - 1) / piece_pixels;
  PieceRanges ranges(pieces, context.pool.threads());
  context.pool.run(pieces, [&](int64_t, int worker) {
    DirectConvPiece piece = whole;
    piece.first_pixel = ranges.take(worker) * piece_pixels;
    piece.last_pixel = std::min(pixels, piece.first_pixel + piece_pixels);
    run_piece(piece);
  });
}

}  // namespace samc
