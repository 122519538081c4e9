#pragma once
// Inside media/: FFmpeg's libraries, opened when the first video is. Linked in the usual way they would bring some 90
// more, and every call of samc, also one that sees no video, would take 50 ms longer to start (measured 2026-11-29,
// Debian 12). So a machine without them runs samc too, and is told what is missing.
//
// The libraries must be those that samc was compiled against, by their major versions: structures are read directly.

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavdevice/avdevice.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>

#include "base/status.h"

#define SAMC_AVUTIL_FUNCTIONS(f)                                                                                     \
  f(av_dict_free) f(av_dict_set) f(av_frame_alloc) f(av_frame_free) f(av_frame_get_buffer) f(av_frame_make_writable) \
      f(av_frame_unref) f(av_free) f(av_freep) f(av_get_pix_fmt_name) f(av_log_set_level) f(av_malloc) f(av_opt_set) \
          f(av_pix_fmt_desc_get) f(av_rescale_q) f(av_strerror)

#define SAMC_AVCODEC_FUNCTIONS(f)                                                                                  \
  f(av_packet_alloc) f(av_packet_free) f(av_packet_rescale_ts) f(av_packet_unref) f(avcodec_alloc_context3)        \
      f(avcodec_find_decoder) f(avcodec_find_encoder_by_name) f(avcodec_flush_buffers) f(avcodec_free_context)     \
          f(avcodec_get_name) f(avcodec_open2) f(avcodec_parameters_from_context) f(avcodec_parameters_to_context) \
              f(avcodec_receive_frame) f(avcodec_receive_packet) f(avcodec_send_frame) f(avcodec_send_packet)

#define SAMC_AVFORMAT_FUNCTIONS(f)                                                                            \
  f(av_find_best_stream) f(av_find_input_format) f(av_guess_frame_rate) f(av_read_frame) f(av_seek_frame)     \
      f(av_stream_get_side_data) f(av_write_frame) f(av_write_trailer) f(avformat_alloc_context)              \
          f(avformat_alloc_output_context2) f(avformat_close_input) f(avformat_find_stream_info)              \
              f(avformat_free_context) f(avformat_new_stream) f(avformat_open_input) f(avformat_write_header) \
                  f(avio_alloc_context) f(avio_closep) f(avio_context_free) f(avio_flush) f(avio_open) f(avio_seek)

#define SAMC_SWSCALE_FUNCTIONS(f) \
  f(sws_freeContext) f(sws_getCoefficients) f(sws_getContext) f(sws_scale) f(sws_setColorspaceDetails)

namespace samc {

// The functions under their own names: ffmpeg.av_read_frame(...).
struct Ffmpeg {
#define SAMC_FFMPEG_MEMBER(name) decltype(&::name) name = nullptr;
  SAMC_AVUTIL_FUNCTIONS(SAMC_FFMPEG_MEMBER)
  SAMC_AVCODEC_FUNCTIONS(SAMC_FFMPEG_MEMBER)
  SAMC_AVFORMAT_FUNCTIONS(SAMC_FFMPEG_MEMBER)
  SAMC_SWSCALE_FUNCTIONS(SAMC_FFMPEG_MEMBER)
#undef SAMC_FFMPEG_MEMBER

  // What FFmpeg says of one of its error codes.
  std::string text(int code) const;
};

// The same for every call, or why there is none: libraries are missing, or some of other versions. They stay until the
// process ends.
Result<const Ffmpeg*> load_ffmpeg();
// Makes cameras known to libavformat: libavdevice, which brings the windows of several desktops with it.
Status load_ffmpeg_devices();

// Objects of FFmpeg that end with their owner.
struct FfmpegDeleter {
  const Ffmpeg* ffmpeg = nullptr;
  void operator()(AVFrame* frame) const { ffmpeg->av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { ffmpeg->av_packet_free(&packet); }
  void operator()(AVCodecContext* codec) const { ffmpeg->avcodec_free_context(&codec); }
  void operator()(SwsContext* scaler) const { ffmpeg->sws_freeContext(scaler); }
};
template <class T>
using FfmpegPointer = std::unique_ptr<T, FfmpegDeleter>;

}  // namespace samc
