#include "media/frame_converter.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "media/exif.h"

namespace samc {
namespace {

bool is_hdr(const AVFrame& frame) {
  return frame.color_trc == AVCOL_TRC_SMPTE2084 || frame.color_trc == AVCOL_TRC_ARIB_STD_B67;
}

// As sws_getCoefficients() numbers them.
int matrix_of(const AVFrame& frame) {
  switch (frame.colorspace) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return SWS_CS_ITU601;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    default:
      constexpr int kHdWidth = 1280, kSdHeight = 576;
      return frame.width >= kHdWidth || frame.height > kSdHeight ? SWS_CS_ITU709 : SWS_CS_ITU601;
  }
}

// The formats whose name says that they are of full range; libswscale wants the others, with the range beside.
bool is_full_range(const AVFrame& frame) {
  switch (frame.format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P:
      return true;
    default:
      return frame.color_range == AVCOL_RANGE_JPEG;
  }
}

AVPixelFormat plain_format(const AVFrame& frame) {
  switch (frame.format) {
    case AV_PIX_FMT_YUVJ420P:
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
      return AV_PIX_FMT_YUV411P;
    default:
      return static_cast<AVPixelFormat>(frame.format);
  }
}

}  // namespace

int orientation_of(const Ffmpeg& ffmpeg, const AVStream& stream) {
  size_t size = 0;
  const uint8_t* data = ffmpeg.av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  std::array<int32_t, 9> matrix{};
  if (data == nullptr || size < sizeof matrix) return 1;
  std::memcpy(matrix.data(), data, sizeof matrix);
  // x' = a x + c y, y' = b x + d y, with y downwards.
  const auto sign = [](int32_t value) {
    constexpr int32_t kHalf = 1 << 15;
    return value > kHalf ? 1 : value < -kHalf ? -1 : 0;
  };
  const std::array<int, 4> turn{sign(matrix[0]), sign(matrix[1]), sign(matrix[3]), sign(matrix[4])};
  constexpr std::array<std::array<int, 4>, 8> kTurns{{{1, 0, 0, 1},
                                                      {-1, 0, 0, 1},
                                                      {-1, 0, 0, -1},
                                                      {1, 0, 0, -1},
                                                      {0, 1, 1, 0},
                                                      {0, 1, -1, 0},
                                                      {0, -1, -1, 0},
                                                      {0, -1, 1, 0}}};
  for (size_t i = 0; i < kTurns.size(); ++i)
    if (turn == kTurns[i]) return static_cast<int>(i) + 1;
  return 1;
}

Status FrameConverter::prepare(const AVFrame& frame, AVPixelFormat target) {
  const int range = is_full_range(frame) ? 1 : 0, colours = matrix_of(frame);
  if (scaler_ != nullptr && format_ == frame.format && colours_ == colours && range_ == range && target_ == target)
    return Status::ok();
  // Chroma is interpolated for each pixel, and sums are rounded: without these flags libswscale repeats and cuts off.
  constexpr int kFlags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP;
  scaler_ =
      FfmpegPointer<SwsContext>(ffmpeg_->sws_getContext(frame.width, frame.height, plain_format(frame), frame.width,
                                                        frame.height, target, kFlags, nullptr, nullptr, nullptr),
                                FfmpegDeleter{ffmpeg_});
  if (scaler_ == nullptr) {
    const char* name = ffmpeg_->av_get_pix_fmt_name(static_cast<AVPixelFormat>(frame.format));
    return unsupported(fmt::format("frames of the pixel format {} cannot be converted", name == nullptr ? "?" : name),
                       "convert the video to yuv420p");
  }
  constexpr int kOne = 1 << 16;
  const int* matrix = ffmpeg_->sws_getCoefficients(colours);
  // Formats that are RGB already know no matrix, and are left as they are.
  (void)ffmpeg_->sws_setColorspaceDetails(scaler_.get(), matrix, range, matrix, 1, 0, kOne, kOne);
  format_ = frame.format;
  colours_ = colours;
  range_ = range;
  target_ = target;
  return Status::ok();
}

Result<Image> FrameConverter::convert(const AVFrame& frame, int orientation) {
  const bool hdr = is_hdr(frame);
  SAMC_TRY(prepare(frame, hdr ? AV_PIX_FMT_RGB48LE : AV_PIX_FMT_RGB24));
  // libswscale may write whole vectors beyond a row's end.
  constexpr size_t kVector = 64;
  const size_t row_values = static_cast<size_t>(frame.width) * 3, row_bytes = row_values * (hdr ? 2 : 1);
  const size_t stride = (row_bytes + 2 * kVector - 1) / kVector * kVector;
  rows_.resize(stride * static_cast<size_t>(frame.height));
  uint8_t* target = rows_.data();
  const int target_stride = static_cast<int>(stride);
  const int rows =
      ffmpeg_->sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, &target, &target_stride);
  if (rows != frame.height) return invalid_input("a frame cannot be converted to RGB");
  Image image(frame.width, frame.height);
  for (int y = 0; y < frame.height; ++y) {
    const uint8_t* row = rows_.data() + stride * static_cast<size_t>(y);
    if (hdr)
      tone_map(frame.color_trc == AVCOL_TRC_SMPTE2084 ? HdrCurve::kPq : HdrCurve::kHlg,
               {reinterpret_cast<const uint16_t*>(row), row_values}, {image.row(y), row_values});
    else
      std::memcpy(image.row(y), row, row_values);
  }
  return oriented(std::move(image), orientation);
}

}  // namespace samc
