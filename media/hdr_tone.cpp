#include "media/hdr_tone.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "base/check.h"

namespace samc {
namespace {

constexpr size_t kCodes = 65536;
constexpr float kReferenceWhite = 203, kPeak = 1000;  // nits
constexpr float kWhiteLevel = 0.8f;                   // of the light of the result, for the reference white

using Table = std::array<float, kCodes>;

// ST 2084's EOTF.
double pq_nits(double signal) {
  constexpr double m1 = 2610.0 / 16384, m2 = 2523.0 / 4096 * 128;
  constexpr double c1 = 3424.0 / 4096, c2 = 2413.0 / 4096 * 32, c3 = 2392.0 / 4096 * 32;
  const double power = std::pow(signal, 1 / m2);
  return 10'000 * std::pow(std::max(power - c1, 0.0) / (c2 - c3 * power), 1 / m1);
}

// B67's inverse OETF: light of the scene, 0 to 1.
double hlg_scene(double signal) {
  constexpr double a = 0.17883277, b = 0.28466892, c = 0.55991073;
  return signal <= 0.5 ? signal * signal / 3 : (std::exp((signal - c) / a) + b) / 12;
}

std::unique_ptr<Table> make_table(HdrCurve curve) {
  auto table = std::make_unique<Table>();
  for (size_t i = 0; i < kCodes; ++i) {
    const double signal = static_cast<double>(i) / (kCodes - 1);
    (*table)[i] = static_cast<float>(curve == HdrCurve::kPq ? pq_nits(signal) : hlg_scene(signal));
  }
  return table;
}

const Table& table_of(HdrCurve curve) {
  static const std::unique_ptr<Table> pq = make_table(HdrCurve::kPq), hlg = make_table(HdrCurve::kHlg);
  return curve == HdrCurve::kPq ? *pq : *hlg;
}

// Light in nits as a share of the result's: a straight line up to the reference white, then a curve that goes on with
// its slope and ends level at the peak.
float compressed(float nits) {
  constexpr float kSlope = kWhiteLevel / kReferenceWhite, kAbove = kPeak - kReferenceWhite;
  if (nits <= kReferenceWhite) return nits * kSlope;
  const float t = std::min((nits - kReferenceWhite) / kAbove, 1.0f);
  // (1 - (1 - t)^n) has the slope n at 0 and none at 1.
  constexpr float kPower = kSlope * kAbove / (1 - kWhiteLevel);
  return kWhiteLevel + (1 - kWhiteLevel) * (1 - std::pow(1 - t, kPower));
}

// sRGB's curve for 4096 steps of light; below a step of 8 bits everywhere but in the darkest, where it is straight.
uint8_t encoded(float light) {
  static const std::array<uint8_t, 4096> table = [] {
    std::array<uint8_t, 4096> out{};
    for (size_t i = 0; i < out.size(); ++i) {
      const double x = static_cast<double>(i) / (out.size() - 1);
      const double y = x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
      out[i] = static_cast<uint8_t>(std::lround(y * 255));
    }
    return out;
  }();
  return table[static_cast<size_t>(std::clamp(light, 0.0f, 1.0f) * 4095 + 0.5f)];
}

}  // namespace

void tone_map(HdrCurve curve, std::span<const uint16_t> deep, std::span<uint8_t> rgb) {
  SAMC_CHECK(deep.size() == rgb.size() && deep.size() % 3 == 0, "{} values for {}", deep.size(), rgb.size());
  const Table& table = table_of(curve);
  for (size_t i = 0; i < deep.size(); i += 3) {
    float red = table[deep[i]], green = table[deep[i + 1]], blue = table[deep[i + 2]];
    if (curve == HdrCurve::kHlg) {
      // The display's own gamma, 1.2 at 1000 nits, which acts on brightness.
      const float luma = 0.2627f * red + 0.6780f * green + 0.0593f * blue;
      const float gain = kPeak * std::pow(luma, 0.2f);
      red *= gain, green *= gain, blue *= gain;
    }
    // By the greatest channel, so that the hue stays.
    const float most = std::max({red, green, blue});
    const float scale = most > 0 ? compressed(most) / most : 0;
    red *= scale, green *= scale, blue *= scale;
    // BT.2087's matrix from BT.2020 to BT.709.
    rgb[i] = encoded(1.6605f * red - 0.5876f * green - 0.0728f * blue);
    rgb[i + 1] = encoded(-0.1246f * red + 1.1329f * green - 0.0083f * blue);
    rgb[i + 2] = encoded(-0.0182f * red - 0.1006f * green + 1.1187f * blue);
  }
}

}  // namespace samc
