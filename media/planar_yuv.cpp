#include "media/planar_yuv.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace samc {
namespace {

struct Plane {
  const uint8_t* bytes = nullptr;
  int width = 0, height = 0;
  int bits = 8;

  // On the scale of 8 bits.
  float at(int x, int y) const {
    const size_t place = static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
    if (bits == 8) return bytes[place];
    const int value = bytes[2 * place] | bytes[2 * place + 1] << 8;
    return static_cast<float>(value) / static_cast<float>(1 << (bits - 8));
  }
};

// Two neighbours and how much of the second.
struct Tap {
  int first = 0, second = 0;
  float share = 0;
};

// Where each of `count` places lies among `samples`, each of which stands for `step` places.
std::vector<Tap> make_taps(int count, int samples, int step, bool is_first_sited) {
  std::vector<Tap> taps(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    const float half = is_first_sited ? 0.0f : 0.5f;
    const float place = std::clamp((static_cast<float>(i) + half) / static_cast<float>(step) - half, 0.0f,
                                   static_cast<float>(samples - 1));
    const int first = static_cast<int>(place);
    taps[static_cast<size_t>(i)] = {first, std::min(first + 1, samples - 1), place - static_cast<float>(first)};
  }
  return taps;
}

// One row of brightness columns, from the colour plane around it.
void colour_row(const Plane& plane, const Tap& rows, const std::vector<Tap>& columns, std::vector<float>& between,
                std::vector<float>& out) {
  between.resize(static_cast<size_t>(plane.width));
  for (int x = 0; x < plane.width; ++x)
    between[static_cast<size_t>(x)] =
        plane.at(x, rows.first) * (1 - rows.share) + plane.at(x, rows.second) * rows.share;
  out.resize(columns.size());
  for (size_t x = 0; x < columns.size(); ++x) {
    const Tap& tap = columns[x];
    out[x] = between[static_cast<size_t>(tap.first)] * (1 - tap.share) +
             between[static_cast<size_t>(tap.second)] * tap.share;
  }
}

uint8_t to_byte(float value) { return static_cast<uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f)); }

}  // namespace

size_t PlanarFormat::frame_bytes() const {
  const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
  const size_t colours = static_cast<size_t>(colour_width()) * static_cast<size_t>(colour_height());
  return (pixels * (has_alpha ? 2 : 1) + (is_grey ? 0 : 2 * colours)) * (bits > 8 ? 2 : 1);
}

Image planar_to_rgb(const PlanarFormat& format, std::span<const uint8_t> frame) {
  SAMC_CHECK(frame.size() == format.frame_bytes(), "{} bytes for a frame of {}", frame.size(), format.frame_bytes());
  constexpr int kHdWidth = 1280, kSdHeight = 576;
  const bool is_hd = format.width >= kHdWidth || format.height > kSdHeight;
  const float kr = is_hd ? 0.2126f : 0.299f, kb = is_hd ? 0.0722f : 0.114f, kg = 1 - kr - kb;
  const float low = format.is_full_range ? 0.0f : 16.0f;
  const float light = format.is_full_range ? 1.0f : 255.0f / 219, colour = format.is_full_range ? 1.0f : 255.0f / 224;

  const size_t sample = format.bits > 8 ? 2 : 1;
  const Plane luma{frame.data(), format.width, format.height, format.bits};
  const size_t luma_bytes = static_cast<size_t>(format.width) * static_cast<size_t>(format.height) * sample;
  const int colour_width = format.colour_width(), colour_height = format.colour_height();
  const size_t colour_bytes = static_cast<size_t>(colour_width) * static_cast<size_t>(colour_height) * sample;
  const Plane blue{frame.data() + luma_bytes, colour_width, colour_height, format.bits};
  const Plane red{frame.data() + luma_bytes + colour_bytes, colour_width, colour_height, format.bits};

  const std::vector<Tap> columns = make_taps(format.width, colour_width, format.across, format.is_left_sited);
  const std::vector<Tap> rows = make_taps(format.height, colour_height, format.down, false);
  std::vector<float> between, cb(static_cast<size_t>(format.width), 128), cr = cb;
  Image image(format.width, format.height);
  for (int y = 0; y < format.height; ++y) {
    if (!format.is_grey) {
      colour_row(blue, rows[static_cast<size_t>(y)], columns, between, cb);
      colour_row(red, rows[static_cast<size_t>(y)], columns, between, cr);
    }
    uint8_t* out = image.row(y);
    for (int x = 0; x < format.width; ++x) {
      const float value = (luma.at(x, y) - low) * light;
      const float b = (cb[static_cast<size_t>(x)] - 128) * colour, r = (cr[static_cast<size_t>(x)] - 128) * colour;
      out[3 * x] = to_byte(value + 2 * (1 - kr) * r);
      out[3 * x + 1] = to_byte(value - 2 * (1 - kr) * kr / kg * r - 2 * (1 - kb) * kb / kg * b);
      out[3 * x + 2] = to_byte(value + 2 * (1 - kb) * b);
    }
  }
  return image;
}

}  // namespace samc
