#include "media/ffmpeg_libraries.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>

#include "base/guard.h"

namespace samc {
namespace {

constexpr const char* kHint = "install ffmpeg 5.1 (Debian 12: apt-get install ffmpeg), or give a folder of images";

Result<void*> open_library(const char* name, int major) {
  const std::string file = fmt::format("lib{}.so.{}", name, major);
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return unsupported(fmt::format("videos need FFmpeg's libraries, and {} is missing", file), kHint);
  return library;
}

template <class Function>
Status find(void* library, const char* name, Function& function) {
  void* symbol = ::dlsym(library, name);
  if (symbol == nullptr) return unsupported(fmt::format("FFmpeg's libraries lack {}", name), kHint);
  function = reinterpret_cast<Function>(symbol);
  return Status::ok();
}

Result<Ffmpeg> load() {
  Ffmpeg ffmpeg;
  SAMC_ASSIGN(void* util, open_library("avutil", LIBAVUTIL_VERSION_MAJOR));
  SAMC_ASSIGN(void* codec, open_library("avcodec", LIBAVCODEC_VERSION_MAJOR));
  SAMC_ASSIGN(void* format, open_library("avformat", LIBAVFORMAT_VERSION_MAJOR));
  SAMC_ASSIGN(void* scale, open_library("swscale", LIBSWSCALE_VERSION_MAJOR));
#define SAMC_FFMPEG_FIND(name) SAMC_TRY(find(library, #name, ffmpeg.name));
  void* library = util;
  SAMC_AVUTIL_FUNCTIONS(SAMC_FFMPEG_FIND)
  library = codec;
  SAMC_AVCODEC_FUNCTIONS(SAMC_FFMPEG_FIND)
  library = format;
  SAMC_AVFORMAT_FUNCTIONS(SAMC_FFMPEG_FIND)
  library = scale;
  SAMC_SWSCALE_FUNCTIONS(SAMC_FFMPEG_FIND)
#undef SAMC_FFMPEG_FIND
  ffmpeg.av_log_set_level(AV_LOG_QUIET);  // an error is one line, and samc's
  return ffmpeg;
}

Status load_devices() {
  SAMC_ASSIGN(void* library, open_library("avdevice", LIBAVDEVICE_VERSION_MAJOR));
  decltype(&::avdevice_register_all) register_all = nullptr;
  SAMC_TRY(find(library, "avdevice_register_all", register_all));
  register_all();
  return Status::ok();
}

}  // namespace

std::string Ffmpeg::text(int code) const {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

Result<const Ffmpeg*> load_ffmpeg() {
  static const Result<Ffmpeg> loaded = guarded([] { return load(); });
  if (!loaded.is_ok()) return loaded.status();
  return &loaded.value();
}

Status load_ffmpeg_devices() {
  SAMC_TRY(load_ffmpeg().status());
  static const Status loaded = guarded([] { return load_devices(); });
  return loaded;
}

}  // namespace samc
