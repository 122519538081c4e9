#include "media/ffmpeg_libraries.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

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

// A function of a library, and where its address goes in Ffmpeg.
struct Function {
  const char* name;
  size_t place;
};
#define SAMC_FFMPEG_FUNCTION(name) Function{#name, offsetof(Ffmpeg, name)},
constexpr Function kUtil[] = {SAMC_AVUTIL_FUNCTIONS(SAMC_FFMPEG_FUNCTION)};
constexpr Function kCodec[] = {SAMC_AVCODEC_FUNCTIONS(SAMC_FFMPEG_FUNCTION)};
constexpr Function kFormat[] = {SAMC_AVFORMAT_FUNCTIONS(SAMC_FFMPEG_FUNCTION)};
constexpr Function kScale[] = {SAMC_SWSCALE_FUNCTIONS(SAMC_FFMPEG_FUNCTION)};
#undef SAMC_FFMPEG_FUNCTION
static_assert(sizeof(void*) == sizeof(void (*)()), "addresses of functions are copied as dlsym gives them");

Result<void*> find(void* library, const char* name) {
  void* symbol = ::dlsym(library, name);
  if (symbol == nullptr) return unsupported(fmt::format("FFmpeg's libraries lack {}", name), kHint);
  return symbol;
}

Status load_into(Ffmpeg& ffmpeg, const char* library_name, int major, std::span<const Function> functions) {
  SAMC_ASSIGN(void* library, open_library(library_name, major));
  for (const Function& function : functions) {
    SAMC_ASSIGN(void* symbol, find(library, function.name));
    std::memcpy(reinterpret_cast<std::byte*>(&ffmpeg) + function.place, &symbol, sizeof symbol);
  }
  return Status::ok();
}

Result<Ffmpeg> load() {
  Ffmpeg ffmpeg;
  SAMC_TRY(load_into(ffmpeg, "avutil", LIBAVUTIL_VERSION_MAJOR, kUtil));
  SAMC_TRY(load_into(ffmpeg, "avcodec", LIBAVCODEC_VERSION_MAJOR, kCodec));
  SAMC_TRY(load_into(ffmpeg, "avformat", LIBAVFORMAT_VERSION_MAJOR, kFormat));
  SAMC_TRY(load_into(ffmpeg, "swscale", LIBSWSCALE_VERSION_MAJOR, kScale));
  ffmpeg.av_log_set_level(AV_LOG_QUIET);  // an error is one line, and samc's
  return ffmpeg;
}

Status load_devices() {
  SAMC_ASSIGN(void* library, open_library("avdevice", LIBAVDEVICE_VERSION_MAJOR));
  SAMC_ASSIGN(void* symbol, find(library, "avdevice_register_all"));
  reinterpret_cast<decltype(&::avdevice_register_all)>(symbol)();
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
