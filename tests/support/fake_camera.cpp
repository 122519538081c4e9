// A camera for tests, preloaded into samc: opening FAKE_CAMERA gives a V4L2 device of 64 x 48 pixels in YUYV, whose
// frames show a white square that stays where it is. Behind the twelfth it fails, as an unplugged camera does.

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

namespace {

constexpr unsigned kWidth = 64, kHeight = 48, kSize = 2 * kWidth * kHeight;
constexpr unsigned kMostBuffers = 32, kFrames = 12;
constexpr size_t kStride = 8192;  // whole pages
static_assert(kSize <= kStride);

struct Camera {
  int descriptor = -1;
  unsigned given = 0;
  std::array<bool, kMostBuffers> queued{};
};
Camera camera;

template <class Function>
Function next(const char* name) {
  void* symbol = ::dlsym(RTLD_NEXT, name);
  Function function = nullptr;
  static_assert(sizeof function == sizeof symbol);
  std::memcpy(&function, &symbol, sizeof function);
  return function;
}

int open_camera() {
  camera.descriptor = ::memfd_create("fake camera", MFD_CLOEXEC);
  if (camera.descriptor >= 0 && ::ftruncate(camera.descriptor, kMostBuffers * kStride) != 0) return -1;
  return camera.descriptor;
}

int open_file(const char* function, const char* path, int flags, mode_t mode) {
  const char* name = std::getenv("FAKE_CAMERA");
  if (name != nullptr && std::strcmp(path, name) == 0) return open_camera();
  return next<int (*)(const char*, int, ...)>(function)(path, flags, mode);
}

void draw(unsigned buffer) {
  std::array<unsigned char, kSize> pixels{};
  for (unsigned y = 0; y < kHeight; ++y)
    for (unsigned x = 0; x < kWidth; ++x) {
      const bool on = x >= 20 && x < 28 && y >= 20 && y < 28;
      pixels[2 * (y * kWidth + x)] = on ? 235 : 16;
      pixels[2 * (y * kWidth + x) + 1] = 128;
    }
  (void)!::pwrite(camera.descriptor, pixels.data(), pixels.size(), static_cast<off_t>(buffer * kStride));
}

int fail(int code) {
  errno = code;
  return -1;
}

int give_frame(v4l2_buffer& buffer) {
  if (camera.given == kFrames) return fail(ENODEV);
  for (unsigned i = 0; i < kMostBuffers; ++i) {
    if (!camera.queued[i]) continue;
    camera.queued[i] = false;
    draw(i);
    buffer.index = i;
    buffer.bytesused = kSize;
    buffer.flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer.sequence = camera.given;
    buffer.timestamp = {static_cast<time_t>(1000 + camera.given / 10),
                        static_cast<suseconds_t>(camera.given % 10 * 100'000)};
    ++camera.given;
    return 0;
  }
  return fail(EAGAIN);
}

int answer(unsigned long request, void* argument) {
  switch (request) {
    case VIDIOC_QUERYCAP:
      static_cast<v4l2_capability*>(argument)->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
      return 0;
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT: {
      v4l2_pix_format& format = static_cast<v4l2_format*>(argument)->fmt.pix;
      format.width = kWidth;
      format.height = kHeight;
      format.pixelformat = V4L2_PIX_FMT_YUYV;
      format.field = V4L2_FIELD_NONE;
      format.bytesperline = 2 * kWidth;
      format.sizeimage = kSize;
      return 0;
    }
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM:
      static_cast<v4l2_streamparm*>(argument)->parm.capture.timeperframe = {1, 10};
      return 0;
    case VIDIOC_REQBUFS: {
      auto& asked = *static_cast<v4l2_requestbuffers*>(argument);
      if (asked.count > kMostBuffers) asked.count = kMostBuffers;
      return 0;
    }
    case VIDIOC_QUERYBUF: {
      auto& buffer = *static_cast<v4l2_buffer*>(argument);
      buffer.length = kSize;
      buffer.m.offset = static_cast<unsigned>(buffer.index * kStride);
      return 0;
    }
    case VIDIOC_QBUF:
      camera.queued.at(static_cast<v4l2_buffer*>(argument)->index) = true;
      return 0;
    case VIDIOC_DQBUF:
      return give_frame(*static_cast<v4l2_buffer*>(argument));
    case VIDIOC_G_INPUT:
    case VIDIOC_ENUMINPUT:
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
      return 0;
    default:
      return fail(ENOTTY);
  }
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return open_file("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  return open_file("open64", path, flags, mode);
}

int ioctl(int descriptor, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  // As an int of 32 bits, sign extended or not, a request means the same.
  if (descriptor == camera.descriptor && descriptor >= 0) return answer(request & 0xffffffffu, argument);
  return next<int (*)(int, unsigned long, void*)>("ioctl")(descriptor, request, argument);
}

}  // extern "C"
