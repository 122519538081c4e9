#include "kernels/conv.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/direct_conv.h"
#include "kernels/gemm_run.h"

namespace samc {
namespace {

// The part [first, last) of a kernel axis that lies inside the picture when its tap 0 is at start.
struct Taps {
  Taps(int64_t start, int64_t kernel, int64_t extent)
      : first(std::clamp<int64_t>(-start, 0, kernel)), last(std::clamp<int64_t>(extent - start, first, kernel)) {}
  int64_t first;
  int64_t last;
};

// Short runs are copied eight elements at a time: what is written too much is overwritten by the next run.
constexpr int64_t kRun = 8;

// dst has kRun elements of room behind the patch. Element: float or, of bf16, uint16_t.
template <class Element>
void gather_nhwc(const ConvParams& params, const Element* src, int64_t y, int64_t x, Element* dst) {
  const int64_t top = y * params.stride_h - params.pad_top;
  const int64_t left = x * params.stride_w - params.pad_left;
  const Taps across(left, params.kernel_w, params.in_w);
  const Taps down(top, params.kernel_h, params.in_h);
  const int64_t line = params.kernel_w * params.in_c;
  const int64_t first = (top * params.in_w + left) * params.in_c;
  const int64_t row = params.in_w * params.in_c;
  const bool whole =
      down.first == 0 && down.last == params.kernel_h && across.first == 0 && across.last == params.kernel_w;
  if (whole && line <= 8 * kRun && first + (params.kernel_h - 1) * row + line + kRun <= params.in_h * row) {
    for (const Element* from = src + first; from <= src + first + (params.kernel_h - 1) * row;
         from += row, dst += line) {
      for (int64_t i = 0; i < line; i += kRun) std::memcpy(dst + i, from + i, kRun * sizeof(Element));
    }
    return;
  }
  for (int64_t tap = 0; tap < params.kernel_h; ++tap, dst += line) {
    if (tap < down.first || tap >= down.last) {
      std::fill_n(dst, line, Element{0});
      continue;
    }
    const Element* from = src + ((top + tap) * params.in_w + left) * params.in_c;
    std::fill_n(dst, across.first * params.in_c, Element{0});
    std::memcpy(dst + across.first * params.in_c, from + across.first * params.in_c,
                static_cast<size_t>((across.last - across.first) * params.in_c) * sizeof(Element));
    std::fill_n(dst + across.last * params.in_c, (params.kernel_w - across.last) * params.in_c, Element{0});
  }
}

// As gather_nhwc.
template <class Element>
void gather_nchw(const ConvParams& params, const Element* src, int64_t y, int64_t x, Element* dst) {
  const int64_t top = y * params.stride_h - params.pad_top;
  const int64_t left = x * params.stride_w - params.pad_left;
  const Taps across(left, params.kernel_w, params.in_w);
  const Taps down(top, params.kernel_h, params.in_h);
  const bool whole = down.first == 0 && down.last == params.kernel_h && left >= 0 && left + kRun <= params.in_w &&
                     params.kernel_w <= kRun;
  for (int64_t channel = 0; channel < params.in_c; ++channel) {
    const Element* plane = src + channel * params.in_h * params.in_w;
    for (int64_t tap = 0; tap < params.kernel_h; ++tap, dst += params.kernel_w) {
      const Element* from = plane + (top + tap) * params.in_w + left;
      if (whole) {
        std::memcpy(dst, from, kRun * sizeof(Element));
        continue;
      }
      const bool inside = tap >= down.first && tap < down.last;
      for (int64_t i = 0; i < params.kernel_w; ++i) {
        dst[i] = inside && i >= across.first && i < across.last ? from[i] : Element{0};
      }
    }
  }
}

// Gathers the patches of pixels and packs them. patches has room for a tile's rows of pitch elements.
class PatchPacker {
 public:
  PatchPacker(const ConvParams& params, const void* src, const Gemm& gemm)
      : params_(params), src_(src), k_(params.kernel_h * params.kernel_w * params.in_c), gemm_(gemm) {}

  int64_t k() const { return k_; }
  int64_t pitch() const { return k_ + kRun; }
  int64_t patches_floats() const { return pitch() * gemm_.tile_rows; }

  // pixel_at(i) for i in [0, count). A tile at a time, so that its patches are still in the L1 cache when it is packed.
  template <class PixelAt>
  void pack(int64_t count, const PixelAt& pixel_at, void* packed, void* patches) const {
    const int64_t tile_rows = gemm_.tile_rows;
    GemmRows rows;
    rows.k = k_;
    rows.src = patches;
    rows.src_dtype = params_.src_dtype;
    rows.row_stride = pitch();
    for (int64_t done = 0; done < count; done += tile_rows) {
      rows.rows = std::min(tile_rows, count - done);
      for (int64_t row = 0; row < rows.rows; ++row) {
        if (params_.src_dtype == DType::kF32) {
          gather<float>(pixel_at(done + row), row, patches);
        } else {
          gather<uint16_t>(pixel_at(done + row), row, patches);
        }
      }
      rows.dst = elements_on(packed, gemm_.packed_rows_words(done, k_), DType::kF32);
      gemm_.pack_rows(rows);
    }
  }

 private:
  template <class Element>
  void gather(int64_t pixel, int64_t row, void* patches) const {
    const int64_t y = pixel / params_.out_w;
    const int64_t x = pixel % params_.out_w;
    Element* const patch = static_cast<Element*>(patches) + row * pitch();
    const auto* const src = static_cast<const Element*>(src_);
    if (params_.src_nchw) {
      gather_nchw<Element>(params_, src, y, x, patch);
    } else {
      gather_nhwc<Element>(params_, src, y, x, patch);
    }
  }

  const ConvParams& params_;
  const void* src_;
  int64_t k_;
  const Gemm& gemm_;
};

// Patches of neighbouring pixels of a row begin stride_w pixels apart: a matrix of plain rows that overlap, in as many
// segments as a patch has runs of memory. So they are multiplied where they lie; only the patches that reach over the
// left or right edge are gathered. Runs over the upper or lower edge are left out.
class InPlaceConv {
 public:
  InPlaceConv(const ConvParams& params, const void* src, const void* weight, const float* bias, const float* residual,
              void* dst, const Gemm& gemm)
      : params_(params), src_(src), packer_(params, src, gemm), gemm_(gemm) {
    block_.b = weight;
    block_.k = gemm.words(params.kernel_h * params.kernel_w * params.in_c);
    block_.columns = params.out_c;
    block_.bias = bias;
    block_.residual = residual;
    block_.activation = params.activation;
    block_.dst = dst;
    block_.dst_dtype = params.dst_dtype;
    block_.row_stride = (params.src_nchw ? params.stride_w : params.stride_w * params.in_c) / gemm.word_elements;
    // Patches of pixels [first_, last_) of a row lie between the left and the right edge.
    first_ = std::min(params.out_w, (params.pad_left + params.stride_w - 1) / params.stride_w);
    const int64_t room = params.in_w + params.pad_left - params.kernel_w;
    last_ = std::clamp<int64_t>(room < 0 ? 0 : room / params.stride_w + 1, first_, params.out_w);
  }

  // In bf16 every run of memory has to be whole words, as many as a variant wants.
  bool possible() const {
    return params_.precision == Precision::kF32 || (params_.src_dtype == DType::kBF16 && !params_.src_nchw &&
                                                    params_.in_c % (gemm_.plain_words * gemm_.word_elements) == 0);
  }
  // When most patches touch an edge, gathering them all wastes less. Independent of the number of threads.
  bool pays() const { return 2 * (last_ - first_) >= params_.out_w && params_.out_h >= kLeastRows; }

  void run(KernelContext& context) const {
    const int64_t rows_of_piece =
        std::clamp<int64_t>(kPieceWork / (params_.out_w * params_.out_c * block_.k), 1, kMostPieceRows);
    context.pool.run((params_.out_h + rows_of_piece - 1) / rows_of_piece, [&](int64_t piece, int worker) {
      const int64_t first = piece * rows_of_piece;
      const int64_t last = std::min(params_.out_h, first + rows_of_piece);
      multiply_inner(first, last);
      multiply_edges(first, last, context.scratch, worker);
    });
  }

 private:
  static constexpr int64_t kLeastRows = 8;
  static constexpr int64_t kPieceWork = 1024 * 1024;  // multiplications
  static constexpr int64_t kMostPieceRows = 16;

  void multiply_inner(int64_t first_row, int64_t last_row) const {
    const ConvParams& p = params_;
    const int64_t left = first_ * p.stride_w - p.pad_left;
    const int64_t planes = p.src_nchw ? p.in_c : 1;
    const int64_t pixel = p.src_nchw ? 1 : p.in_c;
    const int64_t run = p.kernel_w * pixel;
    const int64_t pair = gemm_.word_elements;
    std::vector<GemmSegment> segments;
    std::vector<int64_t> row_offsets;
    for (int64_t x = first_; x < last_; ++x) row_offsets.push_back(x * p.out_c);
    GemmBlock block = block_;
    block.a = src_;
    block.rows = last_ - first_;
    block.row_offsets = row_offsets.data();
    const int64_t row_elements = p.out_w * p.out_c;
    for (int64_t y = first_row; y < last_row; ++y) {
      const int64_t top = y * p.stride_h - p.pad_top;
      const Taps down(top, p.kernel_h, p.in_h);
      segments.clear();
      for (int64_t plane = 0; plane < planes; ++plane) {
        for (int64_t tap = down.first; tap < down.last; ++tap) {
          const int64_t offset = ((plane * p.in_h + top + tap) * p.in_w + left) * pixel;
          segments.push_back({offset / pair, (plane * p.kernel_h + tap) * run / pair, run / pair});
        }
      }
      block.segments = segments.data();
      block.segment_count = static_cast<int64_t>(segments.size());
      block.dst = elements_on(block_.dst, y * row_elements, block_.dst_dtype);
      block.residual = block_.residual == nullptr ? nullptr : block_.residual + y * row_elements;
      gemm_.multiply(block);
    }
  }

  void multiply_edges(int64_t first_row, int64_t last_row, Scratch& scratch, int worker) const {
    std::vector<int64_t> pixels;
    for (int64_t y = first_row; y < last_row; ++y) {
      for (int64_t x = 0; x < params_.out_w; x = x + 1 == first_ ? last_ : x + 1) {
        if (x < first_ || x >= last_) pixels.push_back(y * params_.out_w + x);
      }
    }
    if (pixels.empty()) return;
    const auto count = static_cast<int64_t>(pixels.size());
    const int64_t packed_size = gemm_.packed_rows_words(count, packer_.k());
    float* packed = scratch.floats(worker, static_cast<size_t>(packed_size + packer_.patches_floats()));
    packer_.pack(
        count, [&](int64_t i) { return pixels[static_cast<size_t>(i)]; }, packed, packed + packed_size);
    for (int64_t& pixel : pixels) pixel *= params_.out_c;
    GemmBlock block = block_;
    block.a = packed;
    block.row_stride = 0;
    block.rows = count;
    block.row_offsets = pixels.data();
    gemm_.multiply(block);
  }

  const ConvParams& params_;
  const void* src_;
  PatchPacker packer_;
  const Gemm& gemm_;
  GemmBlock block_;
  int64_t first_ = 0;
  int64_t last_ = 0;
};

}  // namespace

void conv(const ConvParams& params, const void* src, const void* weight, const float* bias, const float* residual,
          void* dst, KernelContext& context) {
  SAMC_CHECK(params.in_c > 0 && params.kernel_h > 0 && params.kernel_w > 0 && params.stride_h > 0 &&
                 params.stride_w > 0 && params.out_h >= 0 && params.out_w >= 0 && params.out_c >= 0 &&
                 params.pad_top >= 0 && params.pad_left >= 0,
             "conv {} x {}, {} -> {} channels", params.kernel_h, params.kernel_w, params.in_c, params.out_c);
  check_gemm_types(params.precision, params.src_dtype, params.dst_dtype);
  GemmProblem problem;
  problem.precision = params.precision;
  problem.rows = params.out_h * params.out_w;
  problem.k = params.kernel_h * params.kernel_w * params.in_c;
  problem.columns = params.out_c;
  problem.b = weight;
  problem.bias = bias;
  problem.residual = residual;
  problem.activation = params.activation;
  problem.dst = dst;
  problem.dst_dtype = params.dst_dtype;
  const bool pointwise = params.kernel_h == 1 && params.kernel_w == 1 && params.stride_h == 1 && params.stride_w == 1 &&
                         params.pad_top == 0 && params.pad_left == 0 && params.in_h == params.out_h &&
                         params.in_w == params.out_w && !params.src_nchw;
  if (problem.rows == 0 || problem.columns == 0) return;
  if (params.precision == Precision::kF32 && direct_conv_pays(params)) {
    return direct_conv(params, static_cast<const float*>(src), static_cast<const float*>(weight), bias, residual,
                       static_cast<float*>(dst), context);
  }
  const Gemm& gemm = choose_gemm(params.precision, context);
  const PatchPacker packer(params, src, gemm);
  if (pointwise) {
    problem.plain_rows = src;
    problem.plain_dtype = params.src_dtype;
    problem.row_stride = problem.k;
  } else {
    const InPlaceConv in_place(params, src, weight, bias, residual, dst, gemm);
    if (in_place.possible() && in_place.pays()) return in_place.run(context);
    problem.extra_floats = packer.patches_floats();
  }
  run_gemm(
      problem,
      [&](int64_t first, int64_t count, void* packed, void* patches) {
        if (!pointwise)
          return packer.pack(
              count, [&](int64_t i) { return first + i; }, packed, patches);
        GemmRows rows;
        rows.k = problem.k;
        rows.src = elements_on(src, first * problem.k, params.src_dtype);
        rows.src_dtype = params.src_dtype;
        rows.row_stride = problem.k;
        rows.rows = count;
        rows.dst = packed;
        gemm.pack_rows(rows);
      },
      [&](int64_t first, int64_t count, int64_t* offsets) {
        for (int64_t row = 0; row < count; ++row) offsets[row] = (first + row) * params.out_c;
      },
      context);
}

}  // namespace samc
